from __future__ import annotations

import numpy as np
import pytest

from segue.evaluation.bootstrap import CONFIDENCE, Interval, intervals, mean, resampled_means


def interval_of(values: list[float], seed: int = 0) -> Interval:
    table = np.array(values)[:, None]
    return intervals(table, resampled_means(table, seed))[0]


def test_listeners_who_are_all_alike_leave_no_doubt() -> None:
    assert interval_of([0.25] * 8) == Interval(0.25, 0.25, 0.25)


def test_the_interval_of_a_known_distribution_covers_its_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    found = [interval_of(rng.exponential(1.0, 300).tolist(), seed) for seed in range(300)]
    # Three standard errors of a share of 95 % of 300.
    assert 0.91 <= np.mean([one.low <= 1.0 <= one.high for one in found]) <= 0.99


def test_the_width_is_that_of_the_normal_approximation() -> None:
    values = np.random.default_rng(5).normal(3.0, 2.0, 2_000)
    found = interval_of(values.tolist())
    assert found.high - found.low == pytest.approx(2 * 1.96 * 2.0 / 2_000**0.5, rel=0.1)
    assert CONFIDENCE == 0.95


def test_unknown_values_are_left_out_of_their_column_only() -> None:
    table = np.array([[1.0, 4.0], [np.nan, 4.0], [3.0, 4.0]])
    assert mean(table).tolist() == [2.0, 4.0]
    first, second = intervals(table, resampled_means(table, 0))
    assert (first.low, first.mean, first.high) == (1.0, 2.0, 3.0)
    assert second == Interval(4.0, 4.0, 4.0)


def test_a_column_of_unknowns_stays_unknown() -> None:
    table = np.full((4, 1), np.nan)
    found = intervals(table, resampled_means(table, 0))[0]
    assert np.isnan([found.mean, found.low, found.high]).all()


def test_columns_share_their_resamples_so_that_differences_are_paired() -> None:
    values = np.random.default_rng(2).normal(size=(500, 1))
    resampled = resampled_means(np.hstack([values, values + 0.1]), seed=1)
    assert resampled[:, 1] - resampled[:, 0] == pytest.approx(0.1)


def test_the_same_seed_gives_the_same_interval_and_chunks_do_not_matter_to_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    table = np.arange(50.0)[:, None]
    assert resampled_means(table, 4).tolist() == resampled_means(table, 4).tolist()
    monkeypatch.setattr("segue.evaluation.bootstrap.CHUNK_CELLS", 120)
    assert resampled_means(table, 4).shape == (1_000, 1)


def test_overlapping() -> None:
    assert Interval(2, 1, 3).overlaps(Interval(4, 3, 5))
    assert not Interval(2, 1, 3).overlaps(Interval(4, 3.1, 5))
