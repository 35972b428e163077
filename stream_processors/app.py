"""The Faust application: four agents that hand records to Faust-free processors, and acknowledge when these return."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import faust
from faust.types import TP

from segue.errors import Gap, SegueError
from segue.logs import fields
from segue.settings import Settings
from segue.topics import LISTENING_EVENTS
from stream_processors.bootstrap import Worker
from stream_processors.metrics import CONSUMER_LAG, REBALANCES, RECORDS_LOST
from stream_processors.patience import Patience, Stopped
from stream_processors.processing import ListeningProcessor, Processor
from stream_processors.records import Record
from stream_processors.runs import RunTransport

log = logging.getLogger(__name__)

EXIT_CRASHED = 70
BUFFERED_RUNS = 16
"""Runs of one topic that wait for their turn; past three quarters of it their partitions are not fetched."""
STALLED_AFTER_S = 60.0
WATCH_EVERY_S = 1.0


def create_app(settings: Settings, worker: Worker) -> faust.App:
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
        stream_buffer_maxsize=BUFFERED_RUNS,
        # A dead worker's partitions move after 3 s instead of 60 (measured: docs/decisions/0002-write-path.md).
        broker_session_timeout=3.0,
        broker_heartbeat_interval=0.5,
        broker_commit_interval=0.5,
        # SIGTERM in mid-batch: the thread finishes its transaction, and what was not acknowledged is below the mark when it
        # comes again. Waiting for Faust's own count of messages would wait for ever after a rewind.
        stream_wait_empty=False,
        # Waiting out a store may take long; the heartbeat, not the poll, tells whether this worker lives.
        broker_max_poll_interval=86_400.0,
    )
    app.transport = RunTransport(app, settings.batch_records, settings.batch_bytes)
    progress = Progress(worker, app)
    for topic, processor in worker.processors.items():
        _add_agent(app, topic, processor, settings, progress)
    app.on_partitions_assigned.connect(progress.assigned)
    app.on_partitions_revoked.connect(progress.revoked)
    app.timer(interval=WATCH_EVERY_S)(progress.watch)
    return app


class _Runner(faust.Worker):
    """Faust's worker, which on a signal also ends the waits for stores."""

    patience: Patience

    def _schedule_shutdown(self, number: signal.Signals) -> None:
        self.patience.stop()
        super()._schedule_shutdown(number)


def run(app: faust.App, worker: Worker, settings: Settings, loop: asyncio.AbstractEventLoop) -> None:
    """Run until SIGINT or SIGTERM, then finish what is in hand; does not return."""
    runner = _Runner(app, loglevel=settings.log_level, override_logging=False, redirect_stdouts=False, loop=loop)
    runner.patience = worker.patience
    runner.execute_from_commandline()


def _add_agent(app: faust.App, topic: str, processor: Processor, settings: Settings, progress: Progress) -> None:
    source = app.topic(topic, key_serializer="raw", value_serializer="raw")
    # One thread for each topic: batches of one topic are written one after another, and heartbeats go on meanwhile.
    thread = ThreadPoolExecutor(1, thread_name_prefix=topic)
    within_s = (settings.batch_within_ms if topic == LISTENING_EVENTS else settings.table_within_ms) / 1000

    async def agent(stream: Any) -> None:
        # Faust's own take_events passes every message through the stream's machinery; reading the channel's queue costs a
        # third of that (docs/decisions/0002-write-path.md). Nothing else of the stream is used, so nothing else is lost.
        queue = aiter(stream.channel).queue
        while True:
            runs = await _take(queue, settings.batch_records, settings.batch_bytes, within_s)
            records = [record for run in runs for record in run.message.records()]
            try:
                await asyncio.get_running_loop().run_in_executor(thread, processor.process, records)
            except Gap as gap:
                await _rewind(app, topic, processor, gap)
                # They come again; acknowledged now, they would be forgotten if this worker died before that.
                runs = [run for run in runs if run.message.offset < gap.first_missing(run.message.partition)]
            except Stopped:
                log.info("stopping: the batch will be delivered again", extra=fields(topic=topic, records=len(records)))
                os._exit(0)
            except Exception as error:  # noqa: BLE001 - the process's outermost edge: it ends here
                _crash(topic, records, error)
            else:
                progress.stored(records)
            for run in runs:
                run.ack()

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


