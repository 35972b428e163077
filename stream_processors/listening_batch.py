"""From records of `listening-events` to what is to be written: decode, check, route. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from segue.errors import InvalidEvent
from segue.events import ListeningEvent, Rejected, check_listening_event, decode_listening_record, encode
from segue.partitioning import partition_for
from stream_processors.crash_report import name_event
from stream_processors.records import DATA_FAULTS, DeadLetter, Record

LATEST_S = datetime(2200, 1, 1, tzinfo=UTC).timestamp()
"""A topic that someone else made may carry the producers' own times, and those may be anything."""


@dataclass
class ListeningBatch:
    """Events of a few records, sorted by fate. `accepted` holds each with its record, in order."""

    records: list[Record] = field(default_factory=list)
    accepted: list[tuple[Record, ListeningEvent]] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    misrouted: list[ListeningEvent] = field(default_factory=list)

    def next_offsets(self) -> dict[int, int]:
        """For each partition the offset behind its last record here."""
        return {record.partition: record.offset + 1 for record in self.records}


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
        if len(batch.accepted) + len(batch.dead) >= most_events:
            yield batch
            batch = ListeningBatch()
    if batch.records:
        yield batch


def _add(batch: ListeningBatch, record: Record, partitions: int) -> None:
    batch.records.append(record)
    arrived_at = datetime.fromtimestamp(min(max(record.timestamp_s, 0.0), LATEST_S), UTC)
    # The broker's clock, not ours: a replay must come to the same verdict as the first reading.
    for index, event in enumerate(decode_listening_record(record.value or b"")):
        if isinstance(event, Rejected):
            batch.dead.append(DeadLetter(record, index, event.raw, event.error.code, str(event.error)))
            continue
        try:
            check_listening_event(event, arrived_at)
        except InvalidEvent as error:
            batch.dead.append(DeadLetter(record, index, encode(event), error.code, str(error)))
            continue
        except DATA_FAULTS as error:
            batch.dead.append(DeadLetter(record, index, record.value or b"", "unprocessable", str(error)))
            continue
        except Exception as error:
            error.add_note(name_event(record, index, event))
            raise
        if partition_for(event.user_id, partitions) == record.partition:
            batch.accepted.append((record, event))
        else:
            batch.misrouted.append(event)
