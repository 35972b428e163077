"""Where assigned partitions are read from: the committed offset, or Postgres's mark where that is lower.

The mark is the truth, the committed offset a hint: a Postgres restored to an older state is behind it. No record of a
partition is fetched before the two were compared, so none is written over a hole. And before that it is made sure that the mark
speaks of the log that is there (see log_identity.py).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

import faust
from faust.types import TP

from segue.errors import Unavailable
from segue.logs import fields
from segue.settings import Settings
from segue.stores.postgres.marks import Mark
from segue.topics import LISTENING_EVENTS
from stream_processors.bootstrap import Worker
from stream_processors.log_identity import look, replaced, settle_logs
from stream_processors.metrics import RECORDS_LOST
from stream_processors.patience import Stopped
from stream_processors.runs import RunConsumer, RunMessage, RunTransport

log = logging.getLogger(__name__)

AT_ONCE_S = 2.0
"""A rebalance waits this long for Postgres; after that its partitions stay paused until Postgres answers."""

NOWHERE = 2**63 - 1

Answer = TypeVar("Answer")
Skip = Callable[[int, int], Awaitable[None]]
"""Moves the mark of a listening partition to a sequence number, over records that the log no longer has."""


@dataclass(frozen=True)
class Start:
    """Where one partition is read from; `lost` records before it are neither stored nor in the log."""

    offset: int
    is_rewind: bool
    lost: int


def start_of(topic: str, mark: int, position: int, earliest: int) -> Start:
    """`position` is where Faust would begin. Offsets of a compacted topic have holes, so what it no longer has is not lost."""
    if mark >= position and mark >= earliest:
        return Start(position, is_rewind=False, lost=0)
    offset = max(mark, earliest)
    return Start(offset, is_rewind=offset < position, lost=offset - mark if topic == LISTENING_EVENTS else 0)


class Positions:
    """Compares and rewinds; one for each worker, used from its event loop."""

    generation = 0
    """Counts the times that reading began anew; records that were fetched in an older one are dropped, since they come again."""

    def __init__(self, worker: Worker, skip: Skip, crash: Callable[[BaseException], None]) -> None:
        self._worker, self._skip, self._crash = worker, skip, crash
        self._hands = {topic: asyncio.Lock() for topic in worker.processors}
        # A thread of its own: the others may be busy with batches that wait for a store.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="positions")
        self._later: asyncio.Task[None] | None = None
        self._reading_again = asyncio.Lock()
        self._bases: dict[TP, int] = {}

    def hand(self, topic: str) -> asyncio.Lock:
        """Held while a batch is processed: marks are compared between batches, never during one."""
        return self._hands[topic]

    def base(self, tp: TP) -> int:
        """What the offsets of a partition's log are counted on from, since it was last compared."""
        return self._bases[tp]

    def fresh(self, events: list[Any]) -> list[Any]:
        """Without the events that were fetched before reading began anew."""
        if events[0].message.generation_id == self.generation:
            return events
        return [event for event in events if event.message.generation_id == self.generation]

    async def settle(self, consumer: MarkedConsumer) -> None:
        """Called when all assigned partitions stand at their committed offsets, before anything is fetched."""
        generation, in_mid_stream = self.generation, self._reading_again.locked()
        partitions = {tp for tp in consumer.assignment() if tp.topic in self._worker.processors}
        if not partitions:
            return
        try:
            async with AsyncExitStack() as hands:
                async with asyncio.timeout(AT_ONCE_S):
                    await self._take_hands(hands)
                    marks = await self._in_thread(lambda: self._marks(partitions))
                starts = await self._plan(consumer, partitions, marks, in_mid_stream)
                if not any(start.lost for start in starts.values()):
                    await self._begin(consumer, starts, marks)
                    return
        except (Unavailable, TimeoutError) as error:
            log.warning("marks are compared later, nothing is read until then", extra=fields(reason=repr(error)))
        consumer.pause_partitions(partitions)
        self._later = asyncio.create_task(self._settle_later(consumer, partitions, generation, in_mid_stream))

    async def read_again(self, app: faust.App) -> None:
        """Go back in mid-stream to the committed offsets and marks; what is buffered is dropped and comes again."""
        async with self._reading_again:
            if app.rebalancing:
                return
            app.consumer.stop_flow()
            app.flow_control.suspend()
            app.flow_control.clear()
            try:
                await app.consumer.perform_seek()
            except Exception as error:  # noqa: BLE001 - with the flow stopped nothing would go on: it ends the process
                self._crash(error)
            if not app.rebalancing:
                app.flow_control.resume()
                app.consumer.resume_flow()

    async def look_for_other_logs(self, app: faust.App) -> None:
        """Called now and then: read again when a topic was replaced under the running consumer, or its log cut back.

        Nobody tells of it: a consumer's fetches go on under the topic's name, from where they were. Raises Unavailable, also
        while a topic is missing.
        """
        if self._later is not None and not self._later.done():
            return
        # Partitions of a missing topic are assigned to nobody, so this asks for all topics.
        await self._in_thread(lambda: self._worker.logs.ids(self._worker.processors))
        partitions = [(tp.topic, tp.partition) for tp in app.consumer.assignment() if tp in self._bases]
        marks, logs = await self._in_thread(lambda: look(self._worker.database, self._worker.logs, partitions))
        if replaced(marks, logs):
            await self.read_again(app)

    async def _settle_later(self, consumer: MarkedConsumer, partitions: set[TP], generation: int, in_mid_stream: bool) -> None:
        try:
            async with AsyncExitStack() as hands:
                await self._take_hands(hands)
                patience = self._worker.positions_patience
                marks = await self._in_thread(lambda: patience.until_available(lambda: self._marks(partitions)))
                if generation != self.generation:
                    return
                starts = await self._plan(consumer, partitions, marks, in_mid_stream)
                for tp, start in starts.items():
                    if start.lost and generation == self.generation:
                        await self._skip_lost(tp, start, marks[tp].base)
                if generation == self.generation:
                    await self._begin(consumer, starts, marks)
                    consumer.resume_partitions(partitions)
        except Stopped:
            log.info("stopping before the marks were compared")
        except Exception as error:  # noqa: BLE001 - a task's outermost edge: it ends the process, or is said
            # After another rebalance these partitions may not be ours: Kafka's client says so in several ways.
            if generation != self.generation:
                log.info("partitions were assigned anew meanwhile", extra=fields(reason=repr(error)))
            else:
                self._crash(error)

    async def _take_hands(self, stack: AsyncExitStack) -> None:
        for hand in self._hands.values():
            await stack.enter_async_context(hand)

    async def _in_thread(self, read: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._thread, read)

    def _marks(self, partitions: Collection[TP]) -> dict[TP, Mark]:
        found = settle_logs(self._worker.database, self._worker.logs, [(tp.topic, tp.partition) for tp in partitions])
        return {tp: found.get((tp.topic, tp.partition), Mark()) for tp in partitions}

    async def _plan(
        self, consumer: MarkedConsumer, partitions: set[TP], found: Mapping[TP, Mark], in_mid_stream: bool
    ) -> dict[TP, Start]:
        """Asks the consumer only where it must: its answer comes behind a fetch that waits for records, 1.5 s at worst."""
        marks = {tp: found[tp].offset for tp in partitions}
        committed = {tp: consumer.committed_at(tp) for tp in partitions}
        if in_mid_stream:
            # What was never acknowledged was not moved by the seek to the committed offset: it may stand anywhere.
            at = {tp: NOWHERE if offset is None else offset for tp, offset in committed.items()}
        else:
            # Nothing acknowledged: read from the log's beginning, and a gap to the mark shows with the first record.
            at = {tp: marks[tp] if offset is None else offset for tp, offset in committed.items()}
        asked = {tp for tp in partitions if marks[tp] < at[tp] or in_mid_stream}
        earliest = await consumer.earliest_offsets(*asked) if asked else {}
        return {tp: start_of(tp.topic, marks[tp], at[tp], earliest.get(tp, 0)) for tp in partitions}

    async def _begin(self, consumer: MarkedConsumer, starts: Mapping[TP, Start], marks: Mapping[TP, Mark]) -> None:
        rewinds = {tp: start.offset for tp, start in starts.items() if start.is_rewind}
        for tp, offset in rewinds.items():
            where = fields(topic=tp.topic, partition=tp.partition, offset=offset)
            log.warning("Postgres holds less than was acknowledged: reading again from its mark", extra=where)
        # The seek to the committed offsets moves none of these, and what was fetched of them during the assignment was dropped:
        # without a record that follows, or in a compacted topic, nothing would tell of it.
        unmoved = dict.fromkeys((tp for tp in starts if tp not in rewinds and consumer.committed_at(tp) is None), 0)
        if rewinds or unmoved:
            await consumer.rewind(unmoved | rewinds)
        self._worker.forget_marks()
        self._bases |= {tp: mark.base for tp, mark in marks.items()}
        self._worker.progress.starts({(tp.topic, tp.partition): max(s.offset, marks[tp].offset) for tp, s in starts.items()})

    async def _skip_lost(self, tp: TP, start: Start, base: int) -> None:
        where = fields(topic=tp.topic, partition=tp.partition, mark=start.offset - start.lost, earliest=start.offset)
        log.error("records expired before they were stored: going on without them", extra=where)
        self._worker.forget_marks()
        await self._skip(tp.partition, base + start.offset)
        RECORDS_LOST.labels(tp.topic).inc(start.lost)


