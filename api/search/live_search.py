"""Search over the live catalogue: a few segments, each at least FANOUT times smaller than the one before.

A change makes a small segment; small ones are merged into larger ones, so that n changes cost n·log(n) and a trickle of them
little. What changed is marked as gone where it stood before.

Measured: docs/guide/api.md, "Search".
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from api.live_catalogue import LiveCatalogue
from api.search.segment import Found, Segment, Typed
from segue.catalogue import Track
from segue.ids import TrackNo
from segue.stores.postgres.catalogue import TrackChange

FANOUT = 4
ENOUGH = 5
"""With fewer tracks that hold every word as typed, typing errors are looked for too."""


@dataclass(frozen=True)
class Place:
    """Where a page ended: the last track's score and number, and whether typing errors were forgiven."""

    errors: bool
    score: float
    track_no: int


@dataclass(frozen=True)
class Page:
    """Tracks, best first; `ended_at` is None if there is no more."""

    tracks: tuple[Track, ...]
    ended_at: Place | None
    forgiven: bool


class LiveSearch:
    """Follows a catalogue; `refresh` and `run` on the event loop, the work in `executor` (one thread: segments are its own)."""

    def __init__(self, catalogue: LiveCatalogue, executor: Executor) -> None:
        self._catalogue, self._executor = catalogue, executor
        self._segments: tuple[Segment, ...] = ()
        self._pending: dict[TrackNo, Track | None] = {}
        self._changed = asyncio.Event()
        catalogue.subscribe(self._note_changes)

    async def run(self) -> None:
        """Take changes in for ever."""
        while True:
            await self._changed.wait()
            await self.refresh()

    async def refresh(self) -> None:
        """Take in what changed since the last time."""
        self._changed.clear()
        changes, self._pending = self._pending, {}
        if changes:
            await asyncio.get_running_loop().run_in_executor(self._executor, self._take_in, changes)

    async def find(self, query: str, limit: int, after: Place | None = None) -> Page:
        """The best `limit` tracks for what was typed, behind a place."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._find, query, limit, after)

    def _note_changes(self, changes: Sequence[TrackChange]) -> None:
        self._pending |= {change.track_no: change.track for change in changes}
        self._changed.set()

    def _take_in(self, changes: dict[TrackNo, Track | None]) -> None:
        for segment in self._segments:
            for number in changes:
                segment.forget(number)
        tracks = [track for track in changes.values() if track is not None]
        kept = [segment for segment in self._segments if len(segment)]
        while kept and len(kept[-1]) < FANOUT * len(tracks):
            older = (self._catalogue.get(number) for number in kept.pop().numbers())
            tracks += [track for track in older if track is not None]
        self._segments = (*kept, Segment(tracks)) if tracks else tuple(kept)

    def _find(self, query: str, limit: int, after: Place | None) -> Page:
        typed = Typed.of(query)
        if not typed.words:
            return Page((), None, forgiven=False)
        forgiven = after is not None and after.errors
        found = self._everywhere(typed, forgiven)
        if after is None and len(found.scores) < ENOUGH:
            forgiven, found = True, self._everywhere(typed, True)
        return self._page(_best(found, limit + 1, after), limit, forgiven)

    def _everywhere(self, typed: Typed, errors: bool) -> Found:
        found = [segment.find(typed, errors=errors) for segment in self._segments]
        if not found:
            return Found(np.empty(0, np.float32), np.empty(0, np.int32))
        return Found(np.concatenate([f.scores for f in found]), np.concatenate([f.track_nos for f in found]))

    def _page(self, best: Found, limit: int, forgiven: bool) -> Page:
        shown = best.track_nos[:limit].tolist()
        more = len(best.track_nos) > limit
        tracks = (self._catalogue.get(TrackNo(number)) for number in shown)
        ended_at = Place(forgiven, float(best.scores[limit - 1]), shown[-1]) if more else None
        return Page(tuple(track for track in tracks if track is not None), ended_at, forgiven)


def _best(found: Found, count: int, after: Place | None) -> Found:
    scores, numbers = found.scores, found.track_nos
    if after is not None:
        last = np.float32(after.score)
        behind = (scores < last) | ((scores == last) & (numbers > after.track_no))
        scores, numbers = scores[behind], numbers[behind]
    if len(scores) > count:
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        scores, numbers = scores[scores >= least], numbers[scores >= least]
    order = np.lexsort((numbers, -scores))[:count]
    return Found(scores[order], numbers[order])
