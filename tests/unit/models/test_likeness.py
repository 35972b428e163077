"""What is like one song, of some tracks and of all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from segue.models.blend import Blend
from segue.models.contract import Floats
from tests.unit.models.tables import N_TRACKS, fitted_blend, track

SONG = 4


@pytest.fixture(scope="module")
def grown() -> Blend:
    """With two tracks that arrived after training, the second of them without features."""
    late = [track(N_TRACKS, name="Late"), replace(track(N_TRACKS + 1, name="Bare"), features=None)]
    return fitted_blend().placed(np.array([N_TRACKS, N_TRACKS + 1], np.int32), late)


def near(parts: dict[str, Floats], name: str) -> list[float]:
    return [round(float(value), 5) for value in parts[name]]


@pytest.mark.parametrize("part", ["als", "co_listening", "content"])
def test_some_tracks_are_scored_as_they_are_among_all(grown: Blend, part: str) -> None:
    asked = np.array([N_TRACKS + 1, 6, 1, N_TRACKS, SONG], np.int32)
    whole = grown.likeness(SONG).parts()
    assert near(grown.likeness(SONG).parts(asked), part) == [near(whole, part)[column] for column in asked]


@pytest.mark.parametrize("part", ["als", "co_listening"])
def test_a_late_track_is_like_a_song_by_content_alone(grown: Blend, part: str) -> None:
    assert near(grown.likeness(SONG).parts(), part)[N_TRACKS:] == [0.0, 0.0]
    assert not grown.likeness(N_TRACKS).parts()[part].any()


def test_als_has_no_say_in_what_may_not_be_shown(grown: Blend) -> None:
    eligible = np.arange(grown.n_tracks) != 6
    parts = grown.likeness(SONG).parts(None, eligible)
    assert (parts["als"][6], bool(parts["als"][2])) == (0.0, True)


def test_candidates_are_allowed_and_no_more_than_asked_for(grown: Blend) -> None:
    allowed = np.arange(grown.n_tracks) % 4 != 0
    for found in grown.likeness(SONG).candidates(3, allowed):
        assert 0 < len(found) <= 3
        assert allowed[found].all()
