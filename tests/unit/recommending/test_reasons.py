"""A reason is the largest part of the score, and its seed adds most to that part."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.models.contract import History
from segue.recommending.answer import Recommendation
from segue.recommending.reasons import Circumstances, listener_reason, song_reason
from segue.recommending.steering import Steering
from tests.unit.models.tables import track
from tests.unit.recommending.worlds import recommender

SPEAKS = {
    "because_you_played": {"als", "co_listening"},
    "similar_sound": {"content"},
    "popular_now": {"popularity"},
    "popular_in_genre": {"genres"},
    "fits_title": {"title"},
    "discovery": {"discovery"},
    "familiar": {"familiar"},
    "played_together": {"als", "co_listening"},
    "chosen_artist": {"als", "co_listening", "content"},
    "picked_for_you": {"als", "co_listening", "content"},
}
columns = st.integers(0, 159)


def check(item: Recommendation) -> None:
    strongest = max(item.parts, key=lambda name: item.parts[name])
    assert item.score == pytest.approx(sum(item.parts.values()), abs=1e-3)
    assert item.sources[0] == strongest
    assert item.reason.code == "best_of_the_rest" or strongest in SPEAKS[item.reason.code]


@settings(max_examples=60)
@given(
    heard=st.lists(columns, max_size=15, unique=True),
    dial=st.sampled_from([0.0, 0.5, 1.0]),
    genres=st.sampled_from([(), ("jazz",)]),
    artists=st.sampled_from([(), ("Band 3",)]),
)
def test_the_part_that_speaks_is_the_largest(
    heard: list[int], dial: float, genres: tuple[str, ...], artists: tuple[str, ...]
) -> None:
    history = History.of(heard)
    answer = recommender().for_listener(history, 20, Steering(adventurousness=dial), genres=genres, artists=artists)
    for item in answer.items:
        check(item)


@settings(max_examples=30)
@given(seed=columns, dial=st.sampled_from([0.0, 0.5, 1.0]))
def test_the_same_holds_for_songs_like_a_song(seed: int, dial: float) -> None:
    answers = recommender()
    for item in answers.for_song(answers._track_nos[seed], 20, Steering(adventurousness=dial)).items:
        check(item)


@settings(max_examples=30)
@given(heard=st.lists(columns, min_size=2, max_size=10, unique=True))
def test_no_other_liked_track_adds_more_to_that_part_than_the_seed(heard: list[int]) -> None:
    answers = recommender()
    history = History.of(heard)
    blend = answers._blend
    for item in answers.for_listener(history, 10).items:
        if item.reason.seed_track_no is not None:
            part = max(item.parts, key=lambda name: item.parts[name])
            column = np.array([item.track_no - 1_000], np.int32)
            added = blend.read(history).evidence(part, column)
            assert added is not None
            assert history.columns[added[0].argmax()] == item.reason.seed_track_no - 1_000


def test_what_no_part_speaks_for_is_not_praised() -> None:
    told = Circumstances([track(1)])
    assert listener_reason({"als": -1.0, "popularity": -0.5}, -1, told, track(1)).code == "best_of_the_rest"
    assert song_reason({"als": 0.0, "content": -0.5}, track(1)).code == "best_of_the_rest"


def test_popularity_speaks_for_a_song_that_is_like_nothing() -> None:
    assert song_reason({"als": 0.0, "content": 0.0, "popularity": 0.1}, track(1)).code == "popular_now"
