"""Reading live rows from the API's event loop."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

import redis.asyncio
import redis.exceptions

from segue.errors import RedisUnavailable
from segue.listeners import ListenerState
from segue.stores.redis.rows import (
    META_FIELD,
    ListenerRow,
    RowMark,
    pack_blocks,
    pack_cells,
    pack_meta,
    row_key,
    unpack_mark,
    unpack_row,
)
from segue.stores.redis.scripts import FILL_IF_ABSENT

UNREACHABLE = (
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.OutOfMemoryError,
    OSError,
)


class LiveRowReader:
    """Rows by user_id; `timeout_s` bounds each call, so that a hanging Redis turns into RedisUnavailable."""

    def __init__(self, url: str, buckets: int, ttl_days: int, timeout_s: float = 0.5) -> None:
        self._redis = redis.asyncio.Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s)
        self._fill = self._redis.register_script(FILL_IF_ABSENT)
        self._buckets, self._ttl_s = buckets, ttl_days * 86_400

    async def row(self, user_id: str) -> ListenerRow | None:
        """The listener's row, or None if Redis has none (ask Postgres then). Raises RedisUnavailable."""
        try:
            stored: Any = await self._redis.hgetall(row_key(user_id, self._buckets))
            return unpack_row(stored)
        except UNREACHABLE as error:
            raise RedisUnavailable(str(error)) from error

    async def marks(self, user_ids: Collection[str]) -> dict[str, RowMark]:
        """How far the rows of those listeners are that have one, in one round trip. Raises RedisUnavailable."""
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for user_id in user_ids:
                    pipeline.hget(row_key(user_id, self._buckets), META_FIELD)
                found: list[bytes | None] = await pipeline.execute()
        except UNREACHABLE as error:
            raise RedisUnavailable(str(error)) from error
        return {user_id: unpack_mark(meta) for user_id, meta in zip(user_ids, found, strict=True) if meta is not None}

    async def fill(self, user_id: str, state: ListenerState) -> None:
        """Store a state that was read from Postgres, unless a writer stored one meanwhile. Raises RedisUnavailable."""
        args: list[bytes | str | int | float] = [
            self._ttl_s, pack_meta(state, time.time()), pack_cells(state.cells), pack_blocks(state.blocks),
        ]  # fmt: skip
        try:
            await self._fill(keys=[row_key(user_id, self._buckets)], args=args)
        except UNREACHABLE as error:
            raise RedisUnavailable(str(error)) from error

    async def ping(self) -> None:
        """Raises RedisUnavailable unless the server answers."""
        try:
            await self._redis.ping()
        except UNREACHABLE as error:
            raise RedisUnavailable(str(error)) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
