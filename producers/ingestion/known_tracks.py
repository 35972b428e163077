"""Tracks that need not be published: a record of less would replace what the catalogue has of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Protocol

from producers.ingestion.ledger import patiently
from producers.simulator.clock import Clock
from segue.catalogue import Track
from segue.events import CatalogueTrack


class Songs(Protocol):
    """The catalogue."""

    def find(self, track_ids: Sequence[str], keys: Sequence[str]) -> list[Track]:
        """The tracks with one of these ids or song keys. Raises Unavailable."""


class PatientSongs:
    """A catalogue in a Postgres that may restart while an import is under way."""

    def __init__(self, songs: Songs, clock: Clock, patience_s: float) -> None:
        self._songs, self._clock, self._patience_s = songs, clock, patience_s

    def find(self, track_ids: Sequence[str], keys: Sequence[str]) -> list[Track]:
        """As Songs has it. Raises PostgresUnavailable when the patience is over."""
        return patiently(lambda: self._songs.find(track_ids, keys), self._clock, self._patience_s)


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
