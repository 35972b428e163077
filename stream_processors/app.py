"""The Faust application: four agents that hand records to Faust-free processors, and acknowledge when these return."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import faust
from aiokafka.errors import KafkaError

from segue.errors import Gap, KafkaUnavailable, SegueError, Unavailable
from segue.log_reader import Hole, first_with_records
from segue.logs import fields
from segue.settings import Settings
from segue.topics import LISTENING_EVENTS
from segue.tracing import Tracing
from stream_processors.bootstrap import Worker
from stream_processors.crash_report import describe_batch, message_of
from stream_processors.metrics import BUFFERED_RUNS, CONSUMER_LAG, REBALANCES
from stream_processors.patience import Stopped
from stream_processors.positions import MarkedTransport, Positions, Skip
from stream_processors.processing import ListeningProcessor, Processor
from stream_processors.records import Record
from stream_processors.watchdog import EXIT_CRASHED, Watchdog

log = logging.getLogger(__name__)

LAG_EVERY_S = 1.0
METADATA_MAX_AGE_MS = 5_000
ASK_EVERY_S = 10.0
SHUTDOWN_WITHIN_S = 8.0
"""Less than the supervisor's patience, after which it kills."""
RESTING_S = 1.0
"""A topic with lag that nothing was heard of for this long may have come to the end of its records."""

Empty = Callable[[int, Hole], Awaitable[bool]]
"""Whether a stretch of a listening partition holds no record; False while the broker does not say."""


def create_app(settings: Settings, worker: Worker, loop: asyncio.AbstractEventLoop) -> faust.App:
    """Agents for every topic. Settings that differ from Faust's defaults say why in the comments."""
    app = faust.App(
        settings.kafka_group,
        broker=f"kafka://{settings.require_kafka()}",
        store="memory://",
        datadir=str(settings.state_dir.resolve() / "faust"),
        web_enabled=False,
        # No table, no leader election: state lives in Postgres.
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        # Runs, not records; with those that a fetch brings at once, a few megabytes.
        stream_buffer_maxsize=settings.buffered_runs,
        # A dead worker's partitions move after 3 s instead of 60 (measured: docs/decisions/0002-write-path.md).
        broker_session_timeout=3.0,
        broker_heartbeat_interval=0.5,
        broker_commit_interval=0.5,
        # A group that met while a topic was deleted has none of its partitions, until its leader sees the topic again.
        consumer_metadata_max_age_ms=METADATA_MAX_AGE_MS,
        # SIGTERM in mid-batch: the thread finishes its transaction, and what was not acknowledged is below the mark when it
        # comes again. Waiting for Faust's own count of messages would wait for ever after a rewind.
        stream_wait_empty=False,
        # Waiting out a store may take long; the heartbeat, not the poll, tells whether this worker lives.
        broker_max_poll_interval=86_400.0,
    )
    threads = {topic: ThreadPoolExecutor(1, thread_name_prefix=topic) for topic in worker.processors}
    end_process = partial(_end_process, worker.tracing)
    positions = Positions(worker, _skipper(worker, threads), end_process)
    app.transport = MarkedTransport(app, settings, positions)
    for topic, processor in worker.processors.items():
        _add_agent(app, topic, processor, settings, worker, positions, threads[topic])
    watchdog = Watchdog(worker.progress, worker.waiting, settings.stalled_after_s)
    watch = _Watch(app, worker, positions, _prover(settings))
    app.on_partitions_assigned.connect(watch.assigned)
    app.on_partitions_revoked.connect(watch.revoked)
    app.timer(interval=LAG_EVERY_S)(watch.publish_lag)
    app.timer(interval=min(ASK_EVERY_S, settings.stalled_after_s / 4))(watch.ask_broker)
    watchdog.watch(loop)
    return app


def _skipper(worker: Worker, threads: Mapping[str, ThreadPoolExecutor]) -> Skip:
    listening = worker.processors[LISTENING_EVENTS]

    async def skip(partition: int, sequence: int) -> None:
        assert isinstance(listening, ListeningProcessor)  # noqa: S101 - build_worker made it
        await asyncio.get_running_loop().run_in_executor(threads[LISTENING_EVENTS], listening.skip, partition, sequence)

    return skip


