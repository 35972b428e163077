"""Playlists from prompts: chosen tracks, artists, genres and moods, for nobody and for a listener."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.catalogue import MOODS
from segue.ids import TrackNo
from segue.models.contract import History
from segue.models.popularity import PopularNow
from segue.recommending.answer import Answer, Recommender
from segue.recommending.filters import Filters
from segue.recommending.prompts import PROMPT_SHARE, Prompt, led_by
from segue.recommending.steering import Steering
from tests.unit.models.tables import catalogue, checkerboard, fitted_blend, track
from tests.unit.recommending import worlds
from tests.unit.recommending.test_properties import Heard, allowed, check, histories, history_of, steerings

LOUD = set(range(100, 112, 2))
CALM = set(range(101, 112, 2))
NOW_S = 1_000_000_000.0


@pytest.fixture(scope="module")
def answers() -> Recommender:
    return Recommender.build(fitted_blend(), checkerboard().track_nos, catalogue())


def numbers(answer: Answer) -> list[int]:
    return [int(item.track_no) for item in answer.items]


def test_chosen_tracks_lead_and_are_not_in_the_list(answers: Recommender) -> None:
    found = answers.for_prompt(Prompt(tracks=(TrackNo(101), TrackNo(103))), 4)
    assert set(numbers(found)) == CALM - {101, 103}
    assert {item.reason.code for item in found.items} == {"chosen_track"}
    assert found.items[0].reason.text in ("Because you chose Song 101 by Artist 101", "Because you chose Song 103 by Artist 103")


def test_no_version_of_a_chosen_track_is_in_the_list() -> None:
    live = track(900, name="Song 101 (Live)", artist="Artist 101", genre="jazz", energy=0.1, valence=0.2)
    made = Recommender.build(fitted_blend(), checkerboard().track_nos, [*catalogue(), live])
    assert not {101, 900} & set(numbers(made.for_prompt(Prompt(tracks=(TrackNo(101),)), 100)))


def test_chosen_artists_lead_and_their_own_tracks_may_be_in_the_list(answers: Recommender) -> None:
    found = answers.for_prompt(Prompt(artists=("ARTIST 103",)), 6)
    assert set(numbers(found)) == CALM
    assert {item.reason.seed_artist for item in found.items if item.reason.code == "chosen_artist"} == {"ARTIST 103"}


def test_chosen_genres_come_first(answers: Recommender) -> None:
    found = answers.for_prompt(Prompt(genres=("Jazz",)), 8)
    assert set(numbers(found)[:6]) == CALM
    assert found.items[0].reason.text == "Popular in jazz"


def test_chosen_moods_come_first_and_say_so(answers: Recommender) -> None:
    found = answers.for_prompt(Prompt(moods=("sad",)), 8)
    assert set(numbers(found)[:6]) == CALM
    assert (found.items[0].reason.code, found.items[0].reason.text) == ("fits_mood", "Fits the mood: sad")


def test_an_empty_prompt_of_nobody_is_what_is_heard_now(answers: Recommender) -> None:
    popular = PopularNow(np.array([111], np.int32), np.array([1.0]))
    assert numbers(answers.for_prompt(Prompt(), 3, popular=popular))[0] == 111


def test_a_listener_s_taste_decides_where_the_prompt_leaves_it_open(answers: Recommender) -> None:
    calm = answers.history_of([TrackNo(101), TrackNo(103)])
    assert set(numbers(answers.for_prompt(Prompt(), 4, history=calm))) == CALM - {101, 103}


def test_a_prompt_outvotes_a_listener_who_likes_something_else_very_much() -> None:
    made = worlds.recommender()
    rock = History.of([number for number in range(32) if number // 8 == 0], [50.0] * 8)
    jazz = [worlds.tracks()[number] for number in range(worlds.N_TRACKS) if worlds.tracks()[number].genres == ("jazz",)]
    found = made.for_prompt(Prompt(tracks=tuple(one.track_no for one in jazz[:3])), 10, history=rock)
    genres = [worlds.by_number(item.track_no).genres[0] for item in found.items]
    assert genres.count("jazz") > genres.count("rock")


def test_what_a_listener_heard_is_left_out_within_the_window_and_what_they_turned_down_always(answers: Recommender) -> None:
    history = answers.history(np.array([101, 103], np.int32), np.array([1.0, -4.0]), np.array([NOW_S - 86_400.0, 0.0]))
    prompt = Prompt(genres=("jazz",))
    assert not {101, 103} & set(numbers(answers.for_prompt(prompt, 100, history=history, now_s=NOW_S)))
    shown = numbers(answers.for_prompt(prompt, 100, Steering(heard_days=0.5), history=history, now_s=NOW_S))
    assert (101 in shown, 103 in shown) == (True, False)


def test_tracks_that_are_too_long_or_of_unknown_length_are_left_out() -> None:
    long = replace(track(900, name="Opera", artist="Diva"), duration_ms=10_000_000)
    unknown, broken = replace(track(901), duration_ms=None), replace(track(902), duration_ms=2**40)
    made = Recommender.build(fitted_blend(), checkerboard().track_nos, [*catalogue(), long, unknown, broken])
    assert set(numbers(made.for_prompt(Prompt(), 100, Steering(longest_ms=200_000)))) == LOUD | CALM
    assert [note.fields for note in made.for_prompt(Prompt(), 5, Steering(longest_ms=199_999)).notes] == [("duration_ms",)]


def test_a_filter_and_a_prompt_that_no_track_meets_together_say_which_filter(answers: Recommender) -> None:
    every = tuple(TrackNo(number) for number in CALM)
    found = answers.for_prompt(Prompt(tracks=every), 5, Steering(Filters(genres=("jazz",))))
    assert [(note.code, note.fields) for note in found.notes] == [("filters_match_nothing", ("filters.genres", "seeds.tracks"))]


def test_what_is_heard_again_is_what_is_liked(answers: Recommender) -> None:
    history = answers.history(np.array([101, 103, 104, 105, 106], np.int32), np.array([1.0, 2.0, -4.0, 0.0, 1.0]), np.zeros(5))
    assert set(numbers(answers.to_hear_again(history, 10))) == {101, 103, 106}
    kept = answers.to_hear_again(history, 10, Steering(blocked_tracks=frozenset({TrackNo(103)})))
    assert set(numbers(kept)) == {101, 106}


def test_of_what_is_liked_the_best_fitting_is_heard_first(answers: Recommender) -> None:
    history = answers.history_of([TrackNo(number) for number in (101, 103, 105, 107, 100)])
    assert numbers(answers.to_hear_again(history, 5))[-1] == 100
    assert set(numbers(answers.to_hear_again(history, 3))) <= CALM


def test_who_likes_nothing_has_nothing_to_hear_again(answers: Recommender) -> None:
    answer = answers.to_hear_again(History.empty(), 5)
    assert (answer.items, [note.code for note in answer.notes]) == ((), ["everything_excluded"])


def test_seeds_have_their_share_of_the_taste() -> None:
    led = led_by(History.of([1, 2, 3], [8.0, 4.0, -4.0]), [7, 8, 2])
    taste = dict(zip(led.columns.tolist(), led.preference.tolist(), strict=True))
    assert {column: taste[column] for column in (2, 7, 8)} == {2: 1.0, 7: 1.0, 8: 1.0}
    assert taste[1] == pytest.approx(3 * (1 - PROMPT_SHARE) / PROMPT_SHARE)
    assert taste[3] == pytest.approx(-taste[1] / 2)


def test_a_listener_of_whom_little_is_known_is_not_made_more_of() -> None:
    assert led_by(History.of([1], [0.25]), [7, 8]).preference.tolist() == [0.25, 1.0, 1.0]


def test_a_seed_that_was_turned_down_is_chosen_now() -> None:
    assert led_by(History.of([1], [-4.0]), [1]).preference.tolist() == [1.0]


columns = st.integers(0, worlds.N_TRACKS - 1)
prompts = st.builds(
    Prompt,
    tracks=st.lists(columns, max_size=4).map(lambda found: tuple(TrackNo(1_000 + column) for column in found)),
    artists=st.lists(st.sampled_from(["band 1", "Guest", "Nobody"]), max_size=2).map(tuple),
    genres=st.lists(st.sampled_from([*worlds.GENRES, "none"]), max_size=2).map(tuple),
    moods=st.lists(st.sampled_from(MOODS), max_size=2).map(tuple),
)


@pytest.mark.parametrize("large", [False, True])
@settings(max_examples=60, deadline=None)
@given(prompt=prompts, heard=histories, steering=steerings(), n=st.integers(1, 40))
def test_lists_hold_what_may_be_shown_and_are_the_same_each_time(
    large: bool, prompt: Prompt, heard: Heard, steering: Steering, n: int
) -> None:
    seeds = {worlds.by_number(number).song_key for number in prompt.tracks}
    may = [one for one in allowed(heard, steering) if one.song_key not in seeds]

    def ask(made: Recommender) -> Answer:
        return made.for_prompt(prompt, n, steering, history=history_of(heard), now_s=NOW_S)

    if large:
        with worlds.as_if_large():
            check(ask(worlds.indexed()), n, may, steering)
            assert ask(worlds.indexed()) == ask(worlds.indexed())
    else:
        check(ask(worlds.recommender()), n, may, steering)
        assert ask(worlds.recommender()) == ask(worlds.recommender())
