"""Micro-batching: events of one partition share a record, since a Python stream processor's cost is per record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from segue.events import Envelope, ListeningEvent, encode
from segue.partitioning import partition_for

MAX_EVENTS = 100
"""Past this many events the cost per record no longer shows."""
MAX_BYTES = 64_000
"""Well below every broker's default limit of 1 MB, and small enough to decode without a stall."""
_FRAME_BYTES = len(encode(Envelope(events=())))


@dataclass(frozen=True, slots=True)
class EnvelopeRecord:
    """One Kafka record of `listening-events`: `events` events as JSON in `value`, all of one `partition`."""

    partition: int
    value: bytes
    events: int


def envelopes(
    events: Iterable[ListeningEvent], partitions: int, max_events: int = MAX_EVENTS, max_bytes: int = MAX_BYTES
) -> Iterator[EnvelopeRecord]:
    """Pack `events` into records of at most `max_events` events and `max_bytes` bytes; each user's order is kept.

    A single event that is larger than `max_bytes` gets a record of its own. What is left is yielded when `events` ends.
    """
    batches: dict[int, _Batch] = {}
    for event in events:
        partition = partition_for(event.user_id, partitions)
        batch = batches.setdefault(partition, _Batch())
        encoded = encode(event)
        if batch.parts and batch.size + len(encoded) + 1 > max_bytes:
            yield batch.close(partition)
        batch.add(encoded)
        if len(batch.parts) >= max_events:
            yield batch.close(partition)
    for partition, batch in sorted(batches.items()):
        if batch.parts:
            yield batch.close(partition)


@dataclass(slots=True)
class _Batch:
    parts: list[bytes] = field(default_factory=list)
    size: int = _FRAME_BYTES

    def add(self, encoded: bytes) -> None:
        self.parts.append(encoded)
        self.size += len(encoded) + 1

    def close(self, partition: int) -> EnvelopeRecord:
        value = encode(Envelope(events=tuple(msgspec.Raw(part) for part in self.parts)))
        record = EnvelopeRecord(partition, value, len(self.parts))
        self.parts, self.size = [], _FRAME_BYTES
        return record
