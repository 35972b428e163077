"""Keys as this process knows them: looked up in Postgres, remembered for seconds, and for minutes while Postgres is away."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from api.gates import PostgresGate
from segue.api_keys import ApiKey, is_of, prefix_of
from segue.errors import PostgresUnavailable

V = TypeVar("V")


class Keys(Protocol):
    """Keys in Postgres; `segue.stores.postgres.keys.KeyStore` is one. Every call may raise PostgresUnavailable."""

    def find(self, prefix: str) -> tuple[ApiKey, bytes] | None:
        """The key of a prefix and its digest, revoked and expired ones too."""


@dataclass(frozen=True)
class _Found:
    key: ApiKey
    digest: bytes
    looked_up_s: float


class KeyRing:
    """Each prefix costs one query per `cache_s` at most, however many requests come. Right keys and wrong ones are remembered
    apart, `entries` of each, so that guessing cannot push out the keys in use.
    """

    def __init__(
        self,
        keys: Keys,
        postgres: PostgresGate,
        cache_s: float,
        stale_s: float,
        entries: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys, self._postgres, self._clock = keys, postgres, clock
        self._cache_s, self._stale_s, self._entries = cache_s, stale_s, entries
        self._found: OrderedDict[str, _Found] = OrderedDict()
        self._absent: OrderedDict[str, float] = OrderedDict()
        self._lookups: dict[str, asyncio.Task[_Found | None]] = {}

    def remembered(self, key: str) -> ApiKey | None:
        """The key if this process knows it, without a lookup; perhaps revoked or expired by now."""
        found = self._found.get(prefix_of(key) or "")
        return found.key if found is not None and is_of(found.digest, key) else None

    async def find(self, key: str) -> ApiKey | None:
        """The key as stored, revoked and expired ones too; None for one that never was. Raises PostgresUnavailable."""
        prefix = prefix_of(key)
        found = await self._current(prefix) if prefix is not None else None
        return found.key if found is not None and is_of(found.digest, key) else None

    async def by_prefix(self, prefix: str) -> ApiKey | None:
        """The key of a prefix that is trusted, such as the one in a signed token. Raises PostgresUnavailable."""
        found = await self._current(prefix)
        return None if found is None else found.key

    async def _current(self, prefix: str) -> _Found | None:
        now_s = self._clock()
        found = self._found.get(prefix)
        if found is not None and now_s - found.looked_up_s < self._cache_s:
            return found
        if found is None and now_s - self._absent.get(prefix, float("-inf")) < self._cache_s:
            return None
        try:
            return await self._looked_up(prefix)
        except PostgresUnavailable:
            if found is None or now_s - found.looked_up_s >= self._stale_s:
                raise
            return found

    async def _looked_up(self, prefix: str) -> _Found | None:
        """One query for all requests that wait for the same prefix; it goes on when one of them is given up."""
        task = self._lookups.get(prefix)
        if task is None:
            task = self._lookups[prefix] = asyncio.create_task(self._ask(prefix))
            task.add_done_callback(lambda _: self._lookups.pop(prefix, None))
        return await asyncio.shield(task)

    async def _ask(self, prefix: str) -> _Found | None:
        # As of before the query: a revocation that comes during it is seen at the next one.
        asked_s = self._clock()
        stored = await self._postgres.run(self._keys.find, prefix)
        if stored is None:
            self._found.pop(prefix, None)
            _remember(self._absent, prefix, asked_s, self._entries)
            return None
        found = _Found(*stored, asked_s)
        self._absent.pop(prefix, None)
        _remember(self._found, prefix, found, self._entries)
        return found


def _remember(memory: OrderedDict[str, V], prefix: str, value: V, most: int) -> None:
    memory[prefix] = value
    memory.move_to_end(prefix)
    while len(memory) > most:
        memory.popitem(last=False)
