"""Token buckets that all API processes share: one Lua call takes tokens."""

from __future__ import annotations

from typing import Any

import redis.asyncio

from segue.errors import RedisUnavailable
from segue.stores.redis.reader import UNREACHABLE

# Redis's own clock, so that the clocks of the API's machines do not matter. A bucket goes when it would be full again.
TAKE = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local stored = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = burst
if stored[1] then tokens = math.min(burst, tonumber(stored[1]) + math.max(0, now - tonumber(stored[2])) * rate) end
local taken = math.min(tonumber(ARGV[3]), math.floor(tokens))
tokens = tokens - taken
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((burst - tokens) / rate * 1000) + 1000)
return {taken, string.format('%.6f', tokens)}
"""
"""KEYS: bucket; ARGV: tokens per second, most tokens, tokens wanted. Answers {tokens taken, tokens left}."""


class SharedBuckets:
    """Buckets in Redis; `timeout_s` bounds each call, since every request waits for it."""

    def __init__(self, url: str, timeout_s: float = 0.2) -> None:
        self._redis = redis.asyncio.Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s)
        self._take = self._redis.register_script(TAKE)

    async def take(self, caller: str, rate_per_s: float, burst: int, wanted: int = 1) -> tuple[int, float]:
        """How many of the wanted tokens this caller's bucket gave, and how many are left. Raises RedisUnavailable."""
        try:
            answer: Any = await self._take(keys=[f"segue:{{rate:{caller}}}"], args=[rate_per_s, burst, wanted])
        except UNREACHABLE as error:
            raise RedisUnavailable(str(error)) from error
        taken, left = answer
        return int(taken), float(left)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
