"""A table small enough to check by hand."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from segue.evaluation.metrics import RankingMetrics

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
def result() -> dict[str, float]:
    metrics = RankingMetrics(3, n_tracks=10)
    metrics.add(RANKED[:2], RELEVANT[:2])
    metrics.add(RANKED[2:], RELEVANT[2:])
    return metrics.result()


def test_recall_is_hits_over_relevant(result: dict[str, float]) -> None:
    assert result["recall@3"] == pytest.approx((2 / 2 + 1 / 4 + 0) / 3)


def test_ndcg_compares_with_the_ideal_of_min_k_and_relevant(result: dict[str, float]) -> None:
    second = (1 / log2(4)) / (1 / log2(2) + 1 / log2(3) + 1 / log2(4))
    assert result["ndcg@3"] == pytest.approx((1.0 + second + 0.0) / 3)


def test_hit_rate_counts_listeners_with_any_hit(result: dict[str, float]) -> None:
    assert result["hit_rate@3"] == pytest.approx(2 / 3)


def test_coverage_counts_tracks_shown_to_judged_listeners(result: dict[str, float]) -> None:
    assert result["coverage@3"] == pytest.approx(6 / 10)


def test_listeners_without_relevant_tracks_are_not_judged(result: dict[str, float]) -> None:
    assert result["listeners"] == 3.0


def test_nobody_to_judge_gives_zeros() -> None:
    assert RankingMetrics(3, 10).result()["recall@3"] == 0.0
