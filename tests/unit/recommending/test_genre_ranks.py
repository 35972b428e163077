"""How a genre usually sounds, on the scale of the whole catalogue."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from segue.catalogue import Track
from segue.recommending.facts import Facts
from tests.unit.recommending.worlds import tracks


def in_genre(genre: str, number: int, energy: float | None) -> Track:
    """A track of which nothing but its energy matters; None: its sound is not known."""
    like = tracks()[number]
    assert like.features is not None
    features = None if energy is None else msgspec.structs.replace(like.features, energy=energy)
    return replace(like, genres=(genre,), features=features)


def test_the_middle_of_a_genre_is_ranked_among_all() -> None:
    rock = [in_genre("rock", number, energy) for number, energy in enumerate((0.7, 0.8, 0.9))]
    jazz = [in_genre("jazz", number, energy) for number, energy in enumerate((0.1, 0.2, None), 3)]
    facts = Facts.of([*rock, *jazz])
    assert facts.genre_ranks("Rock")["energy"] == 0.6
    assert facts.genre_ranks("jazz")["energy"] == 0.2


def test_a_genre_whose_sound_nobody_knows_has_no_middle() -> None:
    facts = Facts.of([in_genre("rock", 0, 0.5), in_genre("noise", 1, None)])
    assert facts.genre_ranks("noise") == {}
    assert facts.genre_ranks("unheard of") == {}


def test_a_track_that_is_not_shown_counts_for_nothing() -> None:
    facts = Facts.of([in_genre("rock", 0, 0.5), None])
    assert facts.genre_ranks("rock")["energy"] == 0.0
