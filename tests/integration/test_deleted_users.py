"""A deleted user: nothing of them stays in either store, and nothing of that life comes back, whatever is in flight."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import redis

from segue.events import ListeningEvent, PlaylistRecord, UserRecord, encode, encode_envelope
from segue.partitioning import partition_for
from segue.stores.postgres.database import Database
from segue.stores.postgres.listens import lock_out_deletions
from segue.stores.postgres.users import UserStore
from segue.stores.redis.rows import row_key, unpack_row
from segue.stores.redis.writer import LiveRowWriter
from segue.taste import TasteWeights
from segue.topics import LISTENING_EVENTS, PLAYLISTS, USERS
from stream_processors.listening_batch import listening_batches
from stream_processors.listening_writer import ListeningWriter
from stream_processors.marks import Marks
from stream_processors.records import Record
from stream_processors.table_writer import TableWriter, read_batch, tables
from tests.oracle import differences, fold, in_postgres, in_redis

pytestmark = pytest.mark.stack

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
USER = "ada"
PARTITION = partition_for(USER, 8)


class Stores:
    """Writers of all topics; records arrive at `NOW` plus so many seconds."""

    def __init__(self, database: Database, redis_url: str) -> None:
        self.database, self.redis_url = database, redis_url
        self.rows = LiveRowWriter(redis_url, buckets=8, max_cells=1000, ttl_days=1)
        self.marks = Marks(database, self.rows, 8)
        self.writer = ListeningWriter(database, self.rows, self.marks, 8, TasteWeights(), 1000, 1000)
        self.tables = {table.topic: table for table in tables(self.rows.bury)}
        self.offsets: dict[str, int] = {}

    def listen(self, track_id: str, at_s: float, event: ListeningEvent | None = None) -> ListeningEvent:
        """One play comes to the log and is stored."""
        event = event or play(track_id)
        record = Record(LISTENING_EVENTS, PARTITION, self._next(LISTENING_EVENTS), None, encode_envelope([event]), time(at_s), ())
        (batch,) = listening_batches([record], lambda _: False, 8, 2000)
        before = {PARTITION: self.marks.get(LISTENING_EVENTS, PARTITION)}
        states = self.writer.store(batch)
        self.marks.set(LISTENING_EVENTS, PARTITION, record.offset + 1)
        self.writer.publish(batch, before, states)
        return event

    def table(self, topic: str, key: str, value: bytes | None, at_s: float) -> None:
        """One record of a compacted topic comes to the log and is stored."""
        record = Record(topic, 0, self._next(topic), key.encode(), value, time(at_s), ())
        writer = TableWriter(self.tables[topic], self.database, Marks(self.database, self.rows, 8))
        writer.store(read_batch(self.tables[topic], [record]))

    def delete(self, at_s: float) -> None:
        """The user's deletion."""
        self.table(USERS, USER, None, at_s)

    def bring_back(self, at_s: float) -> None:
        """The user's profile."""
        self.table(USERS, USER, encode(UserRecord(user_id=USER)), at_s)

    def playlist(self, owner_id: str | None, at_s: float, playlist_id: str) -> None:
        """A playlist of one track."""
        record = PlaylistRecord(playlist_id=playlist_id, name="P", track_ids=("t",), owner_id=owner_id)
        self.table(PLAYLISTS, playlist_id, encode(record), at_s)

    def playlists(self) -> list[str]:
        """Ids of all playlists."""
        with self.database.transaction(read_only=True) as cursor:
            cursor.execute("select playlist_id from playlists order by 1")
            return [playlist_id for (playlist_id,) in cursor]

    def user_no(self) -> int:
        """The user's number."""
        user = UserStore(self.database).by_id(USER)
        assert user is not None
        return user.user_no

    def _next(self, topic: str) -> int:
        self.offsets[topic] = self.offsets.get(topic, -1) + 1
        return self.offsets[topic]


def time(at_s: float) -> float:
    return (NOW + timedelta(seconds=at_s)).timestamp()


def play(track_id: str) -> ListeningEvent:
    return ListeningEvent(event_id=uuid.uuid4(), type="play", user_id=USER, track_id=track_id, occurred_at=NOW)


@pytest.fixture
def stores(own_database: Database, own_redis_url: str) -> Iterator[Stores]:
    made = Stores(own_database, own_redis_url)
    yield made
    made.rows.close()


def both(stores: Stores, *events: ListeningEvent) -> list[str]:
    """What either store has wrong."""
    expected = fold(events)
    found = in_redis(stores.redis_url, stores.database)
    return differences(expected, in_postgres(stores.database)) + differences(expected, found)


