"""The model that answers: the champion of the registry, swapped in while requests are being answered.

A new snapshot is read, joined with the catalogue as it is now, and warmed up in a worker thread; then one assignment makes it
answer. Requests that began with the old one finish with it. A snapshot that cannot be loaded leaves the old one in place.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

from api.garbage import keep_for_good
from api.live_catalogue import LiveCatalogue
from api.metrics import Metrics
from segue.catalogue import Track
from segue.errors import Unavailable
from segue.ids import TrackNo
from segue.logs import fields
from segue.recommending.answer import Recommender
from segue.stores.postgres.catalogue import TrackChange

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

RETRY_S = 10.0
"""A snapshot that could not be loaded is tried again after this: its storage may have been away."""


class Registry(Protocol):
    """Names the champion; `segue.stores.postgres.models.ModelRegistry` is one."""

    def champion(self) -> tuple[str, str] | None:
        """Version and URL of the promoted snapshot, or None. Raises PostgresUnavailable."""


@dataclass(frozen=True)
class Served:
    """A loaded snapshot."""

    version: str
    created_at: datetime
    recommender: Recommender


Load = Callable[[str, Sequence[Track]], Served]
"""Version and the catalogue as it is now -> the snapshot, warmed up; blocking."""


@dataclass(frozen=True)
class _Failure:
    champion: tuple[str, str]
    retry_at: float


class LiveModel:
    """Holds what answers. Everything but the loading happens on the event loop."""

    def __init__(
        self,
        registry: Registry,
        load: Load,
        catalogue: LiveCatalogue,
        executor: Executor,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry, self._load, self._catalogue, self._executor = registry, load, catalogue, executor
        self._metrics, self._clock = metrics, clock
        self._loaded: tuple[str, str] | None = None
        self._failed: _Failure | None = None
        self._pending: dict[TrackNo, Track | None] = {}
        self._changed = asyncio.Event()
        self.served: Served | None = None
        self.failure: str | None = None
        """Why the champion is not the one that answers; None if it is, or if there is none."""
        catalogue.subscribe(self._note_changes)

    async def run(self, poll_s: float) -> None:
        """Follow the registry and the catalogue for ever."""
        while True:
            await self.refresh()
            try:
                await asyncio.wait_for(self._changed.wait(), poll_s)
            except TimeoutError:
                continue

    async def refresh(self) -> None:
        """Look once: swap in a new champion, and tell the model of new and deleted tracks."""
        await self._follow_registry()
        await self._follow_catalogue()

    async def _follow_registry(self) -> None:
        try:
            champion = await self._in_thread(self._registry.champion)
        except Unavailable as error:
            self._note_failure(f"the registry cannot be asked: {error}")
            return
        if champion is None or champion == self._loaded:
            self._note_failure(None)
            return
        if self._failed is not None and self._failed.champion == champion and self._clock() < self._failed.retry_at:
            return
        await self._swap(champion)

    async def _swap(self, champion: tuple[str, str]) -> None:
        version, url = champion
        taken, self._pending = self._pending, {}
        tracks = self._catalogue.tracks()
        started = self._clock()
        try:
            served = await self._in_thread(self._load, version, tracks)
        # A snapshot is input: whatever is wrong with it must not take the answers away.
        except Exception as error:
            # The model that goes on answering has not heard of these yet.
            self._pending = taken | self._pending
            self._failed = _Failure(champion, self._clock() + RETRY_S)
            self._metrics.model_load_failed()
            log.exception("model not loaded", extra=fields(version=version, url=url))
            self._note_failure(f"model {version} cannot be loaded: {error}")
            return
        self.served, self._loaded, self._failed = served, champion, None
        keep_for_good()
        self._note_failure(None)
        self._metrics.model(version, served.created_at.timestamp())
        log.info("model swapped in", extra=fields(version=version, seconds=round(self._clock() - started, 3)))

    async def _follow_catalogue(self) -> None:
        self._changed.clear()
        served, pending = self.served, self._pending
        if served is None or not pending:
            return
        self._pending = {}
        recommender = await self._in_thread(_told, served.recommender, pending)
        self.served = replace(served, recommender=recommender)

    def _note_changes(self, changes: Sequence[TrackChange]) -> None:
        self._pending |= {change.track_no: change.track for change in changes}
        self._changed.set()

    def _note_failure(self, reason: str | None) -> None:
        if reason != self.failure:
            self.failure = reason
            log.log(logging.WARNING if reason else logging.INFO, "model", extra=fields(failure=reason or "none"))

    async def _in_thread(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, partial(call, *args, **kwargs))


def _told(recommender: Recommender, changes: Mapping[TrackNo, Track | None]) -> Recommender:
    gone = [number for number, track in changes.items() if track is None]
    return recommender.add_tracks([track for track in changes.values() if track is not None]).remove_tracks(gone)