async def _rewind(app: faust.App, topic: str, processor: Processor, gap: Gap) -> None:
    """Read again from the marks; what the log no longer has is passed over, and said."""
    for partition, (mark, came) in gap.starts.items():
        tp = TP(topic, partition)
        earliest = (await app.consumer.earliest_offsets(tp))[tp]
        where = fields(topic=topic, partition=partition, mark=mark, came=came, earliest=earliest)
        if earliest > mark and isinstance(processor, ListeningProcessor):
            log.error("records expired before they were stored: going on without them", extra=where)
            RECORDS_LOST.labels(topic).inc(earliest - mark)
            await asyncio.get_running_loop().run_in_executor(None, processor.skip, partition, earliest)
            mark = earliest
        log.warning("Postgres holds less than was acknowledged: reading again from its mark", extra=where)
        await app.consumer.seek(tp, mark)


def _crash(topic: str, records: list[Record], error: BaseException) -> None:
    """End the process at once: Faust acknowledges a batch whose agent raised, and that would lose it."""
    first, last = records[0], records[-1]
    span = {"partition": first.partition, "offset": first.offset, "to_partition": last.partition, "to_offset": last.offset}
    # One of our own errors says all in its message; only a surprise needs its traceback.
    surprise = None if isinstance(error, SegueError) else error
    log.critical(f"unexpected error, ending the process: {error}", extra=fields(topic=topic, **span), exc_info=surprise)
    logging.shutdown()
    os._exit(EXIT_CRASHED)


class Progress:
    """Lag by partition, and the end of a worker that has work and does none."""

    def __init__(self, worker: Worker, app: faust.App) -> None:
        self._worker, self._app = worker, app
        self._next: dict[tuple[str, int], int] = {}
        self._moved_at = time.monotonic()

    async def assigned(self, *args: Any, **_kwargs: Any) -> None:
        """Partitions may have been moved by someone else: ask Postgres again, which repairs Redis, at the first record."""
        assigned: set[Any] = args[1]
        REBALANCES.inc()
        self._moved_at = time.monotonic()
        self._worker.forget_marks()
        log.info("partitions assigned", extra=fields(partitions=len(assigned)))

    async def revoked(self, *args: Any, **_kwargs: Any) -> None:
        """Lag of a partition that is no longer ours is not ours to tell."""
        for tp in args[1]:
            if self._next.pop((tp.topic, tp.partition), None) is not None:
                CONSUMER_LAG.remove(tp.topic, tp.partition)

    def stored(self, records: list[Record]) -> None:
        """Note what was stored."""
        self._moved_at = time.monotonic()
        for record in records:
            self._next[record.topic, record.partition] = record.offset + 1
            CONSUMER_LAG.labels(record.topic, record.partition)

    async def watch(self) -> None:
        """Every second: publish the lag; end the process when there is lag, no store to wait for, and no progress."""
        lag = self._lag()
        for (topic, partition), records in lag.items():
            CONSUMER_LAG.labels(topic, partition).set(records)
        if not any(lag.values()) or self._worker.patience.waiting:
            self._moved_at = time.monotonic()
        elif time.monotonic() - self._moved_at > STALLED_AFTER_S:
            log.critical("no progress with lag, ending the process", extra=fields(lag=sum(lag.values()), after_s=STALLED_AFTER_S))
            os._exit(EXIT_CRASHED)

    def _lag(self) -> dict[tuple[str, int], int]:
        consumer = self._app.consumer
        lag = {}
        for tp in consumer.assignment():
            end = consumer.highwater(tp)
            done = self._next.get((tp.topic, tp.partition))
            if end is not None and done is not None:
                lag[tp.topic, tp.partition] = max(0, end - done)
        return lag
