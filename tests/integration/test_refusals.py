"""An event that slips past every check and that Postgres refuses: it is set aside, and everything else is stored once."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from segue.events import CatalogueTrack, ListeningEvent, encode, encode_envelope
from segue.partitioning import partition_for
from segue.stores.postgres.catalogue import CatalogueStore
from segue.stores.postgres.database import Database
from segue.stores.postgres.marks import read_mark
from segue.stores.redis.writer import LiveRowWriter
from segue.taste import TasteWeights
from segue.topics import CATALOGUE, LISTENING_EVENTS
from stream_processors import listening_writer
from stream_processors.listening_writer import ListeningWriter
from stream_processors.marks import Marks
from stream_processors.outbox import Outbox
from stream_processors.patience import Patience
from stream_processors.processing import ListeningProcessor, Processor, TableProcessor
from stream_processors.records import DeadLetter, Record
from stream_processors.table_writer import TableWriter, tables
from tests.oracle import differences, fold, in_postgres, in_redis

pytestmark = pytest.mark.stack

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
USERS = [f"user-{number}" for number in range(6)]
POISON_MS = 4_242


class Crash(BaseException):
    """The process ends here."""


class KeptLetters(Outbox):
    """Keeps what would be sent; `crash_at` counts the sends before the process ends."""

    def __init__(self, crash_at: int | None = None) -> None:
        self.letters: dict[tuple[int, int, int], DeadLetter] = {}
        self._left = crash_at

    def send(self, dead: Sequence[DeadLetter], misrouted: Sequence[ListeningEvent] = ()) -> None:
        assert not misrouted
        if dead and self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise Crash
        self.letters |= {(letter.record.partition, letter.record.offset, letter.position): letter for letter in dead}


class Workers:
    """Makes processors over one pair of stores, each with marks and caches of its own, as each worker process has."""

    def __init__(self, database: Database, redis_url: str) -> None:
        self.database, self.redis_url = database, redis_url

    def listening(self, outbox: Outbox) -> ListeningProcessor:
        rows = LiveRowWriter(self.redis_url, buckets=8, max_cells=1000, ttl_days=1)
        marks = Marks(self.database, rows, 8)
        writer = ListeningWriter(self.database, rows, marks, 8, TasteWeights(), 1000, 1000)
        return ListeningProcessor(writer, marks, outbox, Patience(), 8, 2000, lambda _partition, holes: holes[0])

    def catalogue(self, outbox: Outbox) -> Processor:
        rows = LiveRowWriter(self.redis_url, buckets=8, max_cells=1000, ttl_days=1)
        marks = Marks(self.database, rows, 8)
        return TableProcessor(TableWriter(tables(rows.bury)[0], self.database, marks), marks, outbox, Patience())


@pytest.fixture
def workers(own_database: Database, own_redis_url: str) -> Workers:
    with own_database.transaction() as cursor:
        cursor.execute(f"alter table listens add constraint no_poison check (ms_played is distinct from {POISON_MS})")
        cursor.execute("alter table tracks add constraint no_poison check (name is distinct from 'poison')")
    return Workers(own_database, own_redis_url)


def event(user_id: str, ms_played: int | None = None, track_id: str = "t1") -> ListeningEvent:
    return ListeningEvent(
        event_id=uuid.uuid4(), type="play", user_id=user_id, track_id=track_id, occurred_at=NOW, ms_played=ms_played
    )


def envelopes(*batches: Sequence[ListeningEvent]) -> list[Record]:
    """Records of the users' own partitions, in order."""
    offsets: dict[int, int] = {}
    records = []
    for events in batches:
        partition = partition_for(events[0].user_id, 8)
        offset = offsets.setdefault(partition, 0)
        offsets[partition] += 1
        records.append(Record(LISTENING_EVENTS, partition, offset, None, encode_envelope(events), NOW.timestamp(), ()))
    return records


def marks_of(database: Database, records: Sequence[Record]) -> dict[int, int]:
    with database.transaction(read_only=True) as cursor:
        return {record.partition: read_mark(cursor, record.topic, record.partition).offset for record in records}


def ends_of(records: Sequence[Record]) -> dict[int, int]:
    return {record.partition: record.offset + 1 for record in records}


def load(poison: Sequence[tuple[int, int]]) -> tuple[list[Record], list[ListeningEvent], list[ListeningEvent]]:
    """Records of 30 envelopes of 7 events; the events at (envelope, place) are refused by Postgres."""
    good, bad, batches = [], [], []
    for number in range(30):
        user_id = USERS[number % len(USERS)]
        events = [event(user_id, POISON_MS if (number, at) in poison else None, f"t{(number + at) % 9}") for at in range(7)]
        bad += [events[at] for at in range(7) if (number, at) in poison]
        good += [events[at] for at in range(7) if (number, at) not in poison]
        batches.append(events)
    return envelopes(*batches), good, bad


POISON = [(0, 0), (11, 3), (11, 4), (29, 6)]


def test_the_events_at_fault_are_set_aside_and_all_others_are_stored_once(
    workers: Workers, own_database: Database, own_redis_url: str
) -> None:
    records, good, bad = load(POISON)
    outbox = KeptLetters()
    workers.listening(outbox).process(records)
    assert differences(fold(good), in_postgres(own_database)) == []
    assert differences(fold(good), in_redis(own_redis_url, own_database)) == []
    assert marks_of(own_database, records) == ends_of(records)
    assert {letter.raw for letter in outbox.letters.values()} == {encode(event) for event in bad}
    assert sorted(letter.position for letter in outbox.letters.values()) == [0, 3, 4, 6]
    assert {letter.code for letter in outbox.letters.values()} == {"refused_by_store"}
    assert all('violates check constraint "no_poison"' in letter.message for letter in outbox.letters.values())


