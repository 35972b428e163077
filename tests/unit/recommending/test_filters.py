"""Filters by hand: what contradicts itself, what passes, and which filter took the last track."""

from __future__ import annotations

from dataclasses import replace

import pytest

from segue.errors import InvalidInput
from segue.events import AudioFeatures
from segue.models.contract import History
from segue.recommending.answer import Answer, Recommender
from segue.recommending.filters import FeatureRange, Filters
from segue.recommending.steering import Steering
from tests.unit.models.tables import catalogue, checkerboard, fitted_blend, track

NOBODY = History.empty()
ENERGY = 0.8


def answers(*extra: object) -> Recommender:
    return Recommender.build(fitted_blend(), checkerboard().track_nos, [*catalogue(), *extra])  # type: ignore[list-item]


def asked(filters: Filters) -> Answer:
    return answers().for_listener(NOBODY, 100, Steering(filters))


def numbers(answer: Answer) -> set[int]:
    return {int(item.track_no) for item in answer.items}


@pytest.mark.parametrize(
    ("filters", "fields"),
    [
        (Filters(year_min=2000, year_max=1990), ("year_min", "year_max")),
        (Filters(popularity_min=80, popularity_max=20), ("popularity_min", "popularity_max")),
        (Filters(features=(FeatureRange("tempo", 130, 90),)), ("features.tempo.min", "features.tempo.max")),
        (Filters(genres=("Jazz",), exclude_genres=("jazz",)), ("genres", "exclude_genres")),
    ],
)
def test_contradictions_name_both_sides_and_are_refused(filters: Filters, fields: tuple[str, ...]) -> None:
    assert [found.fields for found in filters.contradictions()] == [fields]
    with pytest.raises(InvalidInput) as refused:
        Steering(filters)
    assert refused.value.code == "contradictory_filters"


def test_every_contradiction_is_told() -> None:
    filters = Filters(year_min=2, year_max=1, popularity_min=2, popularity_max=1)
    assert len(filters.contradictions()) == 2


def test_bounds_that_meet_are_none() -> None:
    assert Filters(year_min=1961, year_max=1961, features=(FeatureRange("energy", 0.5, 0.5),)).contradictions() == []


@pytest.mark.parametrize("wrong", [{"feature": "key"}, {"feature": "energy", "least": float("nan")}])
def test_an_impossible_range_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="energy"):
        FeatureRange(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("filters", "allowed"),
    [
        (Filters(exclude_genres=("JAZZ",)), set(range(100, 112, 2))),
        (Filters(exclude_genres=("jazz", "rock")), set()),
        (Filters(features=(FeatureRange("energy", least=0.5),)), set(range(100, 112, 2))),
        (Filters(features=(FeatureRange("energy", most=0.5), FeatureRange("tempo", 60, 70))), set(range(101, 112, 2))),
        (
            Filters(
                features=(FeatureRange("energy", most=0.5), FeatureRange("tempo", 140)),
            ),
            set(),
        ),
        (Filters(features=(FeatureRange("loudness"),)), set(range(100, 112))),
    ],
)
def test_what_passes(filters: Filters, allowed: set[int]) -> None:
    assert numbers(asked(filters)) == allowed


def test_bounds_are_inclusive_as_the_catalogue_writes_them() -> None:
    exact = track(900, energy=0.3)
    assert exact.features is not None
    bound = exact.features.danceability
    found = answers(exact).for_listener(NOBODY, 9, Steering(Filters(features=(FeatureRange("danceability", bound, bound),))))
    assert numbers(found) == {900}


def test_an_unknown_popularity_passes_no_upper_bound() -> None:
    found = answers(track(900, popularity=None)).for_listener(NOBODY, 99, Steering(Filters(popularity_max=100)))
    assert 900 not in numbers(found)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_feature_that_is_no_number_passes_no_range_and_has_no_mood(value: float) -> None:
    odd = replace(track(900), features=_with(track(900).features, energy=value))
    found = answers(odd).for_listener(NOBODY, 99, Steering(Filters(features=(FeatureRange("energy", -1e9, 1e9),))))
    assert 900 not in numbers(found)
    assert odd.mood is None


@pytest.mark.parametrize(
    ("filters", "fields"),
    [
        (Filters(genres=("polka",)), ("filters.genres",)),
        (Filters(genres=("jazz",), year_min=1990), ("filters.genres", "filters.year_min")),
        (Filters(genres=("jazz",), moods=("sad",), explicit=True), ("filters.explicit",)),
        (Filters(year_min=1800, features=(FeatureRange("tempo", most=10),)), ("filters.features.tempo.max",)),
        (Filters(popularity_min=91, popularity_max=95, genres=("jazz",)), ("filters.popularity_min", "filters.popularity_max")),
        (Filters(genres=("polka",), explicit=True), ("filters.genres", "filters.explicit")),
    ],
)
def test_an_empty_answer_names_the_filter_that_emptied_it(filters: Filters, fields: tuple[str, ...]) -> None:
    answer = asked(filters)
    assert answer.items == ()
    assert [(note.code, note.fields) for note in answer.notes] == [("filters_match_nothing", fields)]


def test_the_text_of_an_empty_answer_says_what_was_asked_for() -> None:
    assert asked(Filters(year_min=2005)).notes[0].text == "No track is left under: year from 2005"


def _with(features: AudioFeatures | None, **changes: float) -> AudioFeatures:
    assert features is not None
    plain = {name: getattr(features, name) for name in features.__struct_fields__}
    return AudioFeatures(**(plain | changes))
