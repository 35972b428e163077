"""Hostile records at volume among good ones: each is in the dead letters with its bytes, no good one is lost, memory is flat."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from hashlib import blake2b

import psutil
import pytest
from confluent_kafka import KafkaError, Message, Producer

from infra.local.stack import LocalStack
from segue.dead_letters import Letter, letters_between
from segue.events import CatalogueTrack, ListeningEvent, encode, encode_envelope
from segue.kafka import producer_config
from segue.log_reader import LogReader, Offsets
from segue.partitioning import partition_for
from segue.settings import Settings
from segue.stores.postgres.catalogue import CatalogueStore
from segue.stores.postgres.database import Database
from segue.topics import CATALOGUE, DEAD_LETTERS, LISTENING_EVENTS
from segue.tracing import Headers
from stream_processors.outbox import PICK_BY_KEY
from tests.hostile import HEADERS, Hostile, event_fields, one_in_an_envelope, stream, text_of
from tests.oracle import differences, fold, in_postgres
from tests.publishing import random_events

pytestmark = [pytest.mark.stack, pytest.mark.chaos]

RECORDS = int(os.environ.get("SEGUE_HOSTILE_RECORDS", "3000"))
SEED = int(os.environ.get("SEGUE_CHAOS_SEED", "20261123"))
WORKERS = ("process-1", "process-2")
PREFIX = "amid"
GOOD_EVERY = 5
"""One good record to so many bad ones."""
MEMORY_BOUND = 256 * 2**20
"""What a worker may grow by: its queues and caches, however many records came."""

Origin = tuple[str, int, int]
Digest = bytes


@pytest.fixture
def workers(stack: LocalStack) -> Iterator[LocalStack]:
    stack.start(*WORKERS)
    yield stack
    stack.stop(*WORKERS)


class Publisher:
    """Publishes records as they are and remembers where each one came to stand."""

    def __init__(self, settings: Settings) -> None:
        self._producer = Producer(
            producer_config(settings) | {"message.timeout.ms": 120_000, "queue.buffering.max.kbytes": 65_536}
        )
        self.letters: dict[Origin, dict[int, Digest]] = {}
        self.good: set[Origin] = set()

    def hostile(self, record: Hostile) -> None:
        key, headers = (None, ()) if record.cut else (record.key, record.headers)
        expected = {position: digest(key, raw, headers) for position, raw in record.letters.items()}
        self._produce(
            record.topic, record.key, record.value, list(record.headers), None, lambda at: self.letters.__setitem__(at, expected)
        )

    def event(self, events: list[ListeningEvent], partition: int) -> None:
        value = encode(events[0]) if len(events) == 1 else encode_envelope(events)
        self._produce(LISTENING_EVENTS, None, value, [], partition, self.good.add)

    def track(self, track: CatalogueTrack) -> None:
        self._produce(CATALOGUE, track.track_id.encode(), encode(track), [], None, self.good.add)

    def flush(self) -> None:
        assert self._producer.flush(120) == 0

    def _produce(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        partition: int | None,
        note: Callable[[Origin], None],
    ) -> None:
        def delivered(error: KafkaError | None, message: Message) -> None:
            assert error is None, error
            note((message.topic() or "", message.partition() or 0, message.offset() or 0))

        place = PICK_BY_KEY if partition is None else partition
        while True:
            try:
                self._producer.produce(topic, value, key, place, headers=headers, on_delivery=delivered)
                break
            except BufferError:
                self._producer.poll(0.1)
        self._producer.poll(0)


def digest(key: bytes | None, raw: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> Digest:
    return blake2b(repr((key, raw, tuple(headers))).encode(), digest_size=16).digest()


def stored(database: Database) -> int:
    with database.transaction(read_only=True) as cursor:
        cursor.execute("select coalesce(sum(events), 0) from users where user_id like %s", (f"{PREFIX}-%",))
        row = cursor.fetchone()
        return int(row[0]) if row else 0


def mixed_envelope(at: int) -> tuple[Hostile, list[ListeningEvent]]:
    """One broken event among 99 good ones of one listener."""
    good = random_events(99, SEED + 7_919 * (at + 1), PREFIX, users=1)
    bad = text_of(event_fields() | {"type": '"listen"', "ours": '"kept"'})
    return one_in_an_envelope(bad, at % 100, [encode(event) for event in good]), good


def publish_all(publisher: Publisher, settings: Settings) -> tuple[list[ListeningEvent], list[CatalogueTrack]]:
    events: list[ListeningEvent] = []
    tracks: list[CatalogueTrack] = []
    for number, record in enumerate(stream(RECORDS, SEED)):
        publisher.hostile(record)
        if number % GOOD_EVERY == 0:
            some = random_events(1 + number % 30, SEED * 1_000_003 + number, PREFIX, users=50)
            for event in some:
                publisher.event([event], partition_for(event.user_id, settings.kafka_partitions))
            events += some
        if number % 100 == 0:
            envelope, good = mixed_envelope(number // 100)
            publisher.hostile(envelope)
            events += good
            tracks.append(CatalogueTrack(track_id=f"{PREFIX}-{number}", name=f"Song {number}", artists=("Ada",)))
            publisher.track(tracks[-1])
    publisher.flush()
    return events, tracks


class Audit:
    """Dead letters as they stand in the log against what was published; a letter that a retry sent twice counts once."""

    def __init__(self, publisher: Publisher) -> None:
        self._left = {
            (*origin, position): value for origin, letters in publisher.letters.items() for position, value in letters.items()
        }
        self._expected = dict(self._left)
        self._good = publisher.good
        self.wrong: list[str] = []
        self.codes: Counter[str] = Counter()

    def add(self, letter: Letter) -> None:
        place = (*letter.origin, int(letter.id.rsplit("/", 1)[1]))
        if letter.origin in self._good:
            self.wrong.append(f"a good record is dead: {letter.id} {letter.error}")
        elif self._expected.get(place) != digest(letter.key, letter.raw, letter.headers):
            self.wrong.append(f"{letter.id} {letter.error}: not expected, or other bytes than were published")
        elif not letter.error or not letter.message:
            self.wrong.append(f"{letter.id} has no reason")
        if self._left.pop(place, None) is not None:
            self.codes[letter.error] += 1

    @property
    def missing(self) -> int:
        return len(self._left)


def resident(stack: LocalStack) -> list[int]:
    return [psutil.Process(pid).memory_info().rss for pid in map(stack.pid, WORKERS) if pid]


def dead_letter_ends(reader: LogReader) -> Offsets:
    return reader.bounds([DEAD_LETTERS])[1]


def test_hostile_records_are_set_aside_and_the_good_ones_arrive(
    workers: LocalStack, settings: Settings, database: Database, wait_until: Callable[..., None]
) -> None:
    publisher = Publisher(settings)
    warm = random_events(2_000, SEED, PREFIX, users=50)
    for event in warm:
        publisher.event([event], partition_for(event.user_id, settings.kafka_partitions))
    wait_until(lambda: stored(database) == len(warm), 60, "the first good events")
    before, began, pids = resident(workers), time.monotonic(), [workers.pid(name) for name in WORKERS]
    with closing(LogReader(settings)) as reader:
        starts = dead_letter_ends(reader)

    events, tracks = publish_all(publisher, settings)
    published_s, expected = time.monotonic() - began, len(warm) + len(events)
    audit = Audit(publisher)
    wait_until(lambda: stored(database) == expected, 600, f"all {expected:,} good events")
    # Letters go out before their record's mark moves, but the compacted topics and other partitions may still be behind.
    wait_until(lambda: read_on(settings, starts, audit).missing == 0, 600, "all dead letters")
    seconds, after = time.monotonic() - began, resident(workers)

    assert audit.wrong == []
    mine = {key: cell for key, cell in in_postgres(database).items() if key[0].startswith(f"{PREFIX}-")}
    assert differences(fold([*warm, *events]), mine) == []
    names = {track.track_id: track.name for track in CatalogueStore(database).all_tracks()}
    assert {track.track_id: names.get(track.track_id) for track in tracks} == {track.track_id: track.name for track in tracks}
    assert [workers.pid(name) for name in WORKERS] == pids, "a worker ended"
    letters = sum(audit.codes.values())
    print(
        f"\nhostile: {RECORDS:,} records, {letters:,} dead letters {dict(audit.codes)}, {expected:,} good events, lost 0; "
        f"published in {published_s:.1f} s, done after {seconds:.1f} s ({(letters + len(events)) / seconds:,.0f} events/s); "
        f"workers' memory {[b >> 20 for b in before]} MiB before, {[a >> 20 for a in after]} MiB after; "
        f"load {os.getloadavg()[0]:.1f}"
    )
    assert all(now - then < MEMORY_BOUND for then, now in zip(before, after, strict=True))


def read_on(settings: Settings, starts: Offsets, audit: Audit) -> Audit:
    """Audit what arrived since the last time, and move `starts`."""
    with closing(LogReader(settings)) as reader:
        ends = dead_letter_ends(reader)
        for letter in letters_between(reader, starts, ends, None):
            audit.add(letter)
        starts.update(ends)
    return audit


def test_headers_are_kept_in_order_with_duplicates_and_forged_ones(
    workers: LocalStack, settings: Settings, wait_until: Callable[..., None]
) -> None:
    publisher = Publisher(settings)
    with closing(LogReader(settings)) as reader:
        starts = dead_letter_ends(reader)
    publisher.hostile(Hostile(LISTENING_EVENTS, b"a key", b"not an event", {0: b"not an event"}, HEADERS))
    publisher.flush()
    found: list[Letter] = []

    def came() -> bool:
        with closing(LogReader(settings)) as reader:
            found[:] = letters_between(reader, starts, dead_letter_ends(reader), None)
        return bool(found)

    wait_until(came, 30, "the letter")
    assert [(letter.error, letter.headers, letter.key) for letter in found] == [("undecodable", HEADERS, b"a key")]
