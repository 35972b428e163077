"""What is bounded stays bounded: a listener with very many tracks costs no more than one at the bound."""

from __future__ import annotations

import asyncio
import tracemalloc
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from segue.events import ListeningEvent, encode_envelope
from segue.ids import MAX_ID_BYTES, TrackNo
from segue.partitioning import partition_for
from segue.stores.postgres.database import Database
from segue.stores.postgres.users import UserStore
from segue.stores.redis.reader import LiveRowReader
from segue.stores.redis.rows import row_key
from segue.stores.redis.writer import LiveRowWriter
from segue.taste import TasteWeights
from segue.topics import LISTENING_EVENTS
from stream_processors.ids import IdCache
from stream_processors.listening_batch import listening_batches
from stream_processors.listening_writer import ListeningWriter
from stream_processors.marks import Marks
from stream_processors.records import Record

pytestmark = pytest.mark.stack

BOUND = 1_000
TRACKS = 200_000
PER_BATCH = 4_000
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Writer:
    """What a worker writes with, and how many cells each batch made it drop."""

    def __init__(self, database: Database, redis_url: str) -> None:
        self.rows = LiveRowWriter(redis_url, buckets=8, max_cells=BOUND, ttl_days=1)
        self._marks = Marks(database, self.rows, 8)
        self._writer = ListeningWriter(database, self.rows, self._marks, 8, TasteWeights(), 10_000, BOUND)
        self._next: dict[int, int] = {}

    def write(self, user_id: str, first: int, count: int) -> int:
        """Plays of `count` tracks of their own in one envelope; returns how many cells went from the row."""
        partition, before = partition_for(user_id, 8), self.rows.trimmed
        offset = self._next.get(partition, 0)
        self._next[partition] = offset + 1
        value = encode_envelope([play(user_id, number) for number in range(first, first + count)])
        record = Record(LISTENING_EVENTS, partition, offset, None, value, NOW.timestamp(), ())
        (batch,) = listening_batches([record], lambda _: False, 8, 2_000)
        assert len(batch.accepted) == count
        marks = {partition: self._marks.get(LISTENING_EVENTS, partition)}
        states = self._writer.store(batch)
        self._marks.set(LISTENING_EVENTS, partition, offset + 1)
        self._writer.publish(batch, marks, states)
        return self.rows.trimmed - before


def play(user_id: str, number: int) -> ListeningEvent:
    return ListeningEvent(
        event_id=uuid.uuid4(),
        type="play",
        user_id=user_id,
        track_id=f"t{number}",
        occurred_at=NOW - timedelta(seconds=number % 86_400),
    )


@pytest.fixture
def writer(own_database: Database, own_redis_url: str) -> Iterator[Writer]:
    made = Writer(own_database, own_redis_url)
    yield made
    made.rows.close()


def cells_that_the_api_reads(redis_url: str, user_id: str) -> int:
    async def read() -> int:
        reader = LiveRowReader(redis_url, buckets=8, ttl_days=1, timeout_s=5)
        row = await reader.row(user_id)
        await reader.close()
        assert row is not None
        return len(row.track_nos)

    return asyncio.run(read())


def memory_of(redis_url: str, user_id: str) -> int:
    with redis.Redis.from_url(redis_url) as client:
        usage: Any = client.memory_usage(row_key(user_id, 8), samples=0)
        return int(usage)


def test_a_listener_of_very_many_tracks_costs_what_one_at_the_bound_costs(
    writer: Writer, own_database: Database, own_redis_url: str
) -> None:
    writer.write("at-the-bound", 0, BOUND)
    trimmed = [writer.write("insatiable", first, PER_BATCH) for first in range(0, TRACKS, PER_BATCH)]

    assert memory_of(own_redis_url, "insatiable") <= 1.2 * memory_of(own_redis_url, "at-the-bound")
    assert BOUND <= cells_that_the_api_reads(own_redis_url, "insatiable") <= BOUND * 9 // 8
    from_postgres = UserStore(own_database).state("insatiable", BOUND)
    assert from_postgres is not None
    assert (len(from_postgres.cells), from_postgres.events) == (BOUND, TRACKS)
    # A batch drops what it adds, and the eighth that may stand over; it sorts no more than that and the bound.
    assert max(trimmed) <= PER_BATCH + BOUND // 8
    assert sum(trimmed) >= TRACKS - BOUND * 9 // 8


def test_small_batches_trim_once_for_every_eighth_of_the_bound(writer: Writer, own_redis_url: str) -> None:
    writer.write("regular", 0, BOUND)
    trimmed = [writer.write("regular", BOUND + first, 25) for first in range(0, 500, 25)]
    assert sum(1 for cells in trimmed if cells) == 500 // (BOUND // 8)
    assert cells_that_the_api_reads(own_redis_url, "regular") <= BOUND * 9 // 8


def test_an_id_cache_is_bounded_in_entries_and_so_in_bytes() -> None:
    entries, cache = 20_000, IdCache[TrackNo](20_000)
    tracemalloc.start()
    for first in range(0, 3 * entries, 1_000):
        longest = {
            f"{number:07}{'é' * ((MAX_ID_BYTES - 7) // 2)}": TrackNo(10**6 + number) for number in range(first, first + 1_000)
        }
        cache.remember(longest)
    held, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(cache) == entries
    assert held < 500 * entries
