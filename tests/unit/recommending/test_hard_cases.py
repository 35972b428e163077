"""Every kind of question where data is missing, broken or out of all proportion: an answer that keeps every rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from msgspec.structs import replace as with_features
from scipy.sparse import csr_matrix

from segue.catalogue import Track
from segue.ids import TrackNo
from segue.models.blend import Blend
from segue.models.contract import History, Interactions
from segue.recommending.answer import Answer, Recommender
from segue.recommending.filters import FeatureRange, Filters
from segue.recommending.steering import Steering
from tests.unit.models.tables import FIRST_TRACK_NO, N_TRACKS, catalogue, checkerboard, small_als, track

Ask = Callable[[Recommender, int, Steering], Answer]
FIRST = TrackNo(FIRST_TRACK_NO)
QUESTIONS: dict[str, Ask] = {
    "listener": lambda who, n, how: who.for_listener(who.history_of([FIRST]), n, how, now_s=0.0),
    "newcomer": lambda who, n, how: who.for_listener(History.empty(), n, how, genres=["rock"], artists=["Artist 102"]),
    "session": lambda who, n, how: who.for_session([(FIRST, False), (FIRST, True)], n, how),
    "playlist": lambda who, n, how: who.for_playlist([FIRST], n, how, title="rock"),
    "group": lambda who, n, how: who.for_group({"a": who.history_of([FIRST]), "b": History.empty()}, n, how),
    "song": lambda who, n, how: who.for_song(FIRST, n, how),
}


@pytest.fixture(params=QUESTIONS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def recommender(tracks: list[Track]) -> Recommender:
    numbers = np.array([one.track_no for one in tracks], np.int32)
    plays = checkerboard().preference[:, : len(tracks)] if len(tracks) <= N_TRACKS else checkerboard().preference
    blend = Blend(als=small_als()).fit(Interactions(csr_matrix(plays), numbers, plays.shape[0]), tracks)
    return Recommender.build(blend, numbers, tracks)


def numbers_of(answer: Answer) -> list[int]:
    return [int(item.track_no) for item in answer.items]


def test_a_catalogue_of_one_track(name: str) -> None:
    answer = QUESTIONS[name](recommender([track(FIRST)]), 10, Steering())
    assert numbers_of(answer) == ([FIRST] if name == "newcomer" else [])
    assert [note.code for note in answer.notes] == ["fewer_than_asked" if name == "newcomer" else answer.notes[0].code]
    assert all(np.isfinite(item.score) for item in answer.items)


def test_an_empty_catalogue_says_so() -> None:
    nothing = Interactions(csr_matrix(np.zeros((3, 0), np.float32)), np.empty(0, np.int32), 3)
    empty = Recommender.build(Blend().fit(nothing, []), nothing.track_nos, [])
    for name in ("listener", "newcomer", "session", "playlist", "group"):
        answer = QUESTIONS[name](empty, 10, Steering())
        assert answer.items == ()
        assert [note.code for note in answer.notes] == ["empty_catalogue"]


def test_asking_for_more_than_there_is_gives_all_of_it(name: str) -> None:
    found = numbers_of(QUESTIONS[name](recommender(catalogue()), 1_000, Steering()))
    known = [int(FIRST)] if name != "newcomer" else []
    assert sorted(found + known) == list(range(FIRST, FIRST + N_TRACKS))


def test_the_same_question_has_the_same_answer(name: str) -> None:
    first, second = (QUESTIONS[name](recommender(catalogue()), 5, Steering()) for _ in range(2))
    assert numbers_of(first) == numbers_of(second)


def test_who_heard_everything_is_told_so() -> None:
    answer = recommender(catalogue()).for_listener(History.of(list(range(N_TRACKS))), 5)
    assert answer.items == ()
    assert [note.code for note in answer.notes] == ["everything_heard"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e300, -1e300])
def test_broken_weights_in_a_listener_s_row_still_give_an_answer(value: float) -> None:
    who = recommender(catalogue())
    track_nos = np.array([FIRST, FIRST + 2, FIRST + 4], np.int32)
    history = who.history(track_nos, np.array([1.0, value, 2.0]), np.array([0.0, 1.0, float("nan")]))
    answer = who.for_listener(history, 5, now_s=10.0)
    assert len(answer.items) == 5
    assert all(np.isfinite(item.score) for item in answer.items)
    assert not set(numbers_of(answer)) & set(track_nos.tolist())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e300])
def test_a_track_with_broken_features_passes_no_filter_on_them_and_stays_in_the_other_answers(name: str, value: float) -> None:
    tracks = catalogue()
    features = tracks[2].features
    assert features is not None
    tracks[2] = replace(tracks[2], features=with_features(features, energy=value, tempo=value, valence=value))
    who = recommender(tracks)
    filtered = QUESTIONS[name](who, 100, Steering(Filters(features=(FeatureRange("energy", 0.5, 1.0),))))
    assert FIRST + 2 not in numbers_of(filtered)
    assert {number % 2 for number in numbers_of(filtered)} == {0}
    unfiltered = QUESTIONS[name](who, 100, Steering())
    assert FIRST + 2 in numbers_of(unfiltered)
    assert all(np.isfinite(item.score) for item in unfiltered.items)
    assert FIRST + 2 not in numbers_of(QUESTIONS[name](who, 100, Steering(Filters(moods=("happy",)))))


def test_a_model_that_learnt_from_nobody_answers_by_the_catalogue(name: str) -> None:
    tracks = catalogue()
    numbers = np.array([one.track_no for one in tracks], np.int32)
    nobody = Interactions(csr_matrix(np.zeros((0, N_TRACKS), np.float32)), numbers, 0)
    answer = QUESTIONS[name](Recommender.build(Blend().fit(nobody, tracks), numbers, tracks), 4, Steering())
    assert len(answer.items) == 4
    assert all(np.isfinite(item.score) for item in answer.items)


def test_filters_never_leak_whatever_is_asked(name: str) -> None:
    answer = QUESTIONS[name](recommender(catalogue()), 100, Steering(Filters(genres=("jazz",), year_max=1970)))
    assert sorted(numbers_of(answer)) == list(range(FIRST + 1, FIRST + N_TRACKS, 2))
