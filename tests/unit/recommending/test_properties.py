"""What holds for every question, whatever is asked: filters never leak, n come back when n exist, caps hold unless it is said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.fallback import Ranked, passes, popular
from segue.catalogue import MOODS, Track
from segue.ids import TrackNo
from segue.models.contract import History
from segue.models.popularity import PopularNow
from segue.recommending.answer import Answer, Recommender
from segue.recommending.diversity import Diversity
from segue.recommending.filters import FeatureRange, Filters
from segue.recommending.steering import Exploration, Steering
from tests.unit.recommending.worlds import GENRES, as_if_large, by_number, indexed, recommender, tracks

numbers = st.integers(1_000, 1_000 + len(tracks()) - 1).map(TrackNo)
unit = st.floats(0, 1)


def ordered(least: st.SearchStrategy[float]) -> st.SearchStrategy[tuple[float, float]]:
    return st.tuples(least, least).map(lambda pair: (min(pair), max(pair)))


@st.composite
def filters(draw: st.DrawFn) -> Filters:
    genres = draw(st.lists(st.sampled_from(GENRES), max_size=3, unique=True))
    years = draw(st.one_of(st.just((None, None)), ordered(st.integers(1955, 2025))))
    popularity = draw(st.one_of(st.just((None, None)), ordered(st.integers(0, 100))))
    energy = draw(st.one_of(st.none(), ordered(unit)))
    return Filters(
        genres=tuple(genres),
        moods=tuple(draw(st.lists(st.sampled_from(MOODS), max_size=3, unique=True))),
        year_min=years[0],  # type: ignore[arg-type]
        year_max=years[1],  # type: ignore[arg-type]
        explicit=draw(st.sampled_from([None, None, True, False])),
        popularity_min=popularity[0],  # type: ignore[arg-type]
        popularity_max=popularity[1],  # type: ignore[arg-type]
        exclude_genres=tuple(genre for genre in draw(st.lists(st.sampled_from(GENRES), max_size=1)) if genre not in genres),
        features=(FeatureRange("energy", *energy),) if energy else (),
    )


@st.composite
def steerings(draw: st.DrawFn) -> Steering:
    return Steering(
        filters=draw(filters()),
        exclude=draw(st.frozensets(numbers, max_size=20)),
        blocked_tracks=draw(st.frozensets(numbers, max_size=5)),
        blocked_artists=tuple(draw(st.lists(st.sampled_from(["band 1", "BAND 2", "Guest", "Nobody"]), max_size=2))),
        heard_days=draw(st.sampled_from([None, 0.0, 3.0])),
        diversity=Diversity(draw(unit), draw(st.integers(1, 4)), draw(st.integers(1, 4))),
        adventurousness=draw(unit),
        exploration=Exploration(draw(st.sampled_from([0.0, 0.3, 1.0])), draw(st.integers(0, 99))),
    )


NOW_S = 1_000_000_000.0
histories = st.lists(
    st.tuples(st.integers(0, len(tracks()) - 1), st.sampled_from([1.0, 3.0, 0.0, -4.0]), st.sampled_from([0.5, 2.0, 40.0])),
    max_size=30,
    unique_by=lambda heard: heard[0],
)
Heard = list[tuple[int, float, float]]


def history_of(heard: Heard) -> History:
    columns, preference = [column for column, _, _ in heard], [liking for _, liking, _ in heard]
    history = History.of(columns, preference)
    history.last_at_s[:] = [NOW_S - days * 86_400 for _, _, days in heard]
    return history


def allowed(heard: Heard, steering: Steering) -> list[Track]:
    """What may be shown, decided track by track."""
    hidden = {
        tracks()[column].song_key
        for column, liking, days in heard
        if steering.heard_days is None or days < steering.heard_days or liking < 0
    }
    hidden |= {by_number(number).song_key for number in steering.blocked_tracks}
    blocked = {artist.casefold() for artist in steering.blocked_artists}
    passing = passes(steering.filters)
    return [
        track
        for track in tracks()
        if passing(track)
        and track.track_no not in steering.exclude
        and track.song_key not in hidden
        and not blocked & {artist.casefold() for artist in track.artists}
    ]


def check(answer: Answer, n: int, may: list[Track], steering: Steering) -> None:
    shown = [by_number(item.track_no) for item in answer.items]
    songs = {track.song_key for track in may}
    codes = {note.code for note in answer.notes}
    assert {track.track_no for track in shown} <= {track.track_no for track in may}
    assert len({track.song_key for track in shown}) == len(shown) == min(n, len(songs))
    assert ("fewer_than_asked" in codes) == (0 < len(shown) < n)
    assert all(0 < item.propensity <= 1 for item in answer.items)
    diversity = steering.diversity or Diversity()
    artists = Counter(track.artists[0] for track in shown)
    albums = Counter((track.artists[0], track.album) for track in shown)
    assert max(artists.values(), default=0) <= diversity.per_artist or "per_artist_relaxed" in codes
    assert max(albums.values(), default=0) <= diversity.per_album or codes & {"per_album_relaxed", "per_artist_relaxed"}


@settings(max_examples=150)
@given(heard=histories, steering=steerings(), n=st.integers(1, 40))
def test_an_answer_holds_what_may_be_shown_and_as_much_of_it_as_was_asked(heard: Heard, steering: Steering, n: int) -> None:
    answer = recommender().for_listener(history_of(heard), n, steering, now_s=NOW_S)
    check(answer, n, allowed(heard, steering), steering)


@pytest.mark.parametrize("asked", [recommender, indexed])
@settings(max_examples=60)
@given(heard=histories, steering=steerings(), n=st.integers(1, 40))
def test_the_same_holds_when_candidates_are_looked_up(
    asked: Callable[[], Recommender], heard: Heard, steering: Steering, n: int
) -> None:
    with as_if_large():
        answer = asked().for_listener(history_of(heard), n, steering, now_s=NOW_S)
        check(answer, n, allowed(heard, steering), steering)
        assert answer == asked().for_listener(history_of(heard), n, steering, now_s=NOW_S)


@settings(max_examples=60)
@given(heard=histories, steering=steerings(), n=st.integers(1, 40))
def test_caps_give_way_only_when_no_answer_could_keep_them(heard: Heard, steering: Steering, n: int) -> None:
    answer = recommender().for_listener(history_of(heard), n, steering, now_s=NOW_S)
    diversity = steering.diversity or Diversity()
    firsts = {track.song_key: track for track in allowed(heard, steering)}.values()
    albums = Counter((track.artists[0], track.album) for track in firsts)
    by_artist: Counter[str] = Counter()
    for (artist, _), songs in albums.items():
        by_artist[artist] += min(songs, diversity.per_album)
    room = sum(min(songs, diversity.per_artist) for songs in by_artist.values())
    assert any(note.code.endswith("_relaxed") for note in answer.notes) == (room < len(answer.items))


@settings(max_examples=60)
@given(steering=steerings(), n=st.integers(1, 40), seed=numbers)
def test_songs_like_a_song_keep_to_the_same_rules(steering: Steering, n: int, seed: TrackNo) -> None:
    may = [track for track in allowed([], steering) if track.song_key != by_number(seed).song_key]
    check(recommender().for_song(seed, n, steering), n, may, steering)


@settings(max_examples=60)
@given(steering=steerings(), n=st.integers(1, 40), seed=numbers)
def test_songs_that_are_looked_up_keep_to_them_too(steering: Steering, n: int, seed: TrackNo) -> None:
    may = [track for track in allowed([], steering) if track.song_key != by_number(seed).song_key]
    with as_if_large():
        check(indexed().for_song(seed, n, steering), n, may, steering)


@settings(max_examples=60)
@given(heard=st.lists(histories, min_size=1, max_size=3), steering=steerings(), n=st.integers(1, 30))
def test_groups_whose_candidates_are_looked_up_keep_to_them_too(heard: list[Heard], steering: Steering, n: int) -> None:
    members = {f"m{i}": history_of(own) for i, own in enumerate(heard)}
    may = allowed([one for own in heard for one in own], steering)
    with as_if_large():
        check(indexed().for_group(members, n, steering, now_s=NOW_S), n, may, steering)


@settings(max_examples=60)
@given(heard=st.lists(histories, min_size=1, max_size=3), steering=steerings(), n=st.integers(1, 30))
def test_groups_keep_to_the_same_rules_for_every_member(heard: list[Heard], steering: Steering, n: int) -> None:
    members = {f"m{i}": history_of(own) for i, own in enumerate(heard)}
    may = allowed([one for own in heard for one in own], steering)
    check(recommender().for_group(members, n, steering, now_s=NOW_S), n, may, steering)


@settings(max_examples=60)
@given(
    heard=histories,
    steering=steerings(),
    n=st.integers(1, 40),
    trending=st.dictionaries(st.integers(0, 70), st.integers(1, 9)),
)
def test_without_a_model_the_same_tracks_may_be_shown(heard: Heard, steering: Steering, n: int, trending: dict[int, int]) -> None:
    ranked = sorted(tracks(), key=lambda track: -(track.popularity or 0))
    hidden = {
        tracks()[column].track_no
        for column, liking, days in heard
        if steering.heard_days is None or days < steering.heard_days or liking < 0
    }
    numbered = np.array([1_000 + number for number in trending], np.int32)
    now = PopularNow(numbered, np.array(list(trending.values()), np.float64) / 100)
    answer = popular(Ranked.of(now, ranked), n, steering, hidden)
    shown = [by_number(item.track_no) for item in answer.items]
    may = allowed(heard, steering)
    assert {track.track_no for track in shown} <= {track.track_no for track in may}
    assert len(shown) == min(n, len({track.song_key for track in may}))
    assert bool(answer.notes) == (len(shown) < n)
