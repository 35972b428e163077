"""Reading the dead letters one after another, however many there are."""

from __future__ import annotations

import heapq
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from confluent_kafka import Message

from segue.errors import NotFound
from segue.log_reader import LogReader, Offsets, headers_of
from segue.partitioning import partition_for
from segue.settings import Settings
from segue.topics import DEAD_LETTERS

REMEMBERED_IDS = 100_000
"""A letter that a crash sent twice stands among the letters of the same batches; ids further back are forgotten."""
FOREIGN = "not_a_letter"

Progress = Callable[[int, int], None]
"""Hears of (letters read, letters in all)."""


@dataclass(frozen=True)
class Letter:
    """One dead letter. `id` is topic/partition/sequence/position of what could not be processed; `raw` None was a deletion."""

    id: str
    topic: str
    error: str
    message: str
    first_seen_s: float
    arrived_s: float
    raw: bytes | None
    key: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    stands_at: tuple[int, int]
    """Partition and offset of the letter itself."""
    cut_from: int | None = None
    """Bytes of the record, when it was too large for a letter and only its beginning is here."""

    @property
    def origin(self) -> tuple[str, int, int]:
        """Topic, partition and sequence of the record; in a topic's first log the sequence is the offset."""
        return _origin(self.id)

    @property
    def size(self) -> int:
        """Bytes of value, key and headers; the last may be most of it."""
        return len(self.raw or b"") + len(self.key or b"") + sum(len(name) + len(value or b"") for name, value in self.headers)


def newest_letters(settings: Settings, error: str | None, most: int) -> list[Letter]:
    """The `most` letters (of one error, or all) that arrived last, oldest of them first; without their bytes and headers.

    Reads back from the end of the topic no further than needed.
    """
    with closing(LogReader(settings)) as reader:
        first, ends = reader.bounds([DEAD_LETTERS])
        back = most
        while True:
            starts = {where: max(first[where], end - back) for where, end in ends.items()}
            light = (replace(letter, raw=None, headers=()) for letter in letters_between(reader, starts, ends, error))
            found = heapq.nlargest(most, light, key=lambda letter: (letter.arrived_s, letter.id))
            if len(found) == most or starts == first:
                return found[::-1]
            back *= 4


def count_letters(settings: Settings, error: str | None, progress: Progress) -> Counter[tuple[str, str]]:
    """How many letters (of one error, or all) the topic keeps, by (error, topic)."""
    with closing(LogReader(settings)) as reader:
        first, ends = reader.bounds([DEAD_LETTERS])
        letters = letters_between(reader, first, ends, error, progress)
        return Counter((letter.error, letter.topic) for letter in letters)


def find_letter(settings: Settings, wanted: str) -> Letter:
    """One letter by its id. Raises NotFound.

    Reads one partition, from the time of the record on if the log has it: a letter is never older than what it is about.
    """
    missing = NotFound(f"no dead letter {wanted}: `segue events dead-letters` lists them")
    try:
        topic, partition, offset = _origin(wanted)
    except ValueError:
        raise missing from None
    with closing(LogReader(settings)) as reader:
        first, ends = reader.bounds([DEAD_LETTERS])
        if topic == DEAD_LETTERS:
            # A foreign record is named after its own place.
            for record in reader.read_one(topic, partition, offset) if (topic, partition) in ends else ():
                return letter_of(record)
            raise missing
        where = (DEAD_LETTERS, partition_for(wanted, len(ends)))
        starts = [{where: first[where]}]
        for record in reader.read_one(topic, partition, offset):
            starts.insert(0, reader.offsets_at(starts[0], record.timestamp()[1] / 1000))
        # What stands there may be another record: the log was replaced since.
        for start in starts:
            for letter in letters_between(reader, start, {where: ends[where]}, None):
                if letter.id == wanted:
                    return letter
    raise missing


def letters_between(
    reader: LogReader, starts: Offsets, ends: Offsets, error: str | None, progress: Progress = lambda _done, _total: None
) -> Iterator[Letter]:
    """Letters (of one error, or all) in the order of the log; one that a crash sent twice comes once."""
    total, seen = sum(end - starts[where] for where, end in ends.items()), _Recent(REMEMBERED_IDS)
    for done, message in enumerate(reader.read(starts, ends), start=1):
        letter = letter_of(message)
        if error in (None, letter.error) and seen.add(letter.id):
            yield letter
        progress(done, total)


def letter_of(message: Message) -> Letter:
    """What `Outbox` sent; a record that somebody else put there, whatever headers it has, has the error FOREIGN."""
    try:
        letter = _letter_of(message)
        _origin(letter.id)
    except ValueError:
        return _foreign(message)
    return letter


def _foreign(message: Message) -> Letter:
    partition, offset = message.partition() or 0, message.offset() or 0
    return Letter(
        id=f"{DEAD_LETTERS}/{partition}/{offset}/0",
        topic="",
        error=FOREIGN,
        message="not written by a processor",
        first_seen_s=0.0,
        arrived_s=message.timestamp()[1] / 1000,
        raw=_bytes(message.value()),
        key=_bytes(message.key()),
        headers=headers_of(message),
        stands_at=(partition, offset),
        cut_from=None,
    )


def _letter_of(message: Message) -> Letter:
    pairs = headers_of(message)
    # Ours come first, so that a producer's header of the same name cannot take their place.
    originals = int(dict(reversed(pairs)).get("segue-headers") or 0)
    own = dict(pairs[: len(pairs) - originals])
    text = {name: (value or b"").decode("utf-8", "replace") for name, value in own.items() if name != "segue-key"}
    return Letter(
        id=key_of(message).decode("utf-8", "replace"),
        topic=_required(text, "segue-topic"),
        error=_required(text, "segue-error"),
        message=_required(text, "segue-message"),
        first_seen_s=float(_required(text, "segue-first-seen")),
        arrived_s=message.timestamp()[1] / 1000,
        raw=_bytes(message.value()),
        key=own.get("segue-key"),
        headers=pairs[len(pairs) - originals :],
        stands_at=(message.partition() or 0, message.offset() or 0),
        cut_from=int(text["segue-cut"]) if "segue-cut" in text else None,
    )


def _required(headers: dict[str, str], name: str) -> str:
    if name not in headers:
        raise ValueError(f"no header {name}")
    return headers[name]


def key_of(message: Message) -> bytes:
    """A record's key; empty if it has none."""
    return _bytes(message.key()) or b""


class _Recent:
    """The newest ids of a stream, to a bound."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._ids: OrderedDict[str, None] = OrderedDict()

    def add(self, new: str) -> bool:
        """Whether the id was not among the newest."""
        if new in self._ids:
            return False
        self._ids[new] = None
        if len(self._ids) > self._most:
            self._ids.popitem(last=False)
        return True


def _origin(letter_id: str) -> tuple[str, int, int]:
    topic, partition, offset, _position = letter_id.split("/")
    return topic, int(partition), int(offset)


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
