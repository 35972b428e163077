"""Which tracks of the catalogue a normalised artist|title may mean."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial

from api.live_catalogue import LiveCatalogue
from segue.catalogue import Track
from segue.ids import TrackNo
from segue.songs import DERIVED, Song, best_version
from segue.stores.postgres.catalogue import TrackChange

MAX_VERSIONS = 20
"""Tracks remembered for one key; further ones are versions of the same song."""


class SongIndex:
    """Follows a catalogue. `executor` has one thread: the index is its own."""

    def __init__(self, catalogue: LiveCatalogue, executor: Executor) -> None:
        self._catalogue, self._executor = catalogue, executor
        # By the key's hash, which takes a fifth of the memory of its text; a hit is compared with the text.
        self._tracks: dict[int, tuple[TrackNo, ...]] = {}
        self._derived: set[TrackNo] = set()
        self._pending: list[TrackChange] = []
        self._changed = asyncio.Event()
        catalogue.subscribe(self._note_changes)

    @property
    def derived(self) -> int:
        """Tracks of the catalogue that were learned from listens."""
        return len(self._derived)

    async def run(self) -> None:
        """Take changes in for ever."""
        while True:
            await self._changed.wait()
            await self.refresh()

    async def refresh(self) -> None:
        """Take in what changed since the last time."""
        await self.find(())

    async def find(self, songs: Sequence[Song]) -> list[Track | None]:
        """For each song the track that it is, or None."""
        self._changed.clear()
        changes, self._pending = self._pending, []
        return await asyncio.get_running_loop().run_in_executor(self._executor, partial(self._find, changes, songs))

    def _note_changes(self, changes: Sequence[TrackChange]) -> None:
        self._pending += changes
        self._changed.set()

    def _find(self, changes: Sequence[TrackChange], songs: Sequence[Song]) -> list[Track | None]:
        for change in changes:
            self._take_in(change)
        return [self._by_id(song) or self._by_name(song) for song in songs]

    def _take_in(self, change: TrackChange) -> None:
        """What a track was called before is not looked for: a hit that is no longer true is passed over."""
        track = change.track
        if track is None:
            self._derived.discard(change.track_no)
            return
        if track.track_id.startswith(DERIVED):
            self._derived.add(track.track_no)
        place = hash(track.song_key)
        known = self._tracks.get(place, ())
        if track.track_no not in known and len(known) < MAX_VERSIONS:
            self._tracks[place] = (*known, track.track_no)

    def _by_id(self, song: Song) -> Track | None:
        return next((track for track_id in song.ids if (track := self._catalogue.by_id(track_id))), None)

    def _by_name(self, song: Song) -> Track | None:
        numbers = [number for key in song.keys for number in self._tracks.get(hash(key), ())]
        return best_version(song, [track for number in numbers if (track := self._catalogue.get(number)) is not None])
