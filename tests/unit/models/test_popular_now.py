"""Popularity of the moment, from windows that can be checked by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.models.popularity import PopularNow
from segue.trending.counts import Heard


def heard(heat: dict[int, float]) -> Heard:
    amounts = np.array(list(heat.values()), np.float64)
    listeners = np.ceil(amounts).astype(np.int32)
    return Heard(datetime(2026, 11, 24, tzinfo=UTC), np.array(list(heat), np.int32), listeners, amounts, int(listeners.sum()))


def test_one_window_ranks_by_heat() -> None:
    now = PopularNow.of([heard({4: 10.0, 2: 40.0, 9: 10.0})])
    assert now.track_no.tolist() == [2, 4, 9]
    # A third is the share before: (10 + 40) / (30 + 60).
    assert now.share[0] == pytest.approx(50 / 90)


def test_a_crowd_of_this_hour_outweighs_a_month() -> None:
    month = heard({1: 300.0, 2: 100.0})
    assert PopularNow.of([month, heard({2: 200.0})]).track_no.tolist() == [2, 1]


def test_a_single_listener_of_this_hour_does_not() -> None:
    month = heard({1: 300.0, 2: 100.0, 3: 80.0})
    assert PopularNow.of([month, heard({3: 1.0})]).track_no.tolist() == [1, 2, 3]


def test_an_empty_hour_changes_nothing() -> None:
    month = heard({1: 300.0, 2: 100.0})
    with_hour = PopularNow.of([month, heard({})])
    assert with_hour.share.tolist() == pytest.approx(PopularNow.of([month]).share.tolist())


def test_what_only_the_newest_window_knows_is_there() -> None:
    assert PopularNow.of([heard({1: 5.0}), heard({7: 50.0})]).track_no.tolist() == [7, 1]


def test_nothing_heard_is_nothing_popular() -> None:
    assert len(PopularNow.of([])) == len(PopularNow.of([heard({}), heard({})])) == 0


heats = st.dictionaries(st.integers(1, 40), st.floats(0.01, 1e5), max_size=20)


@given(st.lists(heats, max_size=4))
def test_every_track_heard_has_a_share_and_they_are_in_order(windows: list[dict[int, float]]) -> None:
    now = PopularNow.of([heard(window) for window in windows])
    assert sorted(now.track_no.tolist()) == sorted({track for window in windows for track in window})
    assert ((now.share > 0) & (now.share <= 1)).all()
    assert (np.diff(now.share) <= 0).all()
