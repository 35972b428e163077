"""Positions to index by, of some and of all."""

from __future__ import annotations

import numpy as np

from segue.models.positions import known, scored, spread, where

SOME = np.array([True, False, True])


def test_all_positions_are_a_slice() -> None:
    assert where(np.ones(3, np.bool_)) == slice(None)
    assert where(np.empty(0, np.bool_)) == slice(None)
    assert np.asarray(where(SOME)).tolist() == [0, 2]


def test_columns_below_zero_and_past_the_end_are_not_known() -> None:
    assert np.asarray(known(np.array([4, -1, 5, 0], np.int32), 5)).tolist() == [0, 3]


def test_columns_that_are_not_known_score_zero() -> None:
    found = scored(np.array([1, 9, -3, 2], np.int32), 3, lambda columns: columns.astype(np.float32) + 10)
    assert found.tolist() == [11.0, 0.0, 0.0, 12.0]


def test_values_are_spread_over_rows_and_columns() -> None:
    values = np.array([[1, 2], [3, 4]], np.float32)
    assert spread(values, slice(None), slice(None), (2, 2)) is values
    assert spread(values, where(SOME), slice(None), (3, 2)).tolist() == [[1, 2], [0, 0], [3, 4]]
    assert spread(values, slice(None), where(SOME), (2, 3)).tolist() == [[1, 0, 2], [3, 0, 4]]
    assert spread(values, where(SOME), where(SOME), (3, 3)).tolist() == [[1, 0, 2], [0, 0, 0], [3, 0, 4]]
