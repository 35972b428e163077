"""More buckets than partitions: each bucket of a Redis that lost writes is repaired from its own guard."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import redis

from segue.errors import Fenced
from segue.events import ListeningEvent, encode_envelope
from segue.listeners import ListenerState
from segue.partitioning import partition_for
from segue.stores.postgres.database import Database
from segue.stores.postgres.listens import read_states
from segue.stores.postgres.marks import begin_log, read_mark
from segue.stores.postgres.users import user_ids_of, user_numbers
from segue.stores.redis.rows import bucket_of, guard_key, row_key
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
LAYOUTS = [(8, 16), (1, 8), (2, 8)]


class Worker:
    """One partition's writer with marks of its own, and listeners in each of its buckets."""

    def __init__(self, database: Database, redis_url: str, partitions: int, buckets: int) -> None:
        self.database, self.redis_url, self.partitions, self.buckets = database, redis_url, partitions, buckets
        self.rows = LiveRowWriter(redis_url, buckets, max_cells=1000, ttl_days=1)
        self.marks = Marks(database, self.rows, partitions)
        self.writer = ListeningWriter(database, self.rows, self.marks, partitions, TasteWeights(), 1000, 1000)
        names = [f"user-{number}" for number in range(400)]
        self.partition = 0
        mine = [name for name in names if partition_for(name, partitions) == self.partition]
        self.users = {
            bucket: [n for n in mine if bucket_of(n, buckets) == bucket][:2] for bucket in range(0, buckets, partitions)
        }
        self.events: list[ListeningEvent] = []
        self.offset = self.base = 0

    def successor(self) -> Worker:
        """Another worker that gets the partition."""
        made = Worker(self.database, self.redis_url, self.partitions, self.buckets)
        made.events, made.offset, made.base = self.events, self.offset, self.base
        return made

    def successor_on_another_log(self) -> Worker:
        """Another worker that gets the partition after its topic was made anew."""
        with self.database.transaction() as cursor:
            assert begin_log(cursor, LISTENING_EVENTS, self.partition, read_mark(cursor, LISTENING_EVENTS, self.partition), "new")
            mark = read_mark(cursor, LISTENING_EVENTS, self.partition)
        made = self.successor()
        made.offset, made.base = 0, mark.base
        return made

    def play(self, track_id: str, buckets: Sequence[int] | None = None, publish: bool = True) -> None:
        """One batch: every listener of these buckets (all) plays the track."""
        batch, before, states = self.store(track_id, buckets)
        if publish:
            self.writer.publish(batch, before, states)

    def store(
        self, track_id: str, buckets: Sequence[int] | None = None
    ) -> tuple[ListeningBatch, dict[int, int], dict[str, ListenerState]]:
        """The part of `play` that Postgres sees; what is to be published."""
        users = [user for bucket in (self.users if buckets is None else buckets) for user in self.users[bucket]]
        events = [
            ListeningEvent(event_id=uuid.uuid4(), type="play", user_id=user, track_id=track_id, occurred_at=NOW) for user in users
        ]
        value = encode_envelope(events)
        record = Record(LISTENING_EVENTS, self.partition, self.offset, None, value, NOW.timestamp(), (), self.base)
        (batch,) = listening_batches([record], lambda _: False, self.partitions, 2000)
        before = {self.partition: self.marks.get(LISTENING_EVENTS, self.partition)}
        states = self.writer.store(batch)
        self.offset += 1
        self.events.extend(events)
        self.marks.set(LISTENING_EVENTS, self.partition, self.base + self.offset)
        return batch, before, states

    def different(self) -> list[str]:
        """What Redis and Postgres have wrong."""
        expected = fold(self.events)
        return differences(expected, in_postgres(self.database)) + differences(
            expected, in_redis(self.redis_url, self.database, self.buckets)
        )


class Backup:
    """What some buckets of Redis held."""

    def __init__(self, worker: Worker, bucket: int) -> None:
        self._url = worker.redis_url
        keys = [guard_key(bucket, worker.partition), *(row_key(user, worker.buckets) for user in worker.users[bucket])]
        with redis.Redis.from_url(self._url) as client:
            self._kept: dict[str, Any] = {key: client.dump(key) for key in keys}

    def restore(self) -> None:
        """As after a crash that lost what was not yet on disk."""
        with redis.Redis.from_url(self._url) as client:
            for key, value in self._kept.items():
                client.delete(key)
                if value is not None:
                    client.restore(key, 0, value)


