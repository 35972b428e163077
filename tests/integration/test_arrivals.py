"""Whether an event is stored and in the live row, as Postgres and Redis answer it."""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import UTC, datetime

import pytest

from segue.events import TYPE_CODES
from segue.ids import UserNo
from segue.listeners import ListenerState
from segue.stores.postgres.arrivals import Arrival, ArrivalStore
from segue.stores.postgres.catalogue import resolve_tracks
from segue.stores.postgres.database import Database
from segue.stores.postgres.listens import Listen, lock_out_deletions, write_listens
from segue.stores.postgres.users import delete_users, resolve_users
from segue.stores.redis.reader import LiveRowReader
from segue.stores.redis.rows import RowMark
from segue.stores.redis.writer import LiveRowWriter

pytestmark = pytest.mark.stack

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def store(database: Database, user_id: str, *numbers: int) -> UserNo:
    """Plays by the number of their event."""
    with database.transaction() as cursor:
        lock_out_deletions(cursor)
        user_no = resolve_users(cursor, [user_id]).numbers[user_id]
        track_no = resolve_tracks(cursor, ["t"])["t"]
        code = TYPE_CODES["play"]
        write_listens(cursor, [Listen(uuid.UUID(int=n), user_no, track_no, 0, n, NOW, 1.0, None, code) for n in numbers])
    return user_no


def test_stored_events_with_their_listeners_count(own_database: Database) -> None:
    arrivals = ArrivalStore(own_database)
    ann, bob = store(own_database, "ann", 1, 2), store(own_database, "bob", 3)
    store(own_database, "ann", 4)
    wanted = [uuid.UUID(int=number) for number in (1, 3, 4, 99)]
    assert arrivals.arrived(wanted) == {
        uuid.UUID(int=1): Arrival("ann", ann, 3),
        uuid.UUID(int=3): Arrival("bob", bob, 1),
        uuid.UUID(int=4): Arrival("ann", ann, 3),
    }
    with own_database.transaction() as cursor:
        delete_users(cursor, ["ann"])
    assert list(arrivals.arrived(wanted)) == [uuid.UUID(int=3)]


def test_marks_of_rows_in_one_round_trip(own_redis_url: str) -> None:
    writer = LiveRowWriter(own_redis_url, buckets=8, max_cells=100, ttl_days=1)
    writer.fill_absent({"ann": ListenerState(UserNo(1), 5, time.time(), []), "bob": ListenerState(UserNo(2), 6, time.time(), [])})
    writer.bury(["bob"])
    writer.close()

    async def read() -> dict[str, RowMark]:
        reader = LiveRowReader(own_redis_url, 8, 1)
        try:
            return await reader.marks(["ann", "bob", "nobody"])
        finally:
            await reader.close()

    assert asyncio.run(read()) == {"ann": RowMark(1, 5)}
