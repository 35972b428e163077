from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from segue.evaluation.splits import last_split, random_split, share_split, time_split
from tests.unit.models.tables import checkerboard


def sparse(*rows: Sequence[float]) -> csr_matrix[np.float32]:
    return csr_matrix(np.array(rows, np.float32))


def test_random_split_loses_and_shares_nothing() -> None:
    preference = checkerboard().preference
    split = random_split(preference, 0.3)
    assert (split.known + split.held_out - preference).nnz == 0
    assert split.known.multiply(split.held_out).nnz == 0
    assert 0 < split.held_out.nnz < split.known.nnz


def test_time_split_holds_out_discoveries_that_were_liked() -> None:
    known = csr_matrix(np.array([[1.0, 0.0, 0.0, 0.0]], np.float32))
    final = csr_matrix(np.array([[2.0, 1.0, -1.0, 0.5]], np.float32))
    first_at_s = csr_matrix(np.array([[10.0, 60.0, 70.0, 50.0]]))
    split = time_split(known, final, first_at_s, cut_s=50.0)
    assert split.held_out.toarray().tolist() == [[0.0, 1.0, 0.0, 0.5]]


def test_last_split_holds_out_what_was_met_last_and_liked() -> None:
    preference = sparse([1, 2, 3, -1, 4], [0, 0, 5, 0, 0], [0, 0, 0, -1, 0])
    first_at_s = csr_matrix(np.array([[40.0, 10, 20, 50, 30], [0, 0, 9, 0, 0], [0, 0, 0, 7, 0]]))
    split = last_split(preference, first_at_s, 2)
    assert split.held_out.toarray().tolist() == [[1, 0, 0, 0, 4], [0] * 5, [0] * 5]
    assert split.known.toarray().tolist() == [[0, 2, 3, -1, 0], [0, 0, 5, 0, 0], [0, 0, 0, -1, 0]]


def test_last_split_leaves_one_known_however_many_are_asked_for() -> None:
    split = last_split(sparse([1, 1, 1]), csr_matrix(np.array([[3.0, 1.0, 2.0]])), 9)
    assert split.known.toarray().tolist() == [[0, 1, 0]]


def test_share_split_holds_out_the_same_share_of_everybody() -> None:
    preference = sparse([1] * 10, [1] * 5 + [-1] * 5, [1] + [0] * 9)
    split = share_split(preference, 0.2)
    assert np.diff(split.held_out.indptr).tolist() == [2, 1, 0]
    assert (split.known + split.held_out - preference).nnz == 0


@given(st.integers(0, 1_000), st.floats(0.0, 1.0))
def test_share_split_loses_and_shares_nothing_and_leaves_everybody_a_like(seed: int, share: float) -> None:
    preference = csr_matrix(np.random.default_rng(seed).choice([-1.0, 0.0, 1.0, 2.0], (6, 9)).astype(np.float32))
    split = share_split(preference, share, seed)
    assert (split.known + split.held_out - preference).nnz == 0
    assert split.known.multiply(split.held_out).nnz == 0
    liked, left = ((matrix.toarray() > 0).any(axis=1) for matrix in (preference, split.known))
    assert (left == liked).all()


def test_share_split_by_another_seed_is_another() -> None:
    preference = checkerboard().preference
    first, second = share_split(preference, 0.4, 0), share_split(preference, 0.4, 1)
    assert (first.held_out - second.held_out).nnz > 0
    assert (first.held_out - share_split(preference, 0.4, 0).held_out).nnz == 0


@pytest.mark.parametrize("rows", [0, 3])
def test_no_likes_give_an_empty_split(rows: int) -> None:
    nothing = csr_matrix(np.zeros((rows, 4), np.float32))
    assert share_split(nothing, 0.5).held_out.nnz == 0
    assert last_split(nothing, csr_matrix(np.zeros((rows, 4))), 2).held_out.nnz == 0
