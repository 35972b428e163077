"""What listeners are playing at this moment, for as long as it lasts."""

from __future__ import annotations

from typing import Any

import redis.asyncio

from segue.errors import RedisUnavailable
from segue.stores.redis.reader import UNREACHABLE
from segue.stores.redis.rows import playing_key


class PlayingNow:
    """One value per listener, which ends by itself; `timeout_s` bounds each call."""

    def __init__(self, url: str, buckets: int, timeout_s: float = 0.5) -> None:
        self._redis = redis.asyncio.Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s)
        self._buckets = buckets

    async def put(self, user_id: str, playing: bytes, ttl_s: int) -> None:
        """Note what a listener is playing. Raises RedisUnavailable."""
        try:
            await self._redis.set(playing_key(user_id, self._buckets), playing, ex=ttl_s)
        except UNREACHABLE as error:
            raise RedisUnavailable(str(error)) from error

    async def get(self, user_id: str) -> bytes | None:
        """What the listener is playing, or None. Raises RedisUnavailable."""
        try:
            stored: Any = await self._redis.get(playing_key(user_id, self._buckets))
        except UNREACHABLE as error:
            raise RedisUnavailable(str(error)) from error
        return None if stored is None else bytes(stored)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
