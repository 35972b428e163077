"""From records of `listening-events` to what is to be written: decode, check, route. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from segue.errors import InvalidEvent
from segue.events import ListeningEvent, Rejected, check_listening_event, decode_listening_record, raw_events
from segue.partitioning import partition_for
from stream_processors.crash_report import name_event
from stream_processors.records import DATA_FAULTS, DeadLetter, Record

LATEST_S = datetime(2200, 1, 1, tzinfo=UTC).timestamp()
"""A topic that someone else made may carry the producers' own times, and those may be anything."""

MAX_LABEL_BYTES = 8_192
"""Key and headers of a record with several events: each event that is refused carries a copy of them to the dead letters."""


@dataclass
class ListeningBatch:
    """Events of a few records, sorted by fate. `accepted` holds each with its record, in order."""

    records: list[Record] = field(default_factory=list)
    accepted: list[tuple[Record, ListeningEvent]] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    misrouted: list[ListeningEvent] = field(default_factory=list)

    def next_sequences(self) -> dict[int, int]:
        """For each partition the sequence number behind its last record here."""
        return {record.partition: record.sequence + 1 for record in self.records}


def listening_batches(
    records: Iterable[Record], is_written: Callable[[Record], bool], partitions: int, most_events: int
) -> Iterator[ListeningBatch]:
    """Cut records into batches of about `most_events` events, never splitting a record.

    `is_written` tells which records an earlier batch already stored; they are passed over. It is asked as the batches are
    made, so it may learn from the batch before.
    """
    batch = ListeningBatch()
    for record in records:
        if is_written(record):
            continue
        _add(batch, record, partitions)
        if len(batch.accepted) + len(batch.dead) + len(batch.misrouted) >= most_events:
            yield batch
            batch = ListeningBatch()
    if batch.records:
        yield batch


def _add(batch: ListeningBatch, record: Record, partitions: int) -> None:
    batch.records.append(record)
    if record.value is None:
        batch.dead.append(DeadLetter(record, 0, None, "undecodable", "a deletion: listening events are deleted with their user"))
        return
    events = decode_listening_record(record.value)
    if len(events) > 1 and _label_bytes(record) > MAX_LABEL_BYTES:
        text = f"key and headers of an envelope have {_label_bytes(record)} bytes: send at most {MAX_LABEL_BYTES}"
        batch.dead.append(DeadLetter(record, 0, record.value, "headers_too_large", text))
        return
    _sort(batch, record, record.value, events, partitions)


def _label_bytes(record: Record) -> int:
    return len(record.key or b"") + sum(len(name) + len(value or b"") for name, value in record.headers)


def _sort(batch: ListeningBatch, record: Record, value: bytes, events: list[ListeningEvent | Rejected], partitions: int) -> None:
    # The broker's clock, not ours: a replay must come to the same verdict as the first reading.
    arrived_at = datetime.fromtimestamp(min(max(record.timestamp_s, 0.0), LATEST_S), UTC)
    raw: list[bytes] = []
    for index, event in enumerate(events):
        if isinstance(event, Rejected):
            batch.dead.append(DeadLetter(record, index, event.raw, event.error.code, str(event.error)))
            continue
        try:
            check_listening_event(event, arrived_at)
        except InvalidEvent as error:
            raw = raw or raw_events(value, len(events))
            batch.dead.append(DeadLetter(record, index, raw[index], error.code, str(error)))
            continue
        except DATA_FAULTS as error:
            raw = raw or raw_events(value, len(events))
            batch.dead.append(DeadLetter(record, index, raw[index], "unprocessable", str(error)))
            continue
        except Exception as error:
            error.add_note(name_event(record, index, event))
            raise
        if partition_for(event.user_id, partitions) == record.partition:
            batch.accepted.append((record, event))
        else:
            batch.misrouted.append(event)
