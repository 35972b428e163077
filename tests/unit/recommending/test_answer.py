from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from segue.catalogue import Track
from segue.errors import NotFound
from segue.ids import TrackNo
from segue.models.blend import BlendConfig, Weights
from segue.models.contract import History
from segue.models.popularity import PopularNow
from segue.recommending.answer import Answer, Recommender
from segue.recommending.filters import Filters
from segue.recommending.reasons import Reason
from segue.recommending.steering import Steering
from tests.unit.models.tables import FIRST_TRACK_NO, catalogue, checkerboard, fitted_blend, track

LOUD = frozenset(range(FIRST_TRACK_NO, FIRST_TRACK_NO + 12, 2))
CALM = frozenset(range(FIRST_TRACK_NO + 1, FIRST_TRACK_NO + 12, 2))


def number(column: int) -> TrackNo:
    return TrackNo(FIRST_TRACK_NO + column)


def recommender(tracks: list[Track] | None = None) -> Recommender:
    return Recommender.build(fitted_blend(), checkerboard().track_nos, catalogue() if tracks is None else tracks)


@pytest.fixture(scope="module")
def answers() -> Recommender:
    return recommender()


def numbers(found: Answer) -> list[int]:
    return [recommendation.track_no for recommendation in found.items]


def test_a_listener_gets_what_like_minded_listeners_play_and_nothing_heard(answers: Recommender) -> None:
    found = answers.for_listener(answers.history_of([number(0), number(2), number(4)]), 3)
    assert set(numbers(found)) == {106, 108, 110}


def heard_now(*columns: int) -> PopularNow:
    """These tracks and an unknown one, each half as much heard as the one before."""
    numbers = [number(column) for column in columns] + [TrackNo(9_999)]
    return PopularNow(np.array(numbers, np.int32), np.array([0.5**place for place in range(1, len(numbers) + 1)]))


def test_somebody_unknown_gets_what_is_heard_now(answers: Recommender) -> None:
    for column in (1, 7):
        found = answers.for_listener(History.empty(), 3, popular=heard_now(column))
        assert numbers(found)[0] == number(column)
        assert found.items[0].reason.code == "popular_now"


def test_a_chosen_genre_goes_before_what_is_heard_now(answers: Recommender) -> None:
    calm = answers.track(number(1)).genres[:1]
    found = answers.for_listener(History.empty(), 3, genres=calm, popular=heard_now(0, 5))
    assert numbers(found)[0] == number(5)
    assert set(numbers(found)) <= CALM


def test_a_track_that_the_model_never_met_leads_when_everybody_hears_it(answers: Recommender) -> None:
    new = replace(track(1), track_no=TrackNo(900), track_id="new", name="Brand new", popularity=0)
    popular = PopularNow(np.array([900], np.int32), np.array([0.9]))
    assert 900 in numbers(answers.add_tracks([new]).for_listener(History.empty(), 3, popular=popular))
    assert 900 not in numbers(answers.add_tracks([new]).for_listener(History.empty(), 3))


def test_what_is_heard_now_says_nothing_to_who_has_a_history(answers: Recommender) -> None:
    history = answers.history_of([number(0), number(2)])
    assert answers.for_listener(history, 5, popular=heard_now(7)) == answers.for_listener(history, 5)


def test_the_same_question_gets_the_same_answer(answers: Recommender) -> None:
    history = answers.history_of([number(0), number(3)])
    assert answers.for_listener(history, 5) == answers.for_listener(history, 5)


def test_n_beyond_the_catalogue_gives_all_there_is(answers: Recommender) -> None:
    found = numbers(answers.for_listener(answers.history_of([number(0)]), 1_000))
    assert sorted(found) == sorted((LOUD | CALM) - {100})


def test_n_of_zero_gives_nothing(answers: Recommender) -> None:
    assert answers.for_listener(History.empty(), 0).items == ()


def test_somebody_unknown_gets_what_is_popular(answers: Recommender) -> None:
    found = answers.for_listener(History.empty(), 3)
    assert {recommendation.reason.code for recommendation in found.items} == {"popular_now"}
    assert found.items[0].sources == ("popularity",)


def test_a_newcomer_gets_the_chosen_genres_first(answers: Recommender) -> None:
    found = answers.for_listener(History.empty(), 8, genres=["Jazz"])
    assert set(numbers(found)[:6]) == CALM
    assert [r.reason.text for r in found.items[:6]] == ["Popular in jazz"] * 6
    assert [r.reason.text for r in found.items[6:]] == ["Popular right now"] * 2


