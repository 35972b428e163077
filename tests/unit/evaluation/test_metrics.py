"""A table small enough to check by hand."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from segue.evaluation.metrics import ACCURACY, Values, accuracy

RANKED = np.array([[3, 1, 4], [0, 2, 1], [5, 4, -1], [0, 1, 2]], np.int32)
RELEVANT = csr_matrix(
    np.array(
        [
            [0, 1, 0, 1, 0, 0],  # hits at ranks 1 and 2, of two
            [0, 1, 0, 1, 1, 1],  # a hit at rank 3, of four
            [1, 0, 0, 0, 0, 0],  # none, of one
            [0, 0, 0, 0, 0, 0],  # cannot be judged
        ],
        np.float32,
    )
)


@pytest.fixture
def result() -> dict[str, list[float]]:
    return {name: values[:3].tolist() for name, values in accuracy(RANKED, RELEVANT).items()}


def test_recall_is_hits_over_relevant(result: dict[str, list[float]]) -> None:
    assert result["recall"] == [1.0, 0.25, 0.0]


def test_ndcg_compares_with_the_ideal_of_min_k_and_relevant(result: dict[str, list[float]]) -> None:
    second = (1 / log2(4)) / (1 / log2(2) + 1 / log2(3) + 1 / log2(4))
    assert result["ndcg"] == pytest.approx([1.0, second, 0.0])


def test_average_precision_adds_the_precision_at_each_hit(result: dict[str, list[float]]) -> None:
    assert result["map"] == pytest.approx([(1 / 1 + 2 / 2) / 2, (1 / 3) / 3, 0.0])


def test_reciprocal_rank_looks_at_the_first_hit(result: dict[str, list[float]]) -> None:
    assert result["mrr"] == pytest.approx([1.0, 1 / 3, 0.0])


def test_hit_rate_asks_for_one_hit(result: dict[str, list[float]]) -> None:
    assert result["hit_rate"] == [1.0, 1.0, 0.0]


def test_a_listener_without_relevant_tracks_is_not_judged() -> None:
    assert all(np.isnan(values[3]) for values in accuracy(RANKED, RELEVANT).values())


def test_relevant_columns_need_no_order() -> None:
    unsorted = csr_matrix(np.array([[1, 0, 1, 0, 1]], np.float32))
    unsorted.indices[:] = [4, 0, 2]
    assert accuracy(np.array([[2, 3]], np.int32), unsorted)["recall"].tolist() == [1 / 3]


def test_nobody_likes_anything_is_no_error() -> None:
    values = accuracy(RANKED, csr_matrix(np.zeros((4, 6), np.float32)))
    assert np.isnan(np.concatenate(list(values.values()))).all()


@given(st.integers(0, 10_000), st.integers(1, 12), st.floats(0.0, 1.0))
def test_every_metric_lies_within_0_and_1_and_a_hit_makes_none_of_them_0(seed: int, k: int, density: float) -> None:
    ranked, relevant = drawn(seed, k, density)
    values = accuracy(ranked, relevant)
    hit = values["hit_rate"] == 1.0
    for name in ACCURACY:
        known = values[name][np.isfinite(values[name])]
        assert ((known >= 0) & (known <= 1 + 1e-12)).all()
        assert (values[name][hit] > 0).all()


@given(st.integers(0, 10_000), st.integers(1, 12))
def test_a_perfect_ranking_is_worth_1(seed: int, n_relevant: int) -> None:
    order = np.random.default_rng(seed).permutation(20).astype(np.int32)
    relevant = np.zeros((1, 20), np.float32)
    relevant[0, order[:n_relevant]] = 1.0
    values = accuracy(order[None, :12], csr_matrix(relevant))
    assert {name: value.tolist() for name, value in values.items()} == {name: pytest.approx([1.0]) for name in ACCURACY}


def test_a_random_ranking_has_a_recall_of_k_over_tracks_and_an_ndcg_near_it() -> None:
    ranked, relevant = drawn(1, k=20, density=0.05, listeners=4_000, tracks=200)
    values: dict[str, Values] = accuracy(ranked, relevant)
    assert np.nanmean(values["recall"]) == pytest.approx(20 / 200, abs=0.005)
    # With each rank right with probability .05, DCG is .05 Σ 1/log2(r+1); about 10 tracks are relevant.
    discounts = 1 / np.log2(np.arange(2, 22))
    assert np.nanmean(values["ndcg"]) == pytest.approx(0.05 * discounts.sum() / discounts[:10].sum(), abs=0.005)


def drawn(
    seed: int, k: int, density: float, listeners: int = 8, tracks: int = 15
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.int32]], csr_matrix[np.float32]]:
    """Random lists of distinct tracks, and random relevant ones."""
    rng = np.random.default_rng(seed)
    ranked = rng.random((listeners, tracks)).argsort(axis=1)[:, :k].astype(np.int32)
    return ranked, csr_matrix((rng.random((listeners, tracks)) < density).astype(np.float32))
