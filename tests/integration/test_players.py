"""What players said, in a real Redis."""

from __future__ import annotations

import pytest
import redis.asyncio

from segue.errors import RedisUnavailable
from segue.stores.redis.players import PlayerNotes
from segue.stores.redis.writer import LiveRowWriter

pytestmark = [pytest.mark.stack, pytest.mark.anyio]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_what_is_playing_ends_by_itself(own_redis_url: str) -> None:
    notes = PlayerNotes(own_redis_url, 8, 3, 30, timeout_s=5)
    assert await notes.playing("ada") is None
    await notes.put_playing("ada", b"first", 100)
    await notes.put_playing("ada", b"second", 200)
    assert (await notes.playing("ada"), await notes.playing("bob")) == (b"second", None)
    client = redis.asyncio.Redis.from_url(own_redis_url)
    (key,) = [key async for key in client.scan_iter("*playing*")]
    assert 100 < await client.ttl(key) <= 200
    await client.aclose()
    await notes.close()


async def test_the_newest_recordings_are_remembered_and_a_newer_track_holds(own_redis_url: str) -> None:
    notes = PlayerNotes(own_redis_url, 8, 3, 30, timeout_s=5)
    for mbid, track_id in (("a", "t1"), ("b", "t 2"), ("c", "t3"), ("b", "t4"), ("d", "t5")):
        await notes.put_recordings("ada", {mbid: track_id})
    assert [await notes.recording("ada", mbid) for mbid in "abcd"] == [None, "t4", "t3", "t5"]
    assert await notes.recording("bob", "b") is None
    await notes.close()


async def test_it_goes_with_the_listener(own_redis_url: str) -> None:
    notes, rows = PlayerNotes(own_redis_url, 8, 3, 30, timeout_s=5), LiveRowWriter(own_redis_url, 8, 100, 30)
    for user_id in ("ada", "bob"):
        await notes.put_playing(user_id, b"song", 100)
        await notes.put_recordings(user_id, {"a": "t1"})
    rows.bury(["ada"])
    assert (await notes.playing("ada"), await notes.recording("ada", "a")) == (None, None)
    assert (await notes.playing("bob"), await notes.recording("bob", "a")) == (b"song", "t1")
    rows.close()
    await notes.close()


async def test_no_redis_is_told_as_such() -> None:
    notes = PlayerNotes("redis://127.0.0.1:1/0", 8, 3, 30)
    for call in (notes.playing("ada"), notes.put_playing("ada", b"", 1), notes.put_recordings("ada", {"a": "b"})):
        with pytest.raises(RedisUnavailable):
            await call
    await notes.close()
