"""The load that faults fall on: listening events, changes of the compacted topics, and listeners who leave and come back."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import closing

from confluent_kafka import KafkaError, Message, Producer

from segue.errors import PostgresUnavailable
from segue.events import CatalogueTrack, ListeningEvent, PlaylistRecord, UserRecord, encode, encode_envelope
from segue.kafka import producer_config
from segue.partitioning import partition_for
from segue.settings import Settings
from segue.stores.postgres.database import Database
from segue.stores.postgres.marks import read_mark
from segue.topics import CATALOGUE, LISTENING_EVENTS, PLAYLISTS, USERS
from stream_processors.outbox import PICK_BY_KEY
from tests.oracle import Change
from tests.publishing import random_events

PER_RECORD = 20
KEYS = 40
TRACKS = 300
POLL_S = 0.05
FLUSH_S = 120
STORED_WITHIN_S = 180.0


class Load(threading.Thread):
    """One source of records, until `finish`; an error in it is raised there.

    Its producer never gives a record up and keeps the order within a partition: what was published is what must be stored.
    """

    def __init__(self, settings: Settings, seed: int, prefix: str, rate_per_s: float) -> None:
        super().__init__(daemon=True)
        self.prefix = prefix
        self._producer = Producer(producer_config(settings) | {"message.timeout.ms": 0})
        self._settings, self._seed, self._rng, self._pause_s = settings, seed, random.Random(seed), 1 / rate_per_s
        self._ending = threading.Event()
        self._error: BaseException | None = None
        self._number = self._made = 0

    def run(self) -> None:
        """One step after another at the asked rate."""
        try:
            while not self._ending.wait(self._pause_s):
                self._number += 1
                self.step()
        except BaseException as error:  # noqa: BLE001 - raised where the load is finished
            self._error = error

    def step(self) -> None:
        """Publish something."""
        raise NotImplementedError

    def finish(self) -> None:
        """End the load and return when the broker has everything."""
        self._ending.set()
        self.join()
        if self._error is not None:
            raise self._error
        assert self._producer.flush(FLUSH_S) == 0, "the broker did not take everything"
        if self._error is not None:
            raise self._error

    def events_of(self, user_id: str, count: int) -> list[ListeningEvent]:
        """New events of one listener."""
        self._made += 1
        made = random_events(count, self._seed * 1_000_003 + self._made, self.prefix, users=1, tracks=TRACKS)
        return [_of(event, user_id) for event in made]

    def send_events(
        self, events: list[ListeningEvent], note: Callable[[int, int], None] = lambda _partition, _offset: None
    ) -> None:
        """Publish events of one listener in one record; `note` hears of partition and offset once it stands in the log."""
        partition = partition_for(events[0].user_id, self._settings.kafka_partitions)
        self._produce(LISTENING_EVENTS, None, encode_envelope(events), note, partition)

    def send_change(self, change: Change) -> None:
        """Publish a record of a compacted topic."""
        value = None if change.record is None else encode(change.record)
        self._produce(change.topic, change.key.encode(), value, lambda _partition, _offset: None)

    def _produce(
        self, topic: str, key: bytes | None, value: bytes | None, note: Callable[[int, int], None], partition: int | None = None
    ) -> None:
        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self._error = AssertionError(f"the broker refused a record: {error}")
            else:
                note(message.partition() or 0, message.offset() or 0)

        self._producer.produce(topic, value, key, PICK_BY_KEY if partition is None else partition, on_delivery=delivered)
        self._producer.poll(0)


class Listening(Load):
    """Envelopes of many listeners; one request in ten is sent twice, as by a client that saw no answer."""

    def __init__(self, settings: Settings, seed: int, prefix: str, events_per_s: float = 1_000) -> None:
        super().__init__(settings, seed, prefix, events_per_s / PER_RECORD)
        self.published: list[ListeningEvent] = []
        self.retried = 0

    def step(self) -> None:
        """One envelope."""
        events = self.events_of(f"{self.prefix}-{self._rng.randrange(100)}", PER_RECORD)
        self.send_events(events)
        if self._number % 10 == 0:
            self.send_events(events)
            self.retried += len(events)
        self.published += events


class Tables(Load):
    """Tracks, playlists and profiles that are written, changed and (but for profiles) deleted."""

    def __init__(self, settings: Settings, seed: int, prefix: str, changes_per_s: float = 40) -> None:
        super().__init__(settings, seed + 1, prefix, changes_per_s)
        self.published: list[Change] = []

    def step(self) -> None:
        """One change."""
        topic = self._rng.choice((CATALOGUE, CATALOGUE, PLAYLISTS, USERS))
        key = f"{self.prefix}-{topic}-{self._rng.randrange(KEYS)}"
        gone = topic != USERS and self._rng.random() < 0.2
        change = Change(topic, key, None if gone else self._record(topic, key))
        self.send_change(change)
        self.published.append(change)

    def _record(self, topic: str, key: str) -> CatalogueTrack | PlaylistRecord | UserRecord:
        name = f"{topic} {self._number}"
        if topic == CATALOGUE:
            return CatalogueTrack(
                track_id=key, name=name, artists=("Ada", name), popularity=self._rng.randrange(101), genres=("jazz",)
            )
        if topic == PLAYLISTS:
            tracks = (f"{self.prefix}-{CATALOGUE}-{self._rng.randrange(KEYS)}" for _ in range(self._rng.randrange(8)))
            return PlaylistRecord(playlist_id=key, name=name, track_ids=tuple(tracks))
        return UserRecord(user_id=key, display_name=name, genres=("soul", "jazz")[: self._rng.randrange(3)])


class Leavers(Load):
    """Listeners who listen, are deleted, go on sending, and may return.

    Kafka orders nothing between `users` and `listening-events`. So that there is one right result, each step waits until the step
    before is stored: a deletion or a return until Postgres shows it, refused events until their partition's mark has passed them.
    """

    def __init__(self, settings: Settings, seed: int, prefix: str, listeners_per_s: float = 1) -> None:
        super().__init__(settings, seed + 2, f"{prefix}leaver", listeners_per_s)
        self.published: list[ListeningEvent] = []
        """Events that must be in both stores: those since the last return of a listener who is there."""
        self.refused = 0
        self.changes: list[Change] = []
        """Of `users`. Playlists of who leaves go with them, and each leaves at least once."""
        self._url = settings.require_postgres()

    def step(self) -> None:
        """One listener's whole story."""
        with closing(Database(self._url)) as database:
            user_id = f"{self.prefix}-{self._number}"
            present = self._listen(database, user_id, wait=self._rng.random() < 0.5)
            mine = PlaylistRecord(playlist_id=f"{user_id}-list", name="Mine", track_ids=(), owner_id=user_id)
            self.send_change(Change(PLAYLISTS, mine.playlist_id, mine))
            self._until(database, "select 1 from playlists where playlist_id = %s", mine.playlist_id)
            for _ in range(self._rng.randrange(1, 3)):
                self._leave(database, user_id)
                first_life, present = present, []
                self.refused += len(self._listen(database, user_id, wait=True))
                if self._rng.random() < 0.3:
                    break
                self._return(database, user_id)
                # A client's late retry of an event from before counts: everything of the earlier life is forgotten.
                self.send_events(first_life[:1])
                present = first_life[:1] + self._listen(database, user_id, wait=False)
            self.published += present

    def _listen(self, database: Database, user_id: str, wait: bool) -> list[ListeningEvent]:
        events, placed = self.events_of(user_id, PER_RECORD), list[tuple[int, int]]()
        self.send_events(events, lambda partition, offset: placed.append((partition, offset)))
        assert self._producer.flush(FLUSH_S) == 0, "the broker did not take a record"
        if wait:
            ((partition, offset),) = placed
            _wait(lambda: _mark(database, partition) > offset, f"{LISTENING_EVENTS}[{partition}] to pass {offset}")
        return events

    def _leave(self, database: Database, user_id: str) -> None:
        self._change(Change(USERS, user_id, None))
        self._until(database, "select 1 from users where user_id = %s and deleted_at is not null", user_id)

    def _return(self, database: Database, user_id: str) -> None:
        self._change(Change(USERS, user_id, UserRecord(user_id=user_id, display_name="Back")))
        self._until(database, "select 1 from users where user_id = %s and deleted_at is null", user_id)

    def _change(self, change: Change) -> None:
        self.send_change(change)
        self.changes.append(change)

    def _until(self, database: Database, query: str, key: str) -> None:
        def holds() -> bool:
            with database.transaction(read_only=True) as cursor:
                cursor.execute(query, (key,))
                return cursor.fetchone() is not None

        _wait(holds, f"{query} {key}")


def _mark(database: Database, partition: int) -> int:
    with database.transaction(read_only=True) as cursor:
        return read_mark(cursor, LISTENING_EVENTS, partition).offset


def _wait(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + STORED_WITHIN_S
    while not _holds(condition):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(POLL_S)


def _holds(condition: Callable[[], bool]) -> bool:
    try:
        return condition()
    except PostgresUnavailable:
        return False


def _of(event: ListeningEvent, user_id: str) -> ListeningEvent:
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return ListeningEvent(**fields | {"user_id": user_id})
