"""A Kafka record as the processors see it: no Faust in it, so that the domain code runs and is measured without Faust."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol, TypeVar

from segue.tracing import TRACEPARENT

DATA_FAULTS = (ValueError, ArithmeticError, struct.error)
"""What Python raises over a value that no check foresaw. The event at fault is set aside; any other error is a bug."""


class WithValue(Protocol):
    """A record of ours or of a Kafka client."""

    @property
    def value(self) -> bytes | None:
        """Its bytes; None is a deletion."""


Kept = TypeVar("Kept", bound=WithValue)


class Record(NamedTuple):
    """One record. `timestamp_s` is the Unix time of the broker's append, `value` None is a deletion.

    `base` is what its log's offsets are counted on from (segue/stores/postgres/marks.py); 0 in a topic's first log.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_s: float
    headers: Sequence[tuple[str, bytes | None]]
    base: int = 0

    @property
    def sequence(self) -> int:
        """Its place among all that ever came from this partition, whatever log it was in: what marks are compared with."""
        return self.base + self.offset


class DeadLetter(NamedTuple):
    """What could not be processed: its bytes as they came (None: a deletion), where it stood, and why.

    `position` is its place in its record.
    """

    record: Record
    position: int
    raw: bytes | None
    code: str
    message: str


def traceparents(records: Iterable[Record]) -> Iterator[bytes]:
    """The headers that name the spans which wrote the records; a producer that packs several requests' events sends several."""
    for record in records:
        for name, value in record.headers:
            if name == TRACEPARENT and value is not None:
                yield value


def cut(records: Iterable[Kept], most_records: int, most_bytes: int) -> Iterator[list[Kept]]:
    """Cut records into runs within both bounds; a larger record stands alone."""
    run: list[Kept] = []
    size = 0
    for record in records:
        bytes_ = size_of(record)
        if run and (len(run) >= most_records or size + bytes_ > most_bytes):
            yield run
            run, size = [], 0
        run.append(record)
        size += bytes_
    if run:
        yield run


def size_of(record: WithValue) -> int:
    """Bytes of a record's value; 0 for a deletion."""
    return len(record.value) if record.value is not None else 0
