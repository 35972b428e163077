"""The way from track to track: whole, short, and the same each time."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.events import AudioFeatures
from segue.recommending.ordering import length_of, place_of, smooth

steps = st.floats(-20, 20)
ways = st.lists(st.tuples(steps, steps), max_size=12).map(lambda found: np.array(found, np.float64).reshape(-1, 2))


def features(tempo: float, energy: float) -> AudioFeatures:
    return AudioFeatures(
        danceability=0.5, energy=energy, key=0, loudness=-8.0, mode=1, speechiness=0.1, acousticness=0.5,
        instrumentalness=0.0, liveness=0.1, valence=0.5, tempo=tempo,
    )  # fmt: skip


@given(ways)
def test_every_track_stands_once_and_the_first_stays_first(places: np.ndarray) -> None:
    order = smooth(places).tolist()
    assert sorted(order) == list(range(len(places)))
    assert order[:1] == [0][: len(places)]


@given(ways)
def test_the_way_is_no_longer_than_it_was(places: np.ndarray) -> None:
    assert length_of(smooth(places), places) <= length_of(np.arange(len(places)), places) * (1 + 1e-9) + 1e-9


@settings(deadline=None)
@given(st.lists(st.tuples(steps, steps), min_size=3, max_size=6).map(lambda found: np.array(found, np.float64)))
def test_of_few_tracks_the_way_is_at_most_half_longer_than_the_shortest(places: np.ndarray) -> None:
    ways_there_are = (np.array((0, *rest)) for rest in permutations(range(1, len(places))))
    assert length_of(smooth(places), places) <= 1.5 * min(length_of(way, places) for way in ways_there_are) + 1e-9


def test_a_line_of_tempos_is_walked_from_the_nearer_end() -> None:
    places = np.array([[2.0, 0], [5, 0], [1, 0], [4, 0], [3, 0]])
    assert smooth(places).tolist() == [0, 2, 4, 3, 1]


def test_tracks_that_sound_alike_are_no_endless_task() -> None:
    assert smooth(np.zeros((50, 2))).tolist()[:2] == [0, 1]


def test_a_tenth_of_tempo_is_as_far_as_a_tenth_of_energy() -> None:
    places = np.array([place_of(features(*sound)) for sound in ((100.0, 0.5), (110.0, 0.5), (100.0, 0.6))])
    assert np.linalg.norm(places - places[0], axis=1) == pytest.approx([0.0, 1.0, 1.0])


@pytest.mark.parametrize("sound", [(0.0, 0.5), (-1.0, 0.5), (float("nan"), 0.5), (float("inf"), 0.5), (100.0, float("nan"))])
def test_a_tempo_that_is_none_has_no_place(sound: tuple[float, float]) -> None:
    assert place_of(features(*sound)) is None
    assert place_of(None) is None