@pytest.mark.parametrize("crash_at", [0, 1, 2])
def test_a_crash_in_mid_search_repeats_and_loses_nothing(
    workers: Workers, own_database: Database, own_redis_url: str, crash_at: int
) -> None:
    records, good, bad = load(POISON)
    dying = KeptLetters(crash_at)
    with pytest.raises(Crash):
        workers.listening(dying).process(records)
    successor = KeptLetters()
    workers.listening(successor).process(records)
    assert differences(fold(good), in_postgres(own_database)) == []
    assert differences(fold(good), in_redis(own_redis_url, own_database)) == []
    letters = dying.letters | successor.letters
    assert sorted(letter.raw or b"" for letter in letters.values()) == sorted(encode(event) for event in bad)


def test_a_batch_of_nothing_but_refused_events_moves_its_marks(workers: Workers, own_database: Database) -> None:
    records = envelopes([event(USERS[0], POISON_MS), event(USERS[0], POISON_MS)])
    outbox = KeptLetters()
    workers.listening(outbox).process(records)
    assert len(outbox.letters) == 2
    assert marks_of(own_database, records) == ends_of(records)
    assert in_postgres(own_database) == {}


def test_a_value_that_python_cannot_turn_into_a_row_is_set_aside_too(
    workers: Workers, own_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    confidence: Callable[..., float] = listening_writer.confidence  # type: ignore[attr-defined]

    def overflowing(event: ListeningEvent, weights: TasteWeights) -> float:
        if event.track_id == "huge":
            raise OverflowError("int too large to convert")
        return confidence(event, weights)

    monkeypatch.setattr(listening_writer, "confidence", overflowing)
    good = event(USERS[0])
    outbox = KeptLetters()
    workers.listening(outbox).process(envelopes([event(USERS[0], track_id="huge"), good]))
    assert differences(fold([good]), in_postgres(own_database)) == []
    assert [letter.message for letter in outbox.letters.values()] == ["int too large to convert"]


def test_an_error_that_blames_no_data_is_raised(
    workers: Workers, own_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> float:
        raise TypeError("a bug")

    monkeypatch.setattr(listening_writer, "confidence", broken)
    outbox = KeptLetters()
    records = envelopes([event(USERS[0])])
    with pytest.raises(TypeError, match="a bug"):
        workers.listening(outbox).process(records)
    assert outbox.letters == {}
    assert marks_of(own_database, records) == {records[0].partition: 0}


def track_records(names: Sequence[str]) -> list[Record]:
    tracks = [CatalogueTrack(track_id=f"t{number}", name=name, artists=("Ada",)) for number, name in enumerate(names)]
    return [
        Record(CATALOGUE, 0, offset, track.track_id.encode(), encode(track), NOW.timestamp(), ())
        for offset, track in enumerate(tracks)
    ]


@pytest.mark.parametrize("crash_at", [None, 0, 1])
def test_a_track_at_fault_is_set_aside_and_all_others_are_stored(
    workers: Workers, own_database: Database, crash_at: int | None
) -> None:
    records = track_records([f"Song {number}" if number not in (3, 4, 9) else "poison" for number in range(10)])
    dying, outbox = KeptLetters(crash_at), KeptLetters()
    if crash_at is not None:
        with pytest.raises(Crash):
            workers.catalogue(dying).process(records)
    workers.catalogue(outbox).process(records)
    assert [track.track_id for track in CatalogueStore(own_database).all_tracks()] == ["t0", "t1", "t2", "t5", "t6", "t7", "t8"]
    assert marks_of(own_database, records) == {0: 10}
    letters = dying.letters | outbox.letters
    assert sorted(offset for _, offset, _ in letters) == [3, 4, 9]
    assert {letter.code for letter in letters.values()} == {"refused_by_store"}


class Overtaken(KeptLetters):
    """Another worker stores the same records, and newer ones, just before this one's batch."""

    def __init__(self, other: Processor, records: Sequence[Record]) -> None:
        super().__init__()
        self._other, self._records = other, records

    def send(self, dead: Sequence[DeadLetter], misrouted: Sequence[ListeningEvent] = ()) -> None:
        super().send(dead, misrouted)
        self._other.process(self._records)


def test_parts_of_a_refused_batch_that_another_worker_passed_undo_nothing(workers: Workers, own_database: Database) -> None:
    records = track_records(["Song 0", "poison", "old"])
    newer = Record(
        CATALOGUE, 0, 3, b"t2", encode(CatalogueTrack(track_id="t2", name="new", artists=("Ada",))), NOW.timestamp(), ()
    )
    workers.catalogue(Overtaken(workers.catalogue(KeptLetters()), [*records, newer])).process(records)
    assert {track.track_id: track.name for track in CatalogueStore(own_database).all_tracks()} == {"t0": "Song 0", "t2": "new"}
    assert marks_of(own_database, records) == {0: 4}


def test_a_refused_event_keeps_its_own_bytes(workers: Workers) -> None:
    (record,) = envelopes([event(USERS[0], POISON_MS)])
    raw = encode(event(USERS[0], POISON_MS))[:-1] + b', "theirs": 1}'
    outbox = KeptLetters()
    workers.listening(outbox).process([record._replace(value=raw)])
    assert [letter.raw for letter in outbox.letters.values()] == [raw]