@pytest.fixture(params=LAYOUTS, ids=[f"{p} partitions, {b} buckets" for p, b in LAYOUTS])
def worker(request: pytest.FixtureRequest, own_database: Database, own_redis_url: str) -> Iterator[Worker]:
    made = Worker(own_database, own_redis_url, *request.param)
    yield made
    made.rows.close()


def test_guards_that_differ_after_a_loss_are_each_repaired_on_assignment(worker: Worker) -> None:
    first, *_, last = worker.users
    worker.play("t1")
    two_lost = Backup(worker, first)
    worker.play("t2")
    one_lost = Backup(worker, last)
    worker.play("t3")
    two_lost.restore()
    one_lost.restore()
    successor = worker.successor()
    assert successor.marks.get(LISTENING_EVENTS, 0) == 3
    assert successor.different() == []


def test_guards_that_differ_are_repaired_when_a_batch_meets_them(worker: Worker) -> None:
    first, *_, last = worker.users
    worker.play("t1")
    lost = Backup(worker, last)
    worker.play("t2")
    lost.restore()
    worker.play("t3", [first])
    assert worker.different() == []
    worker.play("t4")
    assert worker.different() == []


def test_a_crash_between_the_buckets_of_a_batch_is_repaired(worker: Worker) -> None:
    first, *_, last = worker.users
    worker.play("t1")
    unwritten = Backup(worker, last)
    worker.play("t2")
    unwritten.restore()
    successor = worker.successor()
    successor.play("t3", [first])
    assert successor.different() == []


def test_a_bucket_that_lost_its_guard_gets_whole_rows_again(worker: Worker) -> None:
    *_, last = worker.users
    worker.play("t1")
    with redis.Redis.from_url(worker.redis_url) as client:
        client.delete(guard_key(last, 0))
    worker.play("t2", publish=False)
    successor = worker.successor()
    successor.play("t3")
    successor.play("t4")
    assert successor.different() == []


def test_rows_that_a_reader_filled_after_a_flush_are_not_left_behind(worker: Worker) -> None:
    worker.play("t1")
    with redis.Redis.from_url(worker.redis_url) as client:
        client.flushdb()
    with worker.database.transaction(read_only=True) as cursor:
        states = read_states(cursor, user_numbers(cursor), 1000)
        names = user_ids_of(cursor, list(states))
    assert worker.rows.fill_absent({names[number]: state for number, state in states.items()}) == len(states)
    worker.play("t2")
    worker.play("t3")
    assert worker.different() == []


def test_a_bucket_beyond_postgres_is_dropped_and_the_others_stay(worker: Worker) -> None:
    first, *_, last = worker.users
    worker.play("t1")
    with redis.Redis.from_url(worker.redis_url) as client:
        client.set(guard_key(last, 0), 99)
    successor = worker.successor()
    successor.marks.get(LISTENING_EVENTS, 0)
    with redis.Redis.from_url(worker.redis_url) as client:
        assert not client.exists(*(row_key(user, worker.buckets) for user in worker.users[last]))
        assert client.exists(row_key(worker.users[first][0], worker.buckets))
    successor.play("t2")
    assert successor.different() == []


def test_a_new_logs_lower_offsets_are_written_over_the_old_logs_guards(worker: Worker) -> None:
    for number in range(3):
        worker.play(f"old-{number}")
    successor = worker.successor_on_another_log()
    successor.play("new-0")
    successor.play("new-1")
    assert successor.different() == []


def test_what_redis_missed_of_the_old_log_is_repaired_when_the_new_one_begins(worker: Worker) -> None:
    first, *_, last = worker.users
    worker.play("old-0")
    unwritten = Backup(worker, last)
    worker.play("old-1")
    unwritten.restore()
    worker.store("old-2")
    successor = worker.successor_on_another_log()
    successor.play("new-0", [first])
    assert successor.different() == []


def test_a_worker_that_slept_through_the_new_logs_begin_writes_nothing_any_more(worker: Worker) -> None:
    worker.play("old-0")
    under_way = worker.store("old-1")
    successor = worker.successor_on_another_log()
    successor.play("new-0")
    worker.writer.publish(*under_way)
    for _ in range(2):
        with pytest.raises(Fenced):
            worker.store("never")
    successor.play("new-1")
    assert successor.different() == []


def test_only_one_of_two_workers_begins_the_new_log(worker: Worker) -> None:
    worker.play("old-0")
    with worker.database.transaction() as cursor:
        seen = read_mark(cursor, LISTENING_EVENTS, 0)
        assert begin_log(cursor, LISTENING_EVENTS, 0, seen, "new")
        assert not begin_log(cursor, LISTENING_EVENTS, 0, seen, "new")
        assert read_mark(cursor, LISTENING_EVENTS, 0) == (2, 2, "new")