def _prover(settings: Settings) -> Empty:
    async def empty(partition: int, hole: Hole) -> bool:
        with_records = partial(first_with_records, settings, LISTENING_EVENTS, partition, [hole])
        try:
            return await asyncio.get_running_loop().run_in_executor(None, with_records) is None
        except KafkaUnavailable as error:
            log.info("the broker does not say what stands at its log's end", extra=fields(reason=repr(error)))
            return False

    return empty


class _Runner(faust.Worker):
    """Faust's worker, which on a signal also ends the waits for stores."""

    stopping: threading.Event

    def _schedule_shutdown(self, number: signal.Signals) -> None:
        self.stopping.set()
        # A shutdown in the middle of a rebalance may hang in Faust; ending at once is always safe, so it may not take long.
        ending = threading.Timer(SHUTDOWN_WITHIN_S, os._exit, (0,))
        ending.daemon = True
        ending.start()
        super()._schedule_shutdown(number)


def run(app: faust.App, worker: Worker, settings: Settings, loop: asyncio.AbstractEventLoop) -> None:
    """Run until SIGINT or SIGTERM, then finish what is in hand; does not return."""
    runner = _Runner(app, loglevel=settings.log_level, override_logging=False, redirect_stdouts=False, loop=loop)
    runner.stopping = worker.stopping
    runner.execute_from_commandline()


def _add_agent(
    app: faust.App,
    topic: str,
    processor: Processor,
    settings: Settings,
    worker: Worker,
    positions: Positions,
    thread: ThreadPoolExecutor,
) -> None:
    progress = worker.progress
    source = app.topic(topic, key_serializer="raw", value_serializer="raw")
    within_s = (settings.batch_within_ms if topic == LISTENING_EVENTS else settings.table_within_ms) / 1000

    async def agent(stream: Any) -> None:
        # Faust's own take_events passes every message through the stream's machinery; reading the channel's queue costs a
        # third of that (docs/decisions/0002-write-path.md). Nothing else of the stream is used, so nothing else is lost.
        queue = aiter(stream.channel).queue
        buffered = BUFFERED_RUNS.labels(topic)
        while True:
            buffered.set(queue.qsize())
            try:
                runs = await _take(queue, settings.batch_records, settings.batch_bytes, within_s)
            except StopAsyncIteration:
                # Faust throws it into the queue when it stops; out of a coroutine it would look like a crash, to be restarted.
                return
            records: list[Record] = []
            try:
                async with positions.hand(topic):
                    runs = positions.fresh(runs)
                    records = [record for run in runs for record in run.message.records()]
                    # One thread for each topic: batches are written one after another, and heartbeats go on meanwhile.
                    progress.takes(topic)
                    await asyncio.get_running_loop().run_in_executor(thread, processor.process, records)
                    progress.returns(topic)
                    for run in runs:
                        run.ack()
            except Gap as gap:
                log.warning("records are missing before a batch", extra=fields(topic=topic, gaps=gap.starts))
                progress.returns(topic)
                # Nothing of the batch is acknowledged: what was stored is below its mark when it comes again.
                await positions.read_again(app)
            except Stopped:
                log.info("stopping: the batch will be delivered again", extra=fields(topic=topic, records=len(records)))
                worker.tracing.close()
                os._exit(0)
            except Exception as error:  # noqa: BLE001 - the process's outermost edge: it ends here
                _crash(worker.tracing, topic, records, error)

    app.agent(source, name=f"{topic}-agent")(agent)


async def _take(queue: Any, most_records: int, most_bytes: int, within_s: float) -> list[Any]:
    """At least one run; more if they are there, or come within the time, until one of the bounds is reached."""
    runs = [await queue.get()]
    records, size = len(runs[0].message.run), runs[0].message.size
    if queue.empty() and records < most_records:
        await asyncio.sleep(within_s)
    while records < most_records and size < most_bytes and not queue.empty():
        runs.append(queue.get_nowait())
        records, size = records + len(runs[-1].message.run), size + runs[-1].message.size
    return runs


def _crash(tracing: Tracing, topic: str, records: list[Record], error: BaseException) -> None:
    """End the process at once: Faust acknowledges a batch whose agent raised, and that would lose it."""
    _end_process(tracing, error, topic=topic, **describe_batch(records, error))


