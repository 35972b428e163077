"""Which tracks are published again, and which would replace a better record."""

from __future__ import annotations

from producers.ingestion.known_tracks import KnownTracks
from segue.events import CatalogueTrack
from tests.unit.producers.ingestion.fakes import Catalogue, track


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