def test_what_came_before_the_return_stays_refused_though_it_is_processed_after(stores: Stores) -> None:
    stores.listen("t1", at_s=0)
    stores.delete(at_s=10)
    stores.listen("t1", at_s=11)
    stores.bring_back(at_s=20)
    stores.listen("t2", at_s=5)
    stores.listen("t3", at_s=15)
    after = stores.listen("t4", at_s=20)
    assert both(stores, after) == []


def test_a_worker_that_remembers_the_first_life_writes_nothing_into_the_second(stores: Stores) -> None:
    stores.listen("t1", at_s=0)
    first = stores.user_no()
    stores.delete(at_s=10)
    stores.bring_back(at_s=20)
    assert stores.user_no() != first
    stores.listen("t2", at_s=5)
    after = stores.listen("t3", at_s=30)
    assert both(stores, after) == []


def test_a_second_deletion_and_return_refuse_the_second_life_too(stores: Stores) -> None:
    for life in range(3):
        stores.listen("old", at_s=100 * life + 1)
        stores.delete(at_s=100 * life + 10)
        stores.bring_back(at_s=100 * life + 20)
        stores.listen("late", at_s=100 * life + 15)
    after = stores.listen("new", at_s=1_000)
    assert both(stores, after) == []


def test_a_retried_event_counts_once_in_each_life(stores: Stores) -> None:
    event = stores.listen("t1", at_s=0)
    stores.listen("t1", at_s=1, event=event)
    stores.delete(at_s=10)
    stores.listen("t1", at_s=11, event=event)
    assert both(stores) == []
    stores.bring_back(at_s=20)
    stores.listen("t1", at_s=21, event=event)
    stores.listen("t1", at_s=22, event=event)
    assert both(stores, event) == []


def test_the_profile_written_again_is_no_return(stores: Stores) -> None:
    stores.bring_back(at_s=0)
    event = stores.listen("t1", at_s=1)
    stores.bring_back(at_s=50)
    late = stores.listen("t2", at_s=40)
    assert both(stores, event, late) == []


def test_playlists_of_a_deleted_user_go_and_later_ones_are_refused(stores: Stores) -> None:
    stores.playlist(USER, at_s=0, playlist_id="adas")
    stores.playlist("bob", at_s=0, playlist_id="bobs")
    stores.playlist(None, at_s=0, playlist_id="nobodys")
    stores.delete(at_s=10)
    stores.playlist(USER, at_s=5, playlist_id="late")
    stores.playlist(USER, at_s=15, playlist_id="later")
    assert stores.playlists() == ["bobs", "nobodys"]
    stores.bring_back(at_s=20)
    stores.playlist(USER, at_s=15, playlist_id="before")
    stores.playlist(USER, at_s=25, playlist_id="new")
    assert stores.playlists() == ["bobs", "new", "nobodys"]


def test_a_deletion_waits_for_writers_and_sees_what_they_wrote(stores: Stores, wait_until: Callable[..., None]) -> None:
    stores.listen("t1", at_s=0)
    deleting = threading.Thread(target=stores.delete, args=(10,))
    with stores.database.transaction() as cursor:
        lock_out_deletions(cursor)
        cursor.execute("insert into playlists (playlist_id, name, owner_id) values ('in flight', 'P', %s)", (USER,))
        deleting.start()
        wait_until(lambda: waits_for_a_lock(stores.database), 20, "the deletion at the lock")
    deleting.join(20)
    assert not deleting.is_alive()
    assert stores.playlists() == []
    assert both(stores) == []


def waits_for_a_lock(database: Database) -> bool:
    with database.transaction(read_only=True) as cursor:
        cursor.execute("select count(*) from pg_locks where locktype = 'advisory' and not granted")
        return cursor.fetchone() != (0,)


def test_deletions_and_returns_under_load_leave_only_the_last_life(stores: Stores) -> None:
    def delete_and_return() -> None:
        for life in range(10):
            stores.delete(at_s=100 * life + 10)
            stores.bring_back(at_s=100 * life + 20)

    with ThreadPoolExecutor(1) as pool:
        lives = pool.submit(delete_and_return)
        number = 0
        while not lives.done():
            stores.listen(f"t{number % 7}", at_s=0)
            number += 1
        lives.result()
    last = [stores.listen(f"t{number}", at_s=5_000) for number in range(3)]
    assert both(stores, *last) == []
    with redis.Redis.from_url(stores.redis_url) as client:
        row = unpack_row(client.hgetall(row_key(USER, 8)))
    assert row is not None
    assert row.events == 3
