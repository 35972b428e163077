"""Tracks that need not be published: a record of less would replace what the catalogue has of them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from producers.ingestion.songs import Songs
from segue.events import CatalogueTrack


class KnownTracks:
    """Which tracks the catalogue has, or has been sent in this run. It is asked again of all but the last `most` of them."""

    def __init__(self, songs: Songs, most: int) -> None:
        self._songs, self._most = songs, most
        self._known: dict[str, None] = {}

    def new(self, records: Mapping[str, CatalogueTrack]) -> list[CatalogueTrack]:
        """Those of these tracks, by id, that are to be published. Raises Unavailable."""
        asked = [track_id for track_id in records if track_id not in self._known]
        if not asked:
            return []
        there = {track.track_id for track in self._songs.find(asked, ())}
        self._known |= dict.fromkeys(asked)
        for track_id in list(islice(self._known, max(0, len(self._known) - self._most))):
            del self._known[track_id]
        return [records[track_id] for track_id in asked if track_id not in there]
