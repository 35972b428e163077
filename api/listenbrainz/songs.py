"""Which tracks of the catalogue a normalised artist|title may mean."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial

from api.listenbrainz.payloads import Song
from api.live_catalogue import LiveCatalogue
from segue.catalogue import Track, folded_words
from segue.ids import TrackNo
from segue.stores.postgres.catalogue import TrackChange

DERIVED = "lb:"
"""Begins the ids of tracks that were learned from listens."""
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
        mbid = song.recording_mbid
        ids = (song.spotify_id, mbid, mbid and DERIVED + mbid)
        return next((track for track_id in ids if track_id and (track := self._catalogue.by_id(track_id))), None)

    def _by_name(self, song: Song) -> Track | None:
        for key in song.keys:
            tracks = [self._catalogue.get(number) for number in self._tracks.get(hash(key), ())]
            versions = [track for track in tracks if track is not None and track.song_key == key]
            if versions:
                return max(versions, key=partial(_likeness, song))
        return None


def _likeness(song: Song, track: Track) -> tuple[bool, bool, int, int]:
    """The same title before another version of it, then the same album, then what is better known."""
    same_album = song.album is not None and track.album is not None and folded_words(song.album) == folded_words(track.album)
    return folded_words(song.title) == folded_words(track.name), same_album, track.popularity or 0, -track.track_no