def _end_process(tracing: Tracing, error: BaseException, **said: object) -> None:
    # One of our own errors says all in its message; only a surprise needs its traceback.
    surprise = None if isinstance(error, SegueError) else error
    log.critical(f"unexpected error, ending the process: {message_of(error)}", extra=fields(**said), exc_info=surprise)
    tracing.close()
    logging.shutdown()
    os._exit(EXIT_CRASHED)


class _Watch:
    """Tells the progress of what Faust knows."""

    def __init__(self, app: faust.App, worker: Worker, positions: Positions, empty: Empty) -> None:
        self._app, self._progress, self._topics = app, worker.progress, set(worker.processors)
        self._positions = positions
        self._shown: set[tuple[str, int]] = set()
        self._empty = empty

    async def assigned(self, *args: Any, **_kwargs: Any) -> None:
        """Where these partitions start is known when their marks were compared (see positions.py)."""
        assigned: set[Any] = args[1]
        REBALANCES.inc()
        self._progress.assigned((tp.topic, tp.partition) for tp in assigned if tp.topic in self._topics)
        log.info("partitions assigned", extra=fields(partitions=len(assigned)))

    async def revoked(self, *args: Any, **_kwargs: Any) -> None:
        """Lag of a partition that is no longer ours is not ours to tell."""
        for topic, partition in self._progress.revoked((tp.topic, tp.partition) for tp in args[1]):
            if (topic, partition) in self._shown:
                self._shown.discard((topic, partition))
                CONSUMER_LAG.remove(topic, partition)

    async def publish_lag(self) -> None:
        """Every second, from what the last fetches said of the logs' ends."""
        consumer = self._app.consumer
        ends = {(tp.topic, tp.partition): consumer.highwater(tp) for tp in consumer.assignment()}
        self._progress.ends({partition: end for partition, end in ends.items() if end is not None})
        for (topic, partition), records in self._progress.lag().items():
            self._shown.add((topic, partition))
            CONSUMER_LAG.labels(topic, partition).set(records)

    async def ask_broker(self) -> None:
        """Now and then: a consumer that silently stopped fetching hears of no new record."""
        if self._app.rebalancing:
            return
        try:
            await self._positions.look_for_other_logs(self._app)
        except Unavailable as error:
            log.warning("not known whether the topics are still the same", extra=fields(reason=error))
        generation, consumer = self._positions.generation, self._app.consumer
        partitions = {tp for tp in consumer.assignment() if tp.topic in self._topics}
        if not partitions or self._app.rebalancing:
            return
        try:
            ends = await consumer.highwaters(*partitions)
            begins = dict(await consumer.earliest_offsets(*partitions))
            # Any topic may end with a transaction's marker, which is read but is no record.
            for tp in (tp for tp in partitions if tp.topic != LISTENING_EVENTS):
                position = await consumer.position(tp) if self._progress.lag().get((tp.topic, tp.partition)) else None
                begins[tp] = max(begins[tp], position or 0)
        except KafkaError as error:
            log.info("the broker does not say where its log ends", extra=fields(reason=repr(error)))
            return
        if generation == self._positions.generation:
            self._progress.ends({(tp.topic, tp.partition): end for tp, end in ends.items()})
            self._progress.begins({(tp.topic, tp.partition): begin for tp, begin in begins.items()})
            await self._look_behind_the_last_record(generation)

    async def _look_behind_the_last_record(self, generation: int) -> None:
        """For listening events it is proved that nothing follows: what a fetch brought and was then dropped must show as lag."""
        if self._progress.idle_s(LISTENING_EVENTS) < RESTING_S:
            return
        holes = {where: self._progress.unstored(where) for where, lag in self._progress.lag().items() if lag}
        asked = {(topic, partition): hole for (topic, partition), hole in holes.items() if topic == LISTENING_EVENTS}
        empty = await asyncio.gather(*(self._empty(partition, hole) for (_, partition), hole in asked.items()))
        if generation != self._positions.generation:
            return
        self._progress.begins({where: hole[1] for (where, hole), is_empty in zip(asked.items(), empty, strict=True) if is_empty})
