"""Changing playlists: decided on the newest state, published, and waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from api.event_publisher import EventPublisher
from api.gates import PostgresGate
from api.metrics import Metrics
from api.problems import Problem
from segue.errors import PlaylistBusy, PostgresUnavailable
from segue.events import PlaylistRecord
from segue.partitioning import partition_for
from segue.stores.postgres.playlists import Playlist, PlaylistHead
from segue.topics import PLAYLISTS

POLL_S = 0.02
"""A record is stored 20 to 40 ms after it was published (docs/decisions/0007-runs.md)."""
BUSY_RETRY_S = 1


class Turn(Protocol):
    """A writer's turn; see `segue.stores.postgres.playlist_writes.Turn`."""

    current: Playlist | None

    def owned_by(self, owner_id: str) -> int:
        """How many playlists somebody has."""

    def note(self, offset: int) -> int:
        """Remember what Kafka stored at this offset; returns its version."""


class Turns(Protocol):
    """`segue.stores.postgres.playlist_writes.PlaylistWrites` is one. Every call may raise PostgresUnavailable."""

    def turn(self, playlist_id: str, partition: int) -> AbstractContextManager[Turn]:
        """The only turn at this playlist until the block ends. Raises PlaylistBusy."""


class Playlists(Protocol):
    """Playlists; `segue.stores.postgres.playlists.PlaylistStore` is one. Every call may raise PostgresUnavailable."""

    def get(self, playlist_id: str) -> Playlist | None:
        """The playlist, or None."""

    def owned(self, owner_id: str, limit: int, after: int = 0) -> list[Playlist]:
        """The owner's playlists with a number over `after`, oldest first."""

    def by_mbid(self, mbid: str) -> Playlist | None:
        """The playlist of a UUID, or None."""

    def listed(
        self, owner_id: str, prefix: str, limit: int, offset: int = 0, *, with_prefix: bool
    ) -> tuple[list[PlaylistHead], int]:
        """A page of the owner's playlists whose source begins with `prefix`, or of all others, newest first; and their number."""

    def passed(self, playlist_id: str, partition: int, version: int) -> tuple[bool, Playlist | None]:
        """Whether the processors have passed this version, and the playlist as it is."""


Decide = Callable[[Turn], PlaylistRecord | Playlist | None]
"""The playlist's next state: a record; None deletes it; the stored playlist leaves it as it is. Raises Problem."""


@dataclass(frozen=True)
class Written:
    """A playlist's new state; `applied` says whether every reader sees it by now."""

    state: PlaylistRecord | Playlist | None
    version: int
    applied: bool
    stored: Playlist | None = None
    """What is in Postgres, if that is this version."""


class PlaylistWriter:
    """`executor`: threads that may wait for Kafka while they hold a playlist's lock; each needs a connection of its own."""

    def __init__(
        self,
        turns: Turns,
        playlists: Playlists,
        events: EventPublisher,
        executor: Executor,
        postgres: PostgresGate,
        metrics: Metrics,
        *,
        partitions: int,
        wait_s: float,
    ) -> None:
        self._turns, self._playlists, self._events = turns, playlists, events
        self._executor, self._postgres = executor, postgres
        self._metrics, self._partitions, self._wait_s = metrics, partitions, wait_s

    async def change(self, playlist_id: str, decide: Decide) -> Written:
        """Publish what `decide` makes of the newest state. Raises what it raises, KafkaUnavailable, PostgresUnavailable.

        Raises Problem 503 while other changes of the playlist are under way, 409 when the processors refuse this one.
        """
        try:
            written = await self._when_free(playlist_id, decide)
            if not written.applied:
                written = await self._applied(playlist_id, written)
        except Problem as problem:
            self._metrics.playlist_change({412: "conflict", 503: "busy"}.get(problem.status, "refused"))
            raise
        self._metrics.playlist_change("applied" if written.applied else "published")
        return written

    async def _when_free(self, playlist_id: str, decide: Decide) -> Written:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._wait_s
        while True:
            try:
                in_turn = partial(copy_context().run, self._in_turn, loop, playlist_id, decide)
                return await loop.run_in_executor(self._executor, in_turn)
            except PlaylistBusy as error:
                if loop.time() >= until_s:
                    raise Problem(503, "playlist_busy", str(error), headers={"Retry-After": str(BUSY_RETRY_S)}) from None
            await asyncio.sleep(POLL_S)

    def _in_turn(self, loop: asyncio.AbstractEventLoop, playlist_id: str, decide: Decide) -> Written:
        """In a thread, to the end even if the request is given up: what Kafka stored must be noted."""
        with self._turns.turn(playlist_id, self._partition(playlist_id)) as turn:
            state = decide(turn)
            if isinstance(state, Playlist):
                return Written(state, state.version, True, state)
            publishing = self._events.publish_records(PLAYLISTS, {playlist_id: state})
            places = asyncio.run_coroutine_threadsafe(publishing, loop).result()
            version = turn.note(places[playlist_id].offset)
        return Written(state, version, False)

    async def _applied(self, playlist_id: str, written: Written) -> Written:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._wait_s
        partition = self._partition(playlist_id)
        try:
            while True:
                passed, found = await self._postgres.run(self._playlists.passed, playlist_id, partition, written.version)
                if passed:
                    return _seen(written, found)
                if loop.time() >= until_s:
                    return written
                await asyncio.sleep(POLL_S)
        except PostgresUnavailable:
            return written

    def _partition(self, playlist_id: str) -> int:
        return partition_for(playlist_id, self._partitions)


def _seen(written: Written, found: Playlist | None) -> Written:
    """Raises Problem 409 when the processors did not take the record."""
    if written.state is not None and (found is None or found.version < written.version):
        detail = "the playlist is not there: its owner was deleted, or somebody deleted it a moment later"
        raise Problem(409, "playlist_refused", detail)
    mine = found is not None and found.version == written.version
    return Written(written.state, written.version, True, found if mine else None)
