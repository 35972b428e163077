"""What listeners shut out, on real Postgres and Redis: the newest word holds in both, whatever happens in between."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis

from segue.errors import InvalidEvent
from segue.events import ListeningEvent, ListeningType, check_listening_event
from segue.ids import uuid7
from segue.listeners import Blocks
from segue.stores.postgres.database import Database
from segue.stores.postgres.training import TrainingStore
from segue.stores.postgres.users import UserStore, delete_users
from segue.stores.redis.rows import row_key, unpack_row
from segue.topics import LISTENING_EVENTS
from tests.integration.test_listening_writer import NOW, PARTITION, USER, Worker, batch_at, event

pytestmark = pytest.mark.stack


@pytest.fixture
def worker(own_database: Database, own_redis_url: str) -> Iterator[Worker]:
    made = Worker(own_database, own_redis_url, max_cells=10)
    yield made
    made.rows.close()


def said(
    kind: ListeningType, seconds: float = 0.0, track_id: str = "t1", artist: str | None = None, days: float | None = None
) -> ListeningEvent:
    at = NOW + timedelta(seconds=seconds)
    # Far enough in the future to hold on the day this test runs.
    until = None if days is None else at + timedelta(days=days)
    return ListeningEvent(
        event_id=uuid7(), type=kind, user_id=USER, track_id=track_id, occurred_at=at, artist=artist, until=until
    )


def in_redis(url: str) -> Blocks:
    with redis.Redis.from_url(url) as client:
        row = unpack_row(client.hgetall(row_key(USER, 8)))
    assert row is not None
    return row.blocks


def in_postgres(database: Database) -> Blocks:
    state = UserStore(database).state(USER, 10)
    assert state is not None
    assert state.blocks is not None
    return state.blocks


def track_no(database: Database, track_id: str) -> int:
    with database.transaction(read_only=True) as cursor:
        cursor.execute("select track_no from tracks where track_id = %s", (track_id,))
        row = cursor.fetchone()
        assert row is not None
        return int(row[0])


def test_a_block_reaches_both_stores_and_no_cell(worker: Worker, own_database: Database, own_redis_url: str) -> None:
    worker.write(batch_at(0, said("block"), said("block_artist", artist="Björk", track_id="t2")))
    expected = Blocks({track_no(own_database, "t1"): 0}, {"Björk": 0})  # type: ignore[dict-item]
    assert in_redis(own_redis_url) == in_postgres(own_database) == expected
    data = TrainingStore(own_database).read(0.5)
    assert (len(data.pairs.track_no), data.past and len(data.past.track_no)) == (0, 0)


def test_a_play_leaves_the_blocks_of_the_row_alone(worker: Worker, own_redis_url: str) -> None:
    worker.write(batch_at(0, said("block_artist", artist="Björk")))
    worker.write(batch_at(1, event("play")))
    assert in_redis(own_redis_url).artists == {"Björk": 0}


def test_a_row_that_is_trimmed_keeps_its_blocks(worker: Worker, own_redis_url: str) -> None:
    worker.write(batch_at(0, said("block_artist", artist="Björk")))
    worker.write(batch_at(1, *(event("play", f"t{number}") for number in range(40))))
    assert worker.rows.trimmed > 0
    assert in_redis(own_redis_url).artists == {"Björk": 0}


def test_what_is_taken_back_is_gone_in_any_spelling(worker: Worker, own_database: Database, own_redis_url: str) -> None:
    worker.write(batch_at(0, said("block"), said("block_artist", artist="BJÖRK")))
    worker.write(batch_at(1, said("unblock", 1), said("unblock_artist", 1, artist=" björk ")))
    assert in_redis(own_redis_url) == in_postgres(own_database) == Blocks({}, {})


def test_the_order_of_arrival_does_not_matter(worker: Worker, own_database: Database, own_redis_url: str) -> None:
    rng = random.Random(3)
    events = [said("block", 5, days=3_000), said("unblock", 3), said("block", 1), said("block", 5), said("unblock", 2)]
    events += [said("block_artist", 7, artist="a"), said("unblock_artist", 7, artist="A"), said("block_artist", 7, artist="A")]
    found = set()
    for offset in range(6):
        rng.shuffle(events)
        for at, one in enumerate(events):
            worker.write(batch_at(offset * len(events) + at, one))
        found.add(str(in_redis(own_redis_url)))
        with own_database.transaction() as cursor:
            cursor.execute("delete from blocks")
            cursor.execute("delete from listens")
    # Of the same microsecond: a block over its withdrawal, for good over for a while, the greater spelling.
    assert found == {str(Blocks({track_no(own_database, "t1"): 0}, {"a": 0}))}  # type: ignore[dict-item]


def test_not_now_ends_by_itself(worker: Worker, own_database: Database, own_redis_url: str) -> None:
    worker.write(batch_at(0, said("block", days=3_000)))
    ((number, until_s),) = in_redis(own_redis_url).tracks.items()
    assert until_s == (NOW + timedelta(days=3_000)).timestamp()
    assert in_redis(own_redis_url).at(until_s - 1).tracks == {number: until_s}
    assert in_redis(own_redis_url).at(until_s + 1) == Blocks({}, {})


def test_a_crash_between_the_two_writes_loses_no_block(worker: Worker, own_database: Database, own_redis_url: str) -> None:
    worker.write(batch_at(0, event("play")))
    worker.writer.store(batch_at(1, said("block_artist", artist="Björk")))
    assert in_redis(own_redis_url) == Blocks({}, {})
    successor = Worker(own_database, own_redis_url)
    assert successor.marks.get(LISTENING_EVENTS, PARTITION) == 2
    assert in_redis(own_redis_url).artists == {"Björk": 0}


def test_a_row_that_is_rebuilt_has_its_blocks(worker: Worker, own_redis_url: str) -> None:
    worker.write(batch_at(0, event("play"), said("block_artist", artist="Björk")))
    worker.rows.drop([USER])
    worker.write(batch_at(1, event("play", "t2")))
    assert in_redis(own_redis_url).artists == {"Björk": 0}


def test_a_deleted_listener_returns_without_blocks(worker: Worker, own_database: Database) -> None:
    worker.write(batch_at(0, said("block")))
    with own_database.transaction() as cursor:
        delete_users(cursor, [USER])
        cursor.execute("select count(*) from blocks")
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize(
    ("kind", "artist", "days", "code"),
    [
        ("block_artist", None, None, "invalid_artist"),
        ("unblock_artist", "  ", None, "invalid_artist"),
        ("block_artist", "x" * 201, None, "text_too_long"),
        ("block_artist", "x\x00", None, "invalid_text"),
        ("block_artist", "\ud800", None, "invalid_text"),
        ("block", None, 0.0, "invalid_time"),
        ("block", None, 3_651.0, "invalid_time"),
    ],
)
def test_blocks_that_cannot_be_are_refused(kind: ListeningType, artist: str | None, days: float | None, code: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        check_listening_event(said(kind, artist=artist, days=days), NOW)
    assert refused.value.code == code


def test_the_longest_artist_fits_the_index(worker: Worker, own_redis_url: str) -> None:
    longest = "ΐ" * 200
    worker.write(batch_at(0, said("block_artist", artist=longest)))
    assert in_redis(own_redis_url).artists == {longest: 0}
