"""The best of many scores, in order or not."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segue.models.ranking import best_of, top_columns

SCORES = st.lists(st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 0.5, 2.0]), max_size=30)


@given(SCORES, st.integers(0, 40), st.booleans())
def test_the_best_without_their_order_are_the_best_in_order(scores: list[float], n: int, turned: bool) -> None:
    values = np.array(scores, np.float32)
    tie_order = np.arange(len(values), dtype=np.int32)[::-1].copy() if turned else None
    assert sorted(best_of(values, n, tie_order)) == sorted(top_columns(values, n, tie_order))


def test_equal_scores_stand_in_the_order_of_ties_also_at_the_cut() -> None:
    scores = np.array([1.0, 2.0, 1.0, 1.0], np.float32)
    assert top_columns(scores, 2).tolist() == [1, 0]
    assert top_columns(scores, 2, np.array([9, 9, 9, 3], np.int32)).tolist() == [1, 3]
    assert sorted(best_of(scores, 2, np.array([9, 9, 9, 3], np.int32))) == [1, 3]
