"""The two writes of a batch, on real Postgres and Redis: what is stored, once, whatever happens in between."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
import redis

from segue.errors import Fenced
from segue.events import AudioFeatures, CatalogueTrack, ListeningEvent, ListeningType, UserRecord, encode_envelope
from segue.partitioning import partition_for
from segue.stores.postgres.catalogue import CatalogueStore, upsert_tracks
from segue.stores.postgres.database import Database
from segue.stores.postgres.marks import read_mark
from segue.stores.postgres.users import delete_users, upsert_users
from segue.stores.redis.rows import guard_key, row_key, unpack_row
from segue.stores.redis.writer import LiveRowWriter
from segue.taste import TasteWeights
from segue.topics import LISTENING_EVENTS
from stream_processors.listening_batch import ListeningBatch, listening_batches
from stream_processors.listening_writer import ListeningWriter
from stream_processors.marks import Marks
from stream_processors.records import Record
from tests.oracle import differences, fold, in_postgres, in_redis

pytestmark = pytest.mark.stack

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
USER = "ada"
PARTITION = partition_for(USER, 8)


def event(kind: ListeningType = "play", track_id: str = "t1", user_id: str = USER, seconds: float = 0.0) -> ListeningEvent:
    return ListeningEvent(
        event_id=uuid.uuid4(), type=kind, user_id=user_id, track_id=track_id, occurred_at=NOW + timedelta(seconds=seconds)
    )


def batch_at(offset: int, *events: ListeningEvent) -> ListeningBatch:
    value = encode_envelope(events)
    record = Record(LISTENING_EVENTS, PARTITION, offset, None, value, NOW.timestamp(), ())
    (batch,) = listening_batches([record], lambda _: False, 8, 2000)
    return batch


class Worker:
    """A writer with marks of its own, as each worker process has."""

    def __init__(self, database: Database, redis_url: str, max_cells: int = 1000) -> None:
        self.rows = LiveRowWriter(redis_url, buckets=8, max_cells=max_cells, ttl_days=1)
        self.marks = Marks(database, self.rows, 8)
        self.writer = ListeningWriter(database, self.rows, self.marks, 8, TasteWeights(), 1000, max_cells)

    def write(self, batch: ListeningBatch) -> None:
        before = {PARTITION: self.marks.get(LISTENING_EVENTS, PARTITION)}
        states = self.writer.store(batch)
        for partition, sequence in batch.next_sequences().items():
            self.marks.set(LISTENING_EVENTS, partition, sequence)
        self.writer.publish(batch, before, states)


@pytest.fixture
def worker(own_database: Database, own_redis_url: str) -> Iterator[Worker]:
    made = Worker(own_database, own_redis_url)
    yield made
    made.rows.close()


def test_both_stores_hold_what_the_events_say(worker: Worker, own_database: Database, own_redis_url: str) -> None:
    events = [event("play"), event("skip"), event("like", "t2"), event("playlist_add", "t2"), event("impression", "t3")]
    worker.write(batch_at(0, *events))
    assert differences(fold(events), in_postgres(own_database)) == []
    assert differences(fold(events), in_redis(own_redis_url, own_database)) == []


def test_an_event_id_counts_once_in_a_batch_and_across_batches(
    worker: Worker, own_database: Database, own_redis_url: str
) -> None:
    repeated = event()
    worker.write(batch_at(0, repeated, repeated))
    worker.write(batch_at(1, repeated, event(track_id="t2")))
    found = in_redis(own_redis_url, own_database)
    assert found[USER, "t1"].plays == 1
    assert found[USER, "t2"].plays == 1
    assert differences(found, in_postgres(own_database)) == []


def test_the_newest_statement_holds_whatever_the_order(worker: Worker, own_database: Database) -> None:
    worker.write(batch_at(0, event("like", seconds=10)))
    worker.write(batch_at(1, event("dislike", seconds=5)))
    assert in_postgres(own_database)[USER, "t1"].stance == 1


def test_a_crash_between_the_two_writes_is_repaired_by_the_next_worker(
    worker: Worker, own_database: Database, own_redis_url: str
) -> None:
    first, second = event(), event(track_id="t2")
    worker.write(batch_at(0, first))
    worker.writer.store(batch_at(1, second))
    successor = Worker(own_database, own_redis_url)
    assert successor.marks.get(LISTENING_EVENTS, PARTITION) == 2
    assert differences(fold([first, second]), in_redis(own_redis_url, own_database)) == []


def test_a_worker_that_was_overtaken_writes_nothing(worker: Worker, own_database: Database, own_redis_url: str) -> None:
    zombie = Worker(own_database, own_redis_url)
    worker.write(batch_at(0, event()))
    zombie.marks.get(LISTENING_EVENTS, PARTITION)
    worker.write(batch_at(1, event(track_id="t2")))
    with pytest.raises(Fenced):
        zombie.writer.store(batch_at(1, event(track_id="t2")))
    assert in_postgres(own_database)[USER, "t2"].plays == 1


def test_a_zombies_late_write_to_redis_changes_nothing(worker: Worker, own_database: Database, own_redis_url: str) -> None:
    old = batch_at(0, event())
    worker.marks.get(LISTENING_EVENTS, PARTITION)
    states = worker.writer.store(old)
    successor = Worker(own_database, own_redis_url)
    newer = event()
    successor.write(batch_at(1, newer))
    worker.writer.publish(old, {PARTITION: 0}, states)
    assert in_redis(own_redis_url, own_database)[USER, "t1"].plays == 2


def test_a_flushed_redis_gets_whole_rows_again(worker: Worker, own_database: Database, own_redis_url: str) -> None:
    events = [event(), event(track_id="t2"), event("like", "t3")]
    worker.write(batch_at(0, *events[:2]))
    with redis.Redis.from_url(own_redis_url) as client:
        client.flushdb()
    worker.write(batch_at(1, events[2]))
    assert differences(fold(events), in_postgres(own_database)) == []
    worker.write(batch_at(2))
    fresh = event(track_id="t4")
    worker.write(batch_at(3, fresh))
    assert differences(fold([*events, fresh]), in_redis(own_redis_url, own_database)) == []


def test_a_redis_that_lost_its_last_writes_is_brought_up_to_date(
    worker: Worker, own_database: Database, own_redis_url: str
) -> None:
    first, lost, third = event(), event(track_id="t2"), event(track_id="t3")
    worker.write(batch_at(0, first))
    with redis.Redis.from_url(own_redis_url) as client:
        key, guard = row_key(USER, 8), guard_key(PARTITION, PARTITION)
        saved_row, saved_guard = client.dump(key), client.dump(guard)
        worker.write(batch_at(1, lost))
        client.restore(key, 0, saved_row, replace=True)
        client.restore(guard, 0, saved_guard, replace=True)
    worker.write(batch_at(2, third))
    assert differences(fold([first, lost, third]), in_redis(own_redis_url, own_database)) == []


def test_a_row_keeps_its_bound_and_its_statements(own_database: Database, own_redis_url: str) -> None:
    worker = Worker(own_database, own_redis_url, max_cells=20)
    worker.write(batch_at(0, event("like", "liked")))
    for offset in range(1, 11):
        worker.write(batch_at(offset, *(event(track_id=f"t{offset}-{n}", seconds=offset) for n in range(20))))
    found = in_redis(own_redis_url, own_database)
    assert len(found) <= 20 + 20 // 8
    assert found[USER, "liked"].stance == 1
    assert len(in_postgres(own_database)) == 201


def test_a_deleted_listener_leaves_no_row_and_later_events_are_refused(
    worker: Worker, own_database: Database, own_redis_url: str
) -> None:
    worker.write(batch_at(0, event()))
    with own_database.transaction() as cursor:
        delete_users(cursor, [USER])
        worker.rows.bury([USER])
    worker.write(batch_at(1, event(track_id="t2")))
    assert in_postgres(own_database) == {}
    assert in_redis(own_redis_url, own_database) == {}


def test_a_listener_who_returns_starts_anew(worker: Worker, own_database: Database, own_redis_url: str) -> None:
    worker.write(batch_at(0, event()))
    with own_database.transaction() as cursor:
        delete_users(cursor, [USER])
        worker.rows.bury([USER])
    with own_database.transaction() as cursor:
        upsert_users(cursor, [UserRecord(user_id=USER)], {USER: NOW.timestamp()})
    again = event(track_id="t2")
    worker.write(batch_at(1, again))
    assert differences(fold([again]), in_redis(own_redis_url, own_database)) == []


def test_a_batch_in_flight_does_not_revive_a_deleted_listener(worker: Worker, own_database: Database, own_redis_url: str) -> None:
    in_flight = batch_at(0, event())
    before = {PARTITION: worker.marks.get(LISTENING_EVENTS, PARTITION)}
    states = worker.writer.store(in_flight)
    with own_database.transaction() as cursor:
        delete_users(cursor, [USER])
        worker.rows.bury([USER])
    worker.writer.publish(in_flight, before, states)
    with redis.Redis.from_url(own_redis_url) as client:
        assert unpack_row(client.hgetall(row_key(USER, 8))) is None


def test_a_time_in_any_zone_is_stored(worker: Worker, own_database: Database) -> None:
    far = timezone(timedelta(hours=23, minutes=59))
    odd = ListeningEvent(event_id=uuid.uuid4(), type="play", user_id=USER, track_id="t1", occurred_at=NOW.astimezone(far))
    worker.write(batch_at(0, odd))
    assert differences(fold([odd]), in_postgres(own_database)) == []


def test_features_too_small_for_postgres_become_zero(own_database: Database) -> None:
    features = AudioFeatures(
        danceability=0.5, energy=0.5, key=0, loudness=-5, mode=1, speechiness=0.1, acousticness=0.1, instrumentalness=1e-60,
        liveness=0.1, valence=0.5, tempo=120,
    )  # fmt: skip
    with own_database.transaction() as cursor:
        upsert_tracks(cursor, [CatalogueTrack(track_id="tiny", name="Tiny", artists=("Ada",), features=features)])
    (track,) = CatalogueStore(own_database).all_tracks()
    assert track.features is not None
    assert track.features.instrumentalness == 0.0


def test_a_failed_transaction_moves_no_mark_and_leaves_no_number_behind(
    worker: Worker, own_database: Database, own_redis_url: str
) -> None:
    worker.marks.set(LISTENING_EVENTS, PARTITION, 7)
    with pytest.raises(Fenced):
        worker.write(batch_at(0, event()))
    worker.marks.forget(LISTENING_EVENTS, PARTITION)
    worker.write(batch_at(0, event()))
    with own_database.transaction(read_only=True) as cursor:
        assert read_mark(cursor, LISTENING_EVENTS, PARTITION).offset == 1
    assert in_postgres(own_database)[USER, "t1"].plays == 1
