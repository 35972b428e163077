"""The catalogue that imports look songs up in: one in Postgres, or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from producers.ingestion.ledger import patiently
from producers.simulator.clock import Clock
from segue.catalogue import Track


class Songs(Protocol):
    """The catalogue; `segue.stores.postgres.songs.SongStore` is one."""

    def find(self, track_ids: Sequence[str], keys: Sequence[str]) -> list[Track]:
        """The tracks with one of these ids or song keys. Raises Unavailable."""


class EmptyCatalogue:
    """Where there is no Postgres to ask: every song is new."""

    def find(self, track_ids: Sequence[str], keys: Sequence[str]) -> list[Track]:  # noqa: ARG002 - as Songs has it
        """None."""
        return []


class PatientSongs:
    """A catalogue in a Postgres that may restart while an import is under way."""

    def __init__(self, songs: Songs, clock: Clock, patience_s: float) -> None:
        self._songs, self._clock, self._patience_s = songs, clock, patience_s

    def find(self, track_ids: Sequence[str], keys: Sequence[str]) -> list[Track]:
        """As Songs has it. Raises PostgresUnavailable when the patience is over."""
        return patiently(lambda: self._songs.find(track_ids, keys), self._clock, self._patience_s)
