"""Which tracks are published again, and which would replace a better record."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from producers.ingestion.known_tracks import KnownTracks
from producers.ingestion.songs import PatientSongs
from segue.catalogue import Track
from segue.errors import PostgresUnavailable
from segue.events import CatalogueTrack
from tests.unit.producers.ingestion.fakes import Catalogue, StillClock, track


def records(*numbers: int) -> dict[str, CatalogueTrack]:
    return {f"t{number}": track(number) for number in numbers}


def test_what_the_catalogue_has_is_not_replaced() -> None:
    assert KnownTracks(Catalogue("t1"), 10).new(records(0, 1, 2)) == [track(0), track(2)]


def test_what_was_sent_is_neither_sent_nor_asked_for_again() -> None:
    catalogue = Catalogue()
    known = KnownTracks(catalogue, 10)
    known.new(records(0, 1))
    assert known.new(records(1, 2)) == [track(2)]
    assert known.new(records(0, 1)) == []
    assert catalogue.asked == [["t0", "t1"], ["t2"]]


def test_only_the_last_ones_are_remembered() -> None:
    catalogue = Catalogue()
    known = KnownTracks(catalogue, 2)
    known.new(records(0, 1, 2))
    assert known.new(records(0, 2)) == [track(0)]


class Restarting(Catalogue):
    """Away for the first questions."""

    def __init__(self, away: int) -> None:
        super().__init__("t1")
        self._away = away

    def find(self, track_ids: Sequence[str], keys: Sequence[str]) -> list[Track]:
        self._away -= 1
        if self._away >= 0:
            raise PostgresUnavailable("restarting")
        return super().find(track_ids, keys)


def test_a_catalogue_that_restarts_is_asked_again() -> None:
    clock = StillClock()
    (found,) = PatientSongs(Restarting(away=4), clock, patience_s=60).find(["t1"], ())
    assert (found.track_id, clock.now) == ("t1", 2.0)


def test_a_catalogue_that_stays_away_is_an_error_at_the_end_of_the_patience() -> None:
    clock = StillClock()
    with pytest.raises(PostgresUnavailable):
        PatientSongs(Restarting(away=1_000), clock, patience_s=5).find(["t1"], ())
    assert clock.now == 5.0
