"""Processing records to the end: everything is stored when `process` returns, so the caller may acknowledge. No Faust here."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Protocol

from segue.errors import Fenced, Gap
from segue.log_reader import Hole
from segue.logs import fields
from segue.topics import LISTENING_EVENTS
from segue.tracing import NO_TRACING, Attributes, Span, Tracing
from stream_processors.listening_batch import ListeningBatch, listening_batches
from stream_processors.listening_writer import ListeningWriter
from stream_processors.marks import Marks
from stream_processors.metrics import FENCED, RECORDS_SKIPPED
from stream_processors.outbox import Outbox
from stream_processors.patience import Patience
from stream_processors.records import Record, traceparents
from stream_processors.refusals import REFUSALS, divide, divide_table
from stream_processors.table_writer import TableBatch, TableWriter, read_batch

log = logging.getLogger(__name__)

WithRecords = Callable[[int, Sequence[Hole]], Hole | None]
"""The first of a listening partition's holes that had records; see log_reader.first_with_records."""


class Processor(Protocol):
    """Stores records of one topic."""

    def process(self, records: Sequence[Record]) -> None:
        """Store all of `records`, however long the stores are away. Raises Stopped when the worker shuts down meanwhile."""


def refuse_other_logs(records: Sequence[Record], base: Callable[[str, int], int]) -> None:
    """Raises Gap when records came from another log than the one that their partition's mark speaks of."""
    bases = {(record.topic, record.partition): record.base for record in records}
    others = {where[1]: (known, had) for where, had in bases.items() if (known := base(*where)) != had}
    if others:
        raise Gap(others)


def batch_span(tracing: Tracing, topic: str, records: Sequence[Record]) -> AbstractContextManager[Span]:
    """Around all that is done for a batch. It links to the traces that its records come from; being many, none is its parent."""
    attributes: Attributes = {
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        "messaging.batch.message_count": len(records),
    }
    return tracing.root(f"process {topic}", "consumer", attributes, traceparents(records))


class ListeningProcessor:
    """Listening events: dead letters out first, then Postgres, then Redis."""

    def __init__(
        self,
        writer: ListeningWriter,
        marks: Marks,
        outbox: Outbox,
        patience: Patience,
        partitions: int,
        most_events: int,
        with_records: WithRecords,
        tracing: Tracing = NO_TRACING,
    ) -> None:
        self._writer, self._marks, self._outbox, self._patience = writer, marks, outbox, patience
        self._partitions, self._most_events, self._with_records = partitions, most_events, with_records
        self._tracing = tracing

    def process(self, records: Sequence[Record]) -> None:
        """See Processor. Raises Gap at the end for partitions with a hole before or between their records; what precedes the
        hole is stored, and nothing may be acknowledged."""
        refuse_other_logs(records, self._base)
        gaps = self._gaps(records)
        following = [r for r in records if r.partition not in gaps or r.offset < gaps[r.partition][0]] if gaps else records
        for batch in listening_batches(following, self._is_written, self._partitions, self._most_events):
            with batch_span(self._tracing, LISTENING_EVENTS, batch.records):
                self._send_and_write(batch)
        if gaps:
            raise Gap(gaps)

    def skip(self, partition: int, sequence: int) -> None:
        """Move a partition's mark over records that the log no longer has."""
        before = self._mark(partition)
        self._patience.until_available(lambda: self._writer.skip(partition, before, sequence))
        self._marks.forget(LISTENING_EVENTS, partition)
        # Loaded anew, which brings Redis to it; a wait for Redis does not move the mark a second time, and be fenced by itself.
        self._mark(partition)

    def _gaps(self, records: Sequence[Record]) -> dict[int, Hole]:
        """Where a partition's records do not follow its mark and each other, and the log had more: that was missed.

        The topic is not compacted, so only producers that write in transactions leave holes without records.
        """
        gaps = {}
        for partition, holes in self._holes(records).items():
            missed = self._patience.until_available(partial(self._with_records, partition, holes))
            if missed is not None:
                gaps[partition] = missed
        return gaps

    def _holes(self, records: Sequence[Record]) -> dict[int, list[Hole]]:
        holes: dict[int, list[Hole]] = defaultdict(list)
        wanted: dict[int, int] = {}
        for record in records:
            partition, offset = record.partition, record.offset
            at = wanted[partition] if partition in wanted else self._mark(partition) - record.base
            if offset > at:
                holes[partition].append((at, offset))
            wanted[partition] = max(at, offset + 1)
        return holes

    def _send_and_write(self, batch: ListeningBatch) -> None:
        # Sent before the marks move: a redelivered record below its mark is passed over with its dead letters.
        self._patience.until_available(lambda: self._outbox.send(batch.dead, batch.misrouted))
        self._write(batch)

    def _write(self, batch: ListeningBatch) -> None:
        before = {p: self._mark(p) for p in batch.next_sequences()}
        try:
            states = self._patience.until_available(lambda: self._writer.store(batch))
        except Fenced as error:
            FENCED.inc()
            log.warning("batch dropped, another worker was here", extra=fields(reason=error))
            for partition in before:
                self._marks.forget(LISTENING_EVENTS, partition)
            self.process(batch.records)
            return
        except REFUSALS as refusal:
            for part in divide(batch, refusal, self._rehearse):
                self._send_and_write(part)
            return
        for partition, sequence in batch.next_sequences().items():
            self._marks.set(LISTENING_EVENTS, partition, sequence)
        self._patience.until_available(lambda: self._writer.publish(batch, before, states))

    def _rehearse(self, batch: ListeningBatch) -> None:
        self._patience.until_available(lambda: self._writer.rehearse(batch))

    def _is_written(self, record: Record) -> bool:
        written = record.sequence < self._mark(record.partition)
        if written:
            RECORDS_SKIPPED.labels(record.topic).inc()
        return written

    def _mark(self, partition: int) -> int:
        return self._patience.until_available(lambda: self._marks.get(LISTENING_EVENTS, partition))

    def _base(self, topic: str, partition: int) -> int:
        return self._patience.until_available(lambda: self._marks.base(topic, partition))


