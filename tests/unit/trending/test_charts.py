"""Charts from counts that can be checked by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.trending.charts import Chart, rising, top, usual
from segue.trending.counts import Heard, Past

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def heard(counts: dict[int, int], heat: dict[int, float] | None = None) -> Heard:
    """Listeners by track; the heat is the same unless given."""
    numbers = np.array(list(counts), np.int32)
    listeners = np.array(list(counts.values()), np.int32)
    warmth = np.array([(heat or {}).get(number, count) for number, count in counts.items()], np.float64)
    return Heard(NOW, numbers, listeners, warmth, int(listeners.sum()))


def past(counts: dict[int, int], unlisted: int = 0) -> Past:
    listeners = np.array(list(counts.values()), np.int32)
    return Past(np.array(list(counts), np.int32), listeners, int(listeners.sum()), unlisted)


def test_top_goes_by_heat_and_ties_by_number() -> None:
    chart = top(heard({3: 5, 1: 5, 2: 9}, {3: 4.0, 1: 4.0, 2: 3.0}), past({}))
    assert chart.track_no.tolist() == [1, 3, 2]
    assert chart.listeners.tolist() == [5, 5, 9]
    assert np.isnan(chart.growth).all()


def test_what_is_heard_as_usual_does_not_rise() -> None:
    usually = {1: 700, 2: 70, 3: 7}
    chart = rising(heard({1: 100, 2: 10, 3: 1}), past(usually))
    assert len(chart) == 0


def test_a_service_that_grows_makes_nothing_rise() -> None:
    assert len(rising(heard({1: 1000, 2: 100, 3: 10}), past({1: 700, 2: 70, 3: 7}))) == 0


def test_more_than_usual_rises_and_says_how_much() -> None:
    # A share of 10 in 1010 before: 110 · 10/1010 ≈ 1.09 listeners would be usual; there are 30. (5 + 30) / (5 + 1.19) = 5.66.
    chart = rising(heard({1: 90, 2: 30}), past({1: 1000, 2: 10}))
    assert chart.track_no.tolist() == [2]
    assert chart.growth.tolist() == pytest.approx([35 / (5 + 120 * 10 / 1010)])
    assert 1.0 < chart.score[0] < chart.growth[0]


@pytest.mark.parametrize(("listeners", "rises"), [(1, False), (4, False), (5, True), (50, True)])
def test_a_new_track_rises_from_its_fifth_listener_on(listeners: int, rises: bool) -> None:
    chart = rising(heard({1: 1000, 2: listeners}), past({1: 7000}))
    assert (2 in chart.track_no.tolist()) is rises


def test_without_a_past_nothing_rises() -> None:
    assert usual(heard({1: 50}), past({})) is None
    assert len(rising(heard({1: 50}), past({}))) == 0


def test_without_listeners_both_charts_are_empty() -> None:
    nothing = heard({})
    assert (len(top(nothing, past({1: 5}))), len(rising(nothing, past({1: 5})))) == (0, 0)


def test_a_track_beyond_the_listed_past_counts_as_the_least_listed() -> None:
    assert past({1: 40, 2: 20}, unlisted=20).of(np.array([2, 9, 1], np.int32)).tolist() == [20, 20, 40]
    assert past({}, unlisted=0).of(np.array([7], np.int32)).tolist() == [0]
    bounded = rising(heard({1: 1000, 9: 12}), past({1: 7000, 2: 700}, unlisted=700))
    assert 9 not in bounded.track_no.tolist()


counts = st.dictionaries(st.integers(1, 60), st.integers(1, 5_000), max_size=30)


@given(counts, counts)
def test_charts_hold_each_track_once_in_the_order_of_their_scores(now: dict[int, int], before: dict[int, int]) -> None:
    for chart in (top(heard(now), past(before)), rising(heard(now), past(before))):
        assert len(set(chart.track_no.tolist())) == len(chart)
        assert set(chart.track_no.tolist()) <= set(now)
        assert (np.diff(chart.score) <= 0).all()


@given(counts, counts, st.integers(1, 60), st.integers(1, 1_000))
def test_what_rises_has_a_larger_share_than_before(now: dict[int, int], before: dict[int, int], track: int, more: int) -> None:
    chart = rising(heard(now), past(before))
    for number in chart.track_no.tolist():
        assert now[number] / sum(now.values()) > before.get(number, 0) / sum(before.values())
    # More of a past never lets a track rise higher.
    later = _scores(rising(heard(now), past({**before, track: before.get(track, 0) + more})))
    assert track not in later or not before or later[track] <= _scores(chart)[track] + 1e-9


def _scores(chart: Chart) -> dict[int, float]:
    return dict(zip(chart.track_no.tolist(), chart.score.tolist(), strict=True))
