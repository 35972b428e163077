"""Which tracks a listener's listens are about. A song that the catalogue lacks becomes a track of it, within bounds.

See docs/decisions/0019-listens-of-unknown-tracks.md.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from api.access.rates import Rates
from api.listenbrainz.songs import SongIndex
from api.metrics import Metrics
from segue.events import CatalogueTrack
from segue.logs import fields
from segue.songs import Song, learned_track

log = logging.getLogger(__name__)

SOURCE = "listenbrainz"
REMEMBERED = 10_000
"""Published tracks that a process remembers until the catalogue shows them, which takes a second."""


@dataclass(frozen=True)
class Identified:
    """The track id of each song, and the tracks to publish first, by id."""

    track_ids: list[str]
    new: dict[str, CatalogueTrack]


class Tracks:
    """`most`: tracks that the catalogue learns from listens, at most."""

    def __init__(self, index: SongIndex, rates: Rates, metrics: Metrics, most: int) -> None:
        self.index, self._rates, self._metrics, self._most = index, rates, metrics, most
        self._published: OrderedDict[str, str] = OrderedDict()

    async def identify(self, user_id: str, songs: Sequence[Song]) -> Identified:
        """What the songs are. Past the bounds a song still has its id, so its listens count and wait for its name."""
        found = await self.index.find(songs)
        known = [track.track_id if track else self._published.get(song.key) for song, track in zip(songs, found, strict=True)]
        unknown: dict[str, Song] = {}
        for song, track_id in zip(songs, known, strict=True):
            if track_id is None:
                unknown.setdefault(song.key, song)
        allowed = await self._allowed(user_id, len(unknown))
        self._count(len(songs) - len(unknown), allowed, len(unknown) - allowed)
        ids = {key: song.derived_id for key, song in unknown.items()}
        return Identified(
            [track_id or ids[song.key] for track_id, song in zip(known, songs, strict=True)],
            {ids[song.key]: learned_track(ids[song.key], song, SOURCE) for song in list(unknown.values())[:allowed]},
        )

    def remember(self, songs: Iterable[Song], identified: Identified) -> None:
        """The new tracks are stored: until the catalogue shows them, their songs are known by these ids."""
        for song, track_id in zip(songs, identified.track_ids, strict=True):
            if track_id in identified.new:
                self._published[song.key] = track_id
        while len(self._published) > REMEMBERED:
            self._published.popitem(last=False)

    def _count(self, known: int, new: int, unnamed: int) -> None:
        self._metrics.songs("known", known)
        self._metrics.songs("new", new)
        self._metrics.songs("unnamed", unnamed)
        if unnamed:
            log.warning("listens of songs without a track", extra=fields(songs=unnamed, learned=self.index.derived))

    async def _allowed(self, user_id: str, wanted: int) -> int:
        room = max(0, min(wanted, self._most - self.index.derived))
        return await self._rates.new_tracks(user_id, room) if room else 0