class MarkedConsumer(RunConsumer):
    """A consumer that asks Postgres too before it fetches."""

    transport: MarkedTransport

    async def perform_seek(self) -> None:
        """To the committed offsets, and back from there to the marks."""
        self.transport.positions.generation += 1
        # Faust keeps what it knew where the broker has no offset any more, as of a topic that was made anew.
        self._committed_offset.clear()
        await super().perform_seek()
        # The buffers were cleared; a partition left in here would be delivered although it is paused.
        self._buffered_partitions.clear()
        await self.transport.positions.settle(self)

    def committed_at(self, tp: TP) -> int | None:
        """The committed offset that `perform_seek` found; None if there is none."""
        committed: int | None = self._committed_offset[tp]
        return committed

    async def rewind(self, offsets: Mapping[TP, int]) -> None:
        """Read these again; what was acknowledged of the stretch that comes again is not committed.

        What is acknowledged of it from now on is, though it be lower than before: the committed offsets tell the lag.
        """
        for tp, offset in offsets.items():
            self._done.pop(tp, None)
            self._committed_offset[tp] = offset
        await self.seek_wait(offsets)

    def _to_message(self, tp: TP, record: Any) -> RunMessage:
        # Nothing else of Faust that Segue uses looks at this number.
        message = super()._to_message(tp, record)
        message.generation_id = self.transport.positions.generation
        message.base = self.transport.positions.base(tp)
        return message


class MarkedTransport(RunTransport):
    """Makes such consumers."""

    Consumer = MarkedConsumer

    def __init__(self, app: faust.App, settings: Settings, positions: Positions) -> None:
        super().__init__(app, settings.batch_records, settings.batch_bytes)
        self.positions = positions
