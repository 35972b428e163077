"""Sessions, playlists, groups, newcomers who chose artists; and catalogues and models with bad numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from segue.errors import InvalidInput
from segue.events import AudioFeatures
from segue.ids import TrackNo
from segue.models.blend import Blend
from segue.models.contract import History, Interactions
from segue.recommending.answer import Answer, Recommender
from segue.recommending.facts import FEATURES
from segue.recommending.filters import Filters
from segue.recommending.steering import Steering
from segue.recommending.titles import title_match
from tests.unit.models.tables import FIRST_TRACK_NO, catalogue, checkerboard, fitted_blend, small_als, track
from tests.unit.recommending import worlds

LOUD = set(range(100, 112, 2))
CALM = set(range(101, 112, 2))


@pytest.fixture(scope="module")
def answers() -> Recommender:
    return Recommender.build(fitted_blend(), checkerboard().track_nos, catalogue())


def number(column: int) -> TrackNo:
    return TrackNo(FIRST_TRACK_NO + column)


def numbers(answer: Answer) -> list[int]:
    return [int(item.track_no) for item in answer.items]


def test_a_session_goes_on_with_its_kind_and_without_its_own_tracks(answers: Recommender) -> None:
    found = numbers(answers.for_session([(number(0), False), (number(2), False)], 4))
    assert set(found) == LOUD - {100, 102}


def test_the_last_tracks_of_a_session_decide(answers: Recommender) -> None:
    turned = [(number(column), False) for column in (0, 2, 4, 1, 3, 5)]
    assert numbers(answers.for_session(turned, 1))[0] in CALM
    assert numbers(answers.for_session(turned[::-1], 1))[0] in LOUD


def test_a_skip_leads_away(answers: Recommender) -> None:
    found = answers.for_session([(number(1), False), (number(0), True)], 3)
    assert set(numbers(found)) <= CALM
    assert {item.reason.seed_track_no for item in found.items} == {101}


def test_a_session_of_unknown_tracks_is_answered_like_no_session(answers: Recommender) -> None:
    assert numbers(answers.for_session([(TrackNo(9), False)], 3)) == numbers(answers.for_session([], 3))


def test_a_playlist_is_continued(answers: Recommender) -> None:
    found = answers.for_playlist([number(1), number(3)], 4)
    assert set(numbers(found)) == CALM - {101, 103}


@pytest.mark.parametrize(
    ("title", "kind"), [("My JAZZ night", CALM), ("sad songs", CALM), ("rock!", LOUD), ("Artist 104", {104})]
)
def test_the_words_of_a_title_lead_where_there_are_no_tracks(answers: Recommender, title: str, kind: set[int]) -> None:
    found = answers.for_playlist([], len(kind), title=title)
    assert set(numbers(found)) == kind
    assert {item.reason.code for item in found.items} == {"fits_title"}


def test_a_title_of_unknown_words_changes_nothing(answers: Recommender) -> None:
    assert answers.for_playlist([number(1)], 5, title="xyzzy") == answers.for_playlist([number(1)], 5)


def test_a_rare_word_of_a_title_says_more_than_a_common_one(answers: Recommender) -> None:
    match = title_match("song 104", answers._facts)
    assert match.argmax() == 4
    assert 0 < match[0] < 0.5 * match[4]


def test_a_group_gets_what_each_likes_and_nobody_turned_down(answers: Recommender) -> None:
    loud, calm = answers.history_of([number(0), number(2)]), answers.history_of([number(1), number(3)])
    hater = answers.history(np.array([104], np.int32), np.array([-4.0]), np.zeros(1))
    found = answers.for_group({"ann": loud, "bob": calm, "eve": hater}, 100)
    assert set(numbers(found)) == (LOUD | CALM) - {100, 101, 102, 103, 104}


def test_a_group_of_nobody_is_refused(answers: Recommender) -> None:
    with pytest.raises(InvalidInput, match="at least one member"):
        answers.for_group({}, 5)


def test_a_group_of_one_kind_is_told_that_it_suits_everyone() -> None:
    rock = {"ann": History.of([0, 1, 32]), "bob": History.of([0, 4, 33])}
    best = worlds.recommender().for_group(rock, 1).items[0]
    assert worlds.by_number(best.track_no).genres == ("rock",)
    assert set(best.reason.suits) == {"ann", "bob"}
    assert (best.reason.code, best.reason.text) == ("suits_everyone", f"Suits everyone: {', '.join(best.reason.suits)}")


def test_a_member_s_misery_costs_a_track_its_place(answers: Recommender) -> None:
    """Two loud listeners outvote a calm one on average; without misery, what the calm one cannot stand falls behind."""
    members = {
        "ann": answers.history_of([number(0), number(2)]),
        "bob": answers.history_of([number(0), number(4)]),
        "eve": answers.history_of([number(1), number(3), number(5)]),
    }
    found = answers.for_group(members, 100)
    for item in found.items:
        own = [share for name, share in item.parts.items() if name.startswith("member:")]
        assert item.parts["misery"] == pytest.approx(min(0.0, 3 * min(own)), abs=1e-5)
    assert any(item.parts["misery"] < 0 for item in found.items)


def test_a_group_s_reason_names_just_those_it_suits(answers: Recommender) -> None:
    members = {"ann": answers.history_of([number(0), number(2)]), "eve": answers.history_of([number(1), number(3)])}
    for item in answers.for_group(members, 100).items:
        high = {name.removeprefix("member:") for name, share in item.parts.items() if 2 * share >= 1.0}
        assert set(item.reason.suits) == high - {"misery"}


def test_a_newcomer_s_artists_lead_and_say_so(answers: Recommender) -> None:
    found = answers.for_listener(History.empty(), 4, artists=["artist 101"])
    assert set(numbers(found)) <= CALM
    assert "chosen_artist" in {item.reason.code for item in found.items}
    chosen = next(item.reason for item in found.items if item.reason.code == "chosen_artist")
    assert (chosen.text, chosen.seed_artist) == ("Because you chose artist 101", "artist 101")


def test_a_chosen_artist_s_own_tracks_may_be_shown(answers: Recommender) -> None:
    assert 101 in numbers(answers.for_listener(History.empty(), 100, artists=["Artist 101"]))


def test_an_unknown_artist_changes_nothing(answers: Recommender) -> None:
    assert answers.for_listener(History.empty(), 5, artists=["Nobody"]) == answers.for_listener(History.empty(), 5)


def test_a_catalogue_of_one_track() -> None:
    only = track(7)
    one = Interactions(csr_matrix(np.ones((1, 1), np.float32)), np.array([7], np.int32), 1)
    answers = Recommender.build(Blend(als=small_als()).fit(one, [only]), one.track_nos, [only])
    assert numbers(answers.for_listener(History.empty(), 5)) == [7]
    assert [note.code for note in answers.for_listener(History.of([0]), 5).notes] == ["everything_heard"]
    assert answers.for_song(TrackNo(7), 5).items == ()
    assert numbers(answers.for_group({"ann": History.empty()}, 5, Steering(adventurousness=1.0))) == [7]
    assert numbers(answers.for_playlist([], 5, title="song 7")) == [7]


def spoilt(value: float | None) -> Recommender:
    """The first track's features are all this value, or unknown."""
    features = None if value is None else AudioFeatures(**dict.fromkeys(FEATURES, value), key=0, mode=1)
    first, *others = catalogue()
    tracks = [replace(first, features=features), *others]
    return Recommender.build(Blend(als=small_als()).fit(checkerboard(), tracks), checkerboard().track_nos, tracks)


Ask = Callable[[Recommender], Answer]
ASKS: dict[str, Ask] = {
    "listener": lambda one: one.for_listener(one.history_of([number(2)]), 20),
    "song": lambda one: one.for_song(number(2), 20),
    "dial": lambda one: one.for_listener(one.history_of([number(2)]), 20, Steering(adventurousness=0.9)),
}


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS.keys())
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_features_that_are_no_numbers_do_not_reach_the_order(value: float, ask: Ask) -> None:
    answer = ask(spoilt(value))
    assert all(math.isfinite(item.score) for item in answer.items)
    assert answer == ask(spoilt(math.nan))
    others = [found for found in numbers(answer) if found != 100]
    assert others == [found for found in numbers(ask(spoilt(None))) if found != 100]


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_model_with_a_bad_number_loses_that_number_not_the_answer(value: float) -> None:
    blend = fitted_blend()
    blend.als._factors[3, 0] = value
    answers = Recommender.build(blend, checkerboard().track_nos, catalogue())
    answer = answers.for_listener(answers.history_of([number(0)]), 20, Steering(Filters()))
    assert sorted(numbers(answer)) == list(range(101, 112))
    assert all(math.isfinite(item.score) for item in answer.items)
