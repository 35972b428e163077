"""A Kafka record as the processors see it: no Faust in it, so that the domain code runs and is measured without Faust."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

DATA_FAULTS = (ValueError, ArithmeticError, struct.error)
"""What Python raises over a value that no check foresaw. The event at fault is set aside; any other error is a bug."""


class Record(NamedTuple):
    """One record. `timestamp_s` is the Unix time of the broker's append, `value` None is a deletion."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_s: float
    headers: Sequence[tuple[str, bytes | None]]


class DeadLetter(NamedTuple):
    """What could not be processed: its bytes as they came (None: a deletion), where it stood, and why.

    `position` is its place in its record.
    """

    record: Record
    position: int
    raw: bytes | None
    code: str
    message: str
