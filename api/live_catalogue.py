"""The catalogue in memory, at most a poll behind Postgres, so that an answer needs no query for names and filters.

About 1.2 kB per track.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime, timedelta
from typing import Protocol

from api.garbage import MANY, keep_for_good
from api.metrics import Metrics
from segue.catalogue import Mood, Track
from segue.errors import Unavailable
from segue.ids import TrackNo
from segue.logs import fields
from segue.stores.postgres.catalogue import TrackChange

log = logging.getLogger(__name__)

OVERLAP = timedelta(seconds=5)
"""A writer's transaction becomes visible after the times it wrote; none takes longer than this."""
RESOLUTION = timedelta(microseconds=1)
"""Of a time in Postgres: the next one after what is settled. From that time itself on, many tracks may be read at every look."""
MAX_SHARE_OF_TIME = 0.25
"""While a large catalogue is being loaded, a poll reads many rows twice: it may take this share of one core."""

Subscriber = Callable[[Sequence[TrackChange]], None]


class TrackSource(Protocol):
    """Where tracks come from; `segue.stores.postgres.catalogue.CatalogueStore` is one."""

    def changes_since(self, changed_at: datetime | None) -> list[TrackChange]:
        """Tracks written at or after a time (all, if None), oldest first. Raises PostgresUnavailable."""


class LiveCatalogue:
    """Tracks by number and by id. Changed on the event loop only; reading is safe in any thread."""

    def __init__(
        self, source: TrackSource, executor: Executor, metrics: Metrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._source, self._executor, self._metrics, self._clock = source, executor, metrics, clock
        self._tracks: dict[TrackNo, Track] = {}
        self._numbers: dict[str, TrackNo] = {}
        self._genres: Counter[str] = Counter()
        self._artists: Counter[str] = Counter()
        self._moods: Counter[Mood] = Counter()
        self._by_popularity: list[Track] | None = None
        self._subscribers: list[Subscriber] = []
        self._newest: datetime | None = None
        self._newest_seen_at = 0.0
        self._applied: dict[TrackNo, datetime] = {}
        self.failure: str | None = "not read yet"
        """Why the last look failed; None if it did not."""

    def __len__(self) -> int:
        return len(self._tracks)

    def get(self, track_no: TrackNo) -> Track | None:
        """The track of a number, or None if it is gone or a stub."""
        return self._tracks.get(track_no)

    def by_id(self, track_id: str) -> Track | None:
        """The track of an external id, or None."""
        number = self._numbers.get(track_id)
        return None if number is None else self._tracks.get(number)

    def tracks(self) -> list[Track]:
        """Every track; a copy."""
        return list(self._tracks.values())

    @property
    def genres(self) -> Mapping[str, int]:
        """Number of tracks of each genre, folded."""
        return self._genres

    @property
    def moods(self) -> Mapping[Mood, int]:
        """Number of tracks of each mood; tracks of unknown sound have none."""
        return self._moods

    @property
    def artists(self) -> Mapping[str, int]:
        """Number of tracks of each artist, folded, guests too."""
        return self._artists

    def most_popular(self) -> Sequence[Track]:
        """Every track, most popular first; the order is kept until a track changes."""
        if self._by_popularity is None:
            self._by_popularity = sorted(self.tracks(), key=lambda track: (-(track.popularity or 0), track.track_no))
        return self._by_popularity

    def subscribe(self, subscriber: Subscriber) -> None:
        """Have every change told, on the event loop."""
        self._subscribers.append(subscriber)

    async def run(self, poll_s: float) -> None:
        """Look for changes for ever."""
        while True:
            started = self._clock()
            await self.refresh()
            await asyncio.sleep(max(poll_s, (self._clock() - started) / MAX_SHARE_OF_TIME))

    async def refresh(self) -> None:
        """Take in what changed since the last look; when Postgres is away, keep what is there."""
        loop = asyncio.get_running_loop()
        try:
            changes = await loop.run_in_executor(self._executor, self._source.changes_since, self._since())
        except Unavailable as error:
            self._note_failure(str(error))
            return
        self._note_failure(None)
        self._apply([change for change in changes if self._applied.get(change.track_no) != change.changed_at])

    def _since(self) -> datetime | None:
        if self._newest is None:
            return None
        settled = self._clock() - self._newest_seen_at >= OVERLAP.total_seconds()
        return self._newest + RESOLUTION if settled else self._newest - OVERLAP

    def _apply(self, changes: Sequence[TrackChange]) -> None:
        if not changes:
            return
        for change in changes:
            self._forget(change.track_no)
            if change.track is not None:
                self._remember(change.track)
            self._applied[change.track_no] = change.changed_at
        self._by_popularity = None
        self._note_newest(changes[-1].changed_at)
        self._metrics.tracks(len(self._tracks))
        for subscriber in self._subscribers:
            subscriber(changes)
        if len(changes) >= MANY:
            keep_for_good()

    def _remember(self, track: Track) -> None:
        self._tracks[track.track_no] = track
        self._numbers[track.track_id] = track.track_no
        self._genres.update(_folded(track.genres))
        self._artists.update(_folded(track.artists))
        self._moods.update([track.mood] if track.mood else [])

    def _forget(self, track_no: TrackNo) -> None:
        track = self._tracks.pop(track_no, None)
        if track is not None:
            del self._numbers[track.track_id]
            self._genres.subtract(_folded(track.genres))
            self._artists.subtract(_folded(track.artists))
            self._moods.subtract([track.mood] if track.mood else [])

    def _note_newest(self, changed_at: datetime) -> None:
        if self._newest is None or changed_at > self._newest:
            self._newest, self._newest_seen_at = changed_at, self._clock()
            # What is older than the overlap is never read again.
            self._applied = {number: at for number, at in self._applied.items() if at >= changed_at - OVERLAP}

    def _note_failure(self, reason: str | None) -> None:
        if reason != self.failure:
            self.failure = reason
            log.log(logging.WARNING if reason else logging.INFO, "catalogue refresh", extra=fields(failure=reason or "none"))


def _folded(names: Sequence[str]) -> set[str]:
    return {name.casefold() for name in names}