class TableProcessor:
    """Records of a compacted topic."""

    def __init__(
        self, writer: TableWriter[Any], marks: Marks, outbox: Outbox, patience: Patience, tracing: Tracing = NO_TRACING
    ) -> None:
        self._writer, self._marks, self._outbox, self._patience = writer, marks, outbox, patience
        self._tracing = tracing

    def process(self, records: Sequence[Record]) -> None:
        """See Processor. Raises Gap when Postgres turns out to hold less than it did: nothing here may be acknowledged then."""
        refuse_other_logs(records, self._base)
        fresh = [record for record in records if record.sequence >= self._mark(record)]
        RECORDS_SKIPPED.labels(self._writer.table.topic).inc(len(records) - len(fresh))
        most = self._writer.table.most_records
        for at in range(0, len(fresh), most):
            some = fresh[at : at + most]
            with batch_span(self._tracing, self._writer.table.topic, some):
                self._send_and_write(read_batch(self._writer.table, some))

    def _send_and_write(self, batch: TableBatch[Any]) -> None:
        self._patience.until_available(lambda: self._outbox.send(batch.dead))
        self._write(batch)

    def _write(self, batch: TableBatch[Any]) -> None:
        before = {record.partition: self._mark(record) for record in batch.records}
        try:
            self._patience.until_available(lambda: self._writer.store(batch))
        except Fenced as error:
            FENCED.inc()
            log.warning("batch dropped, another worker was here", extra=fields(reason=error))
            self._look_for_loss(batch.records, before)
            self.process(batch.records)
            return
        except REFUSALS as refusal:
            self._write_parts(divide_table(self._writer, batch, refusal))
            return
        for record in batch.records:
            self._marks.set(record.topic, record.partition, record.sequence + 1)

    def _look_for_loss(self, records: Sequence[Record], before: dict[int, int]) -> None:
        """A mark that went back is a Postgres that was restored. Offsets here have holes, so they do not show it."""
        for record in records:
            self._marks.forget(record.topic, record.partition)
        after = {record.partition: self._mark(record) for record in records}
        gaps = {partition: (mark, before[partition]) for partition, mark in after.items() if mark < before[partition]}
        if gaps:
            for record in records:
                self._marks.forget(record.topic, record.partition)
            raise Gap(gaps)

    def _write_parts(self, parts: list[TableBatch[Any]]) -> None:
        # Letters of a part were sent with the whole; only a lone record's is new.
        if len(parts) == 1:
            self._patience.until_available(lambda: self._outbox.send(parts[0].dead))
        for part in parts:
            self._write(part)

    def _mark(self, record: Record) -> int:
        return self._patience.until_available(lambda: self._marks.get(record.topic, record.partition))

    def _base(self, topic: str, partition: int) -> int:
        return self._patience.until_available(lambda: self._marks.base(topic, partition))
