"""Windows, blocks, excludes, caps and notes on a table that can be checked by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from segue.errors import InvalidInput
from segue.ids import TrackNo
from segue.models.contract import History
from segue.recommending.answer import Answer, Recommender
from segue.recommending.diversity import Diversity
from segue.recommending.filters import Filters
from segue.recommending.steering import DAY_S, Steering
from tests.unit.models.tables import catalogue, checkerboard, fitted_blend, track

NOW_S = 100 * DAY_S


def answers(*extra: object, without: frozenset[int] = frozenset()) -> Recommender:
    kept = [one for one in catalogue() if one.track_no not in without]
    return Recommender.build(fitted_blend(), checkerboard().track_nos, [*kept, *extra])  # type: ignore[list-item]


def numbers(answer: Answer) -> set[int]:
    return {int(item.track_no) for item in answer.items}


def heard(recommender: Recommender, **days_ago: float) -> History:
    columns = np.array([int(name[1:]) for name in days_ago], np.int32)
    return recommender.history(columns, np.ones(len(columns)), np.array([NOW_S - ago * DAY_S for ago in days_ago.values()]))


@pytest.mark.parametrize(
    ("heard_days", "hidden"), [(None, {100, 102, 104}), (0.0, set()), (1.0, {100}), (7.0, {100, 102}), (1_000.0, {100, 102, 104})]
)
def test_what_was_heard_within_the_window_is_hidden(heard_days: float | None, hidden: set[int]) -> None:
    recommender = answers()
    history = heard(recommender, t100=0.5, t102=3, t104=90)
    found = recommender.for_listener(history, 100, Steering(heard_days=heard_days), now_s=NOW_S)
    assert numbers(found) == set(range(100, 112)) - hidden


def test_the_window_counts_for_versions_of_what_was_heard() -> None:
    recommender = answers(track(900, name="Song 100 (Live)", artist="Artist 100"))
    history = heard(recommender, t100=0.5)
    assert not {100, 900} & numbers(recommender.for_listener(history, 100, Steering(heard_days=1), now_s=NOW_S))
    assert len({100, 900} & numbers(recommender.for_listener(history, 100, Steering(heard_days=0.1), now_s=NOW_S))) == 1


def test_what_was_turned_down_does_not_return_by_a_window() -> None:
    recommender = answers()
    history = recommender.history(np.array([100, 102], np.int32), np.array([-4.0, 1.0]), np.zeros(2))
    assert numbers(recommender.for_listener(history, 100, Steering(heard_days=0), now_s=NOW_S)) == set(range(101, 112))


def test_blocked_tracks_are_out_in_every_version_excluded_ones_alone() -> None:
    recommender = answers(track(900, name="Song 100 (Live)", artist="Artist 100"))
    blocked = recommender.for_listener(History.empty(), 100, Steering(blocked_tracks=frozenset({TrackNo(100)})))
    excluded = recommender.for_listener(History.empty(), 100, Steering(exclude=frozenset({TrackNo(100)})))
    assert not {100, 900} & numbers(blocked)
    assert {100, 900} & numbers(excluded) == {900}


def test_blocked_artists_are_out_as_guests_too() -> None:
    guest = replace(track(900), artists=("Someone", "ARTIST 100"))
    found = answers(guest).for_listener(History.empty(), 100, Steering(blocked_artists=("artist 100", "Nobody")))
    assert numbers(found) == set(range(101, 112))


def test_a_listener_who_heard_everything_gets_an_empty_list_with_a_reason() -> None:
    recommender = answers()
    history = recommender.history_of([TrackNo(number) for number in range(100, 112)])
    answer = recommender.for_listener(history, 5)
    assert answer.items == ()
    assert [(note.code, note.fields) for note in answer.notes] == [("everything_heard", ("heard_days",))]
    assert len(recommender.for_listener(history, 5, Steering(heard_days=0), now_s=NOW_S).items) == 5


def test_everything_excluded_is_said() -> None:
    answer = answers().for_listener(History.empty(), 5, Steering(exclude=frozenset(map(TrackNo, range(100, 112)))))
    assert [(note.code, note.fields) for note in answer.notes] == [("everything_excluded", ("exclude",))]


def test_an_empty_catalogue_is_said() -> None:
    answer = answers(without=frozenset(range(100, 112))).for_listener(History.empty(), 5)
    assert [note.code for note in answer.notes] == ["empty_catalogue"]


def test_of_filter_and_window_both_are_named_when_both_are_to_blame() -> None:
    recommender = answers()
    history = recommender.history_of([TrackNo(number) for number in range(101, 112, 2)])
    answer = recommender.for_listener(history, 5, Steering(Filters(genres=("jazz",))))
    assert [(note.code, note.fields) for note in answer.notes] == [("filters_match_nothing", ("filters.genres", "heard_days"))]


def test_fewer_than_asked_is_said() -> None:
    answer = answers().for_listener(History.empty(), 20)
    assert [(note.code, note.fields) for note in answer.notes] == [("fewer_than_asked", ("n",))]


def test_a_cap_that_gave_way_is_said() -> None:
    twins = [track(900 + i, name=f"Twin {i}", artist="Twins", genre="polka") for i in range(3)]
    steering = Steering(Filters(genres=("polka",)), diversity=Diversity(per_artist=2))
    answer = answers(*twins).for_listener(History.empty(), 3, steering)
    assert numbers(answer) == {900, 901, 902}
    assert [note.code for note in answer.notes] == ["per_artist_relaxed"]


def test_caps_look_beyond_the_best_hundreds_before_they_give_way() -> None:
    crowd = [track(1_000 + i, name=f"Hit {i}", artist="Crowd", genre="polka") for i in range(400)]
    answer = answers(*crowd).for_listener(History.empty(), 12, genres=["polka"])
    assert sum(item.track_no >= 1_000 for item in answer.items) == 2
    assert answer.notes == ()


@pytest.mark.parametrize("days", [-1.0, float("nan"), float("inf")])
def test_an_impossible_window_is_refused(days: float) -> None:
    with pytest.raises(InvalidInput, match="heard_days"):
        Steering(heard_days=days)