def test_excluded_tracks_stay_out(answers: Recommender) -> None:
    history = answers.history_of([number(0)])
    found = numbers(answers.for_listener(history, 1_000, Steering(exclude={number(2), number(3), TrackNo(9_999)})))
    assert {102, 103} & set(found) == set()
    assert numbers(answers.for_song(number(0), 1_000, Steering(exclude={number(2)}))).count(102) == 0


def test_tracks_met_without_liking_are_not_recommended_as_new(answers: Recommender) -> None:
    row = np.array([100, 102, 104], np.int32)
    history = answers.history(row, np.array([1.0, 0.0, -4.0]), np.zeros(3))
    assert {100, 102, 104} & set(numbers(answers.for_listener(history, 1_000))) == set()


def test_another_version_of_a_heard_song_is_not_new() -> None:
    remaster = track(900, name="Song 100 - 2011 Remaster", artist="Artist 100")
    answers = recommender([*catalogue(), remaster])
    assert 900 not in numbers(answers.for_listener(answers.history_of([number(0)]), 1_000))
    assert 900 not in numbers(answers.for_song(number(0), 1_000))


def test_of_two_versions_of_a_song_one_is_shown() -> None:
    versions = [track(900, name="Twice", artist="X"), track(901, name="Twice (Live)", artist="X")]
    answers = recommender([*catalogue(), *versions])
    assert len({900, 901} & set(numbers(answers.for_listener(answers.history_of([number(0)]), 1_000)))) == 1


@pytest.mark.parametrize(
    ("filters", "allowed"),
    [
        (Filters(genres=("JAZZ",)), CALM),
        (Filters(genres=("jazz", "rock")), LOUD | CALM),
        (Filters(genres=("polka",)), frozenset()),
        (Filters(moods=("sad",)), CALM),
        (Filters(moods=("happy", "sad")), LOUD | CALM),
        (Filters(year_min=1990), LOUD),
        (Filters(year_max=1961), CALM),
        (Filters(popularity_min=88, popularity_max=89), frozenset({101, 102})),
        (Filters(explicit=True), frozenset()),
        (Filters(explicit=False), LOUD | CALM),
    ],
)
def test_filters_never_leak_and_hold_back_nothing_else(answers: Recommender, filters: Filters, allowed: frozenset[int]) -> None:
    history = answers.history_of([number(0)])
    assert set(numbers(answers.for_listener(history, 1_000, Steering(filters)))) == allowed - {100}
    assert set(numbers(answers.for_listener(History.empty(), 1_000, Steering(filters)))) == allowed
    assert set(numbers(answers.for_song(number(0), 1_000, Steering(filters)))) == allowed - {100}


def test_a_track_of_unknown_year_fails_a_year_filter() -> None:
    answers = recommender([*catalogue(), track(900, year=None)])
    assert 900 not in numbers(answers.for_listener(History.empty(), 1_000, Steering(Filters(year_min=1900))))


def test_explicit_false_leaves_known_explicit_tracks_out() -> None:
    answers = recommender([*catalogue(), track(900, explicit=True)])
    assert 900 not in numbers(answers.for_listener(History.empty(), 1_000, Steering(Filters(explicit=False))))
    assert numbers(answers.for_listener(History.empty(), 1_000, Steering(Filters(explicit=True)))) == [900]


def test_a_song_is_answered_with_its_kind(answers: Recommender) -> None:
    found = answers.for_song(number(1), 5)
    assert set(numbers(found)) == CALM - {101}
    assert {r.reason.seed_track_no for r in found.items} == {101}


def test_an_unknown_song_is_not_found(answers: Recommender) -> None:
    for strange in (5, 112, 10**9, -1):
        with pytest.raises(NotFound):
            answers.for_song(TrackNo(strange), 5)


def test_tracks_missing_from_the_catalogue_count_in_histories_but_are_never_shown() -> None:
    answers = recommender([t for t in catalogue() if t.track_no != 102])
    assert 102 not in numbers(answers.for_listener(answers.history_of([number(0)]), 1_000))
    assert set(numbers(answers.for_listener(answers.history_of([number(2)]), 3))) <= LOUD
    with pytest.raises(NotFound):
        answers.for_song(number(2), 5)


def test_a_track_that_arrives_later_is_found_by_content_and_can_be_asked_for(answers: Recommender) -> None:
    grown = answers.add_tracks([track(900, genre="jazz", energy=0.1, valence=0.2, year=1961)])
    assert set(numbers(grown.for_song(TrackNo(900), 6))) == CALM
    listener = grown.history_of([number(1), number(3)])
    found = {r.track_no: r for r in grown.for_listener(listener, 5).items}
    assert found[TrackNo(900)].sources[0] == "content"
    assert found[TrackNo(900)].reason.code == "similar_sound"


