from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.evaluation.best_columns import best_columns
from segue.models.contract import Floats

NOT_A_CHANCE = -np.inf


def sorted_whole(scores: Floats, k: int) -> list[list[int]]:
    """The definition: sort everything by score and column, leave out -inf."""
    lists = []
    for row in scores:
        order = [int(column) for column in np.lexsort((np.arange(len(row)), -row)) if row[column] > NOT_A_CHANCE]
        lists.append((order + [-1] * k)[:k])
    return lists


def test_best_first_ties_in_order_of_column_and_a_short_row_padded() -> None:
    scores = np.array([[1, 3, 2, 3], [NOT_A_CHANCE, -0.0, 0.0, -5]], np.float32)
    assert best_columns(scores, 3).tolist() == [[1, 3, 2], [1, 2, 3]]
    assert best_columns(scores, 5).tolist() == [[1, 3, 2, 0, -1], [1, 2, 3, -1, -1]]


@given(st.integers(0, 10_000), st.sampled_from([1, 7, 64, 130, 2_000, 5_000]), st.sampled_from([1, 3, 20]), st.integers(1, 4))
def test_it_is_what_sorting_everything_gives(seed: int, columns: int, k: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    scores = np.vstack([rng.normal(size=(2, columns)), rng.integers(-levels, levels, (2, columns)), np.zeros((1, columns))])
    scores[rng.random(scores.shape) < rng.choice([0.0, 0.1, 0.999])] = NOT_A_CHANCE
    asked = scores.astype(np.float32)
    assert best_columns(asked, k).tolist() == sorted_whole(asked, k)


def test_unknown_scores_never_count() -> None:
    assert best_columns(np.array([[np.nan, 1.0, np.nan]], np.float32), 2).tolist() == [[1, -1]]
    crowded = np.full((1, 5_000), np.nan, np.float32)
    crowded[0, 4_000:] = 1.0
    assert best_columns(crowded, 3).tolist() == [[4_000, 4_001, 4_002]]


@pytest.mark.parametrize("shape", [(0, 5), (2, 0)])
def test_nothing_to_choose_from_gives_empty_lists(shape: tuple[int, int]) -> None:
    assert best_columns(np.zeros(shape, np.float32), 3).tolist() == [[-1, -1, -1]] * shape[0]
