"""The general net under the writes: when a batch is refused because of its data, find the events at fault and go on without them.

A batch is halved by records, and each half is stored with its marks like any batch, so order holds and a crash in between
repeats nothing. Within one record, whose mark moves at once, events are tried in transactions that are taken back. `n` events
of which `k` are at fault cost about `k·log2(n)` writes of ever smaller parts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from segue.errors import RefusedByStore
from segue.events import ListeningEvent, Rejected, decode_listening_record, raw_events
from segue.logs import fields
from stream_processors.listening_batch import ListeningBatch
from stream_processors.records import DATA_FAULTS, DeadLetter, Record
from stream_processors.table_writer import TableBatch, TableWriter, read_batch

log = logging.getLogger(__name__)

REFUSALS = (RefusedByStore, *DATA_FAULTS)
"""What says that data is at fault: the store's word, or Python's when it turns an event into a row. Anything else is a bug."""
CODE = "refused_by_store"

Item = TypeVar("Item")
Refusal = Callable[[Sequence[Item]], str | None]
"""Why these cannot be stored; None if they can."""


def divide(batch: ListeningBatch, refusal: Exception, rehearse: Callable[[ListeningBatch], None]) -> list[ListeningBatch]:
    """What to write instead of a refused batch, in order; `dead` of each holds letters that are yet to be sent.

    `rehearse` raises one of REFUSALS, or writes nothing. Raises `refusal` when no event can be blamed for it.
    """
    if len(batch.records) > 1:
        return _halves(batch)
    refused = _refused_events(batch, rehearse)
    if not refused:
        raise refusal
    letters = _letters(batch, refused)
    kept = [accepted for at, accepted in enumerate(batch.accepted) if at not in refused]
    return [ListeningBatch(batch.records, kept, letters)]


def divide_table(writer: TableWriter[Any], batch: TableBatch[Any], refusal: Exception) -> list[TableBatch[Any]]:
    """The same for a compacted topic, where a record is a row."""
    if len(batch.records) > 1:
        middle = len(batch.records) // 2
        return [read_batch(writer.table, part) for part in (batch.records[:middle], batch.records[middle:])]
    (record,) = batch.records
    if not batch.upserts and not batch.deletes:
        raise refusal
    _tell(record, 0)
    return [TableBatch([record], {}, set(), [DeadLetter(record, 0, record.value, CODE, str(refusal))])]


def find_refused(items: Sequence[Item], refusal: Refusal[Item]) -> dict[int, str]:
    """Positions of the items at fault, and why each is refused.

    An item is at fault if it is refused alone. If none is, though all together are, it is each that is refused after the good
    ones before it: a sum may leave a column's range where no summand does.
    """
    return _refused_alone(items, 0, refusal) or _refused_after([], items, 0, refusal)


def _refused_alone(items: Sequence[Item], start: int, refusal: Refusal[Item]) -> dict[int, str]:
    reason = refusal(items) if items else None
    if reason is None:
        return {}
    if len(items) == 1:
        return {start: reason}
    middle = len(items) // 2
    first = _refused_alone(items[:middle], start, refusal)
    return first | _refused_alone(items[middle:], start + middle, refusal)


def _refused_after(kept: list[Item], items: Sequence[Item], start: int, refusal: Refusal[Item]) -> dict[int, str]:
    reason = refusal([*kept, *items]) if items else None
    if reason is None:
        kept.extend(items)
        return {}
    if len(items) == 1:
        return {start: reason}
    middle = len(items) // 2
    first = _refused_after(kept, items[:middle], start, refusal)
    return first | _refused_after(kept, items[middle:], start + middle, refusal)


def _halves(batch: ListeningBatch) -> list[ListeningBatch]:
    middle = len(batch.records) // 2
    parts = []
    for records in (batch.records[:middle], batch.records[middle:]):
        theirs = {(record.partition, record.offset) for record in records}
        accepted = [(r, event) for r, event in batch.accepted if (r.partition, r.offset) in theirs]
        parts.append(ListeningBatch(records, accepted))
    return parts


def _refused_events(batch: ListeningBatch, rehearse: Callable[[ListeningBatch], None]) -> dict[int, str]:
    def refusal(accepted: Sequence[tuple[Record, ListeningEvent]]) -> str | None:
        try:
            rehearse(ListeningBatch(batch.records, list(accepted)))
        except REFUSALS as error:
            return str(error)
        return None

    return find_refused(batch.accepted, refusal)


def _letters(batch: ListeningBatch, refused: dict[int, str]) -> list[DeadLetter]:
    (record,) = batch.records
    in_record = decode_listening_record(record.value or b"")
    positions = _positions(in_record, [event for _, event in batch.accepted])
    raw = raw_events(record.value or b"", len(in_record))
    letters = []
    for at, reason in refused.items():
        event = batch.accepted[at][1]
        _tell(record, positions[at], event_id=event.event_id, type=event.type)
        letters.append(DeadLetter(record, positions[at], raw[positions[at]], CODE, reason))
    return letters


def _positions(in_record: Sequence[ListeningEvent | Rejected], events: Sequence[ListeningEvent]) -> list[int]:
    """Where in their record these events stand; they are a part of it, in its order."""
    found = enumerate(in_record)
    return [next(at for at, candidate in found if candidate == event) for event in events]


def _tell(record: Record, position: int, **more: object) -> None:
    """Without the reason, which may quote the event: whose it is may not go into logs."""
    where = {"topic": record.topic, "partition": record.partition, "offset": record.offset, "position": position}
    log.error("refused by the store, sent to the dead letters", extra=fields(**where, **more))