def test_a_listener_of_nothing_but_a_later_track_gets_its_kind(answers: Recommender) -> None:
    grown = answers.add_tracks([track(900, genre="jazz", energy=0.1, valence=0.2, year=1961)])
    assert set(numbers(grown.for_listener(grown.history_of([TrackNo(900)]), 4))) <= CALM


def test_adding_and_removing_leave_readers_of_the_old_recommender_alone(answers: Recommender) -> None:
    answers.add_tracks([track(900)])
    answers.remove_tracks([number(0)])
    assert answers.n_tracks == 12


def test_a_removed_track_is_never_shown_until_it_is_added_again(answers: Recommender) -> None:
    without = answers.remove_tracks([number(2)])
    assert 102 not in numbers(without.for_listener(History.empty(), 1_000))
    again = without.add_tracks([catalogue()[2]])
    assert 102 in numbers(again.for_listener(History.empty(), 1_000))


def test_a_changed_track_passes_filters_by_its_new_facts(answers: Recommender) -> None:
    changed = answers.add_tracks([track(100, genre="polka")])
    assert numbers(changed.for_listener(History.empty(), 1_000, Steering(Filters(genres=("polka",))))) == [100]
    assert 100 not in numbers(changed.for_listener(History.empty(), 1_000, Steering(Filters(genres=("rock",)))))


def test_a_catalogue_without_a_snapshot_s_tracks_still_answers() -> None:
    answers = Recommender.build(fitted_blend(), checkerboard().track_nos, [track(900), track(901)])
    assert sorted(numbers(answers.for_listener(History.empty(), 5))) == [900, 901]


def test_what_was_liked_just_now_counts_more() -> None:
    answers = recommender()
    row = np.array([100, 101], np.int32)
    now_s, long_ago = 1_000_000.0, 0.0
    loud_now = answers.history(row, np.ones(2), np.array([now_s, long_ago]))
    calm_now = answers.history(row, np.ones(2), np.array([long_ago, now_s]))
    assert answers.for_listener(loud_now, 1, now_s=now_s).items[0].track_no in LOUD
    assert answers.for_listener(calm_now, 1, now_s=now_s).items[0].track_no in CALM


@pytest.mark.parametrize(("age_h", "counts_more"), [(0.5, True), (6.0, True), (48.0, False)])
def test_what_was_liked_days_ago_counts_no_more_than_ever(answers: Recommender, age_h: float, counts_more: bool) -> None:
    row, now_s = np.array([100, 101], np.int32), 1_000_000.0
    history = answers.history(row, np.ones(2), np.array([0.0, now_s - age_h * 3_600.0]))
    changed = answers.for_listener(history, 5, now_s=now_s) != answers.for_listener(history, 5)
    assert changed == counts_more


@pytest.mark.parametrize(
    ("weights", "code", "text"),
    [
        ((0.5, 0.5, 0.0, 0.0), "because_you_played", "Because you played Song {} by Artist {}"),
        ((0.0, 0.0, 1.0, 0.0), "similar_sound", "Sounds like Song {} by Artist {}, which you played"),
    ],
)
def test_the_reason_names_the_model_and_the_track_that_put_it_there(weights: Weights, code: str, text: str) -> None:
    blend = fitted_blend(BlendConfig(weights=((1, weights),)))
    answers = Recommender.build(blend, checkerboard().track_nos, catalogue())
    history = answers.history_of([number(0), number(1)])
    for found in answers.for_listener(history, 4).items:
        seed = 100 if found.track_no in LOUD else 101
        assert found.reason == Reason(code, text.format(seed, seed), TrackNo(seed))  # type: ignore[arg-type]


def test_popularity_says_so_when_it_put_a_track_there() -> None:
    blend = fitted_blend(BlendConfig(weights=((1, (0.1, 0.0, 0.0, 5.0)),)))
    answers = Recommender.build(blend, checkerboard().track_nos, catalogue())
    assert answers.for_listener(answers.history_of([number(0)]), 1).items[0].reason.code == "popular_now"


def test_a_disliked_track_is_never_the_reason(answers: Recommender) -> None:
    row = np.array([100, 102], np.int32)
    history = answers.history(row, np.array([1.0, -4.0]), np.zeros(2))
    assert {r.reason.seed_track_no for r in answers.for_listener(history, 10).items} <= {100, None}


def test_scores_fall_along_an_answer_without_diversity_by_more_than_rounding(answers: Recommender) -> None:
    found = answers.for_song(number(0), 3)
    assert found.items[0].score == max(r.score for r in found.items)
