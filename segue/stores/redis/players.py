"""What listeners' players said that is no event: what is playing at this moment, and by which ids recordings go there."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping
from typing import Any

import redis.asyncio

from segue.errors import RedisUnavailable
from segue.stores.redis.reader import UNREACHABLE
from segue.stores.redis.rows import playing_key, recordings_key


class PlayerNotes:
    """`most_recordings` of a listener are kept, the newest, until nothing was noted for `ttl_days`; `timeout_s` bounds each call.

    Every call may raise RedisUnavailable.
    """

    def __init__(self, url: str, buckets: int, most_recordings: int, ttl_days: int, timeout_s: float = 0.5) -> None:
        self._redis = redis.asyncio.Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s)
        self._buckets, self._most, self._ttl_s = buckets, most_recordings, ttl_days * 86_400

    async def put_playing(self, user_id: str, playing: bytes, ttl_s: int) -> None:
        """Note what a listener is playing, for so long."""
        await _translated(self._redis.set(playing_key(user_id, self._buckets), playing, ex=ttl_s))

    async def playing(self, user_id: str) -> bytes | None:
        """What the listener is playing, or None."""
        stored: bytes | None = await _translated(self._redis.get(playing_key(user_id, self._buckets)))
        return stored

    async def put_recordings(self, user_id: str, tracks: Mapping[str, str]) -> None:
        """Note which tracks recordings are: track ids by MusicBrainz id."""
        key, now_s = recordings_key(user_id, self._buckets), time.time()
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.zadd(key, {f"{mbid} {track_id}": now_s for mbid, track_id in tracks.items()})
            pipeline.zremrangebyrank(key, 0, -self._most - 1)
            pipeline.expire(key, self._ttl_s)
            await _translated(pipeline.execute())

    async def recording(self, user_id: str, mbid: str) -> str | None:
        """The id of the track that a recording was, the last time; None if that is not noted."""
        newest: list[bytes] = await _translated(self._redis.zrange(recordings_key(user_id, self._buckets), 0, -1, desc=True))
        noted = (member.decode().partition(" ") for member in newest)
        return next((track_id for recording, _, track_id in noted if recording == mbid), None)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()


async def _translated(call: Awaitable[Any]) -> Any:
    try:
        return await call
    except UNREACHABLE as error:
        raise RedisUnavailable(str(error)) from error
