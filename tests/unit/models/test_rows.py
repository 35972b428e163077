"""A few rows of a sparse matrix, read without scipy, are what scipy reads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from segue.models import rows
from segue.models.rows import columns_of, entries_of, row_of, summed
from segue.models.side_by_side import SideBySide

WIDTH = 9


@st.composite
def matrices(draw: st.DrawFn) -> csr_matrix[np.float32]:
    """Up to eight rows of WIDTH columns, some of them empty, some full."""
    row = st.lists(st.sampled_from([0.0, 0.0, 0.5, 1.0, -2.0]), min_size=WIDTH, max_size=WIDTH)
    return csr_matrix(np.array(draw(st.lists(row, min_size=1, max_size=8)), np.float32))


@given(matrices(), st.data())
def test_entries_are_those_of_the_rows_in_their_order(matrix: csr_matrix[np.float32], data: st.DataObject) -> None:
    picked = np.array(data.draw(st.lists(st.integers(0, matrix.shape[0] - 1), max_size=12)), np.int32)
    expected = matrix[picked]
    entries = entries_of(matrix, picked)
    assert entries.column.tolist() == columns_of(matrix, picked).tolist() == expected.indices.tolist()
    assert entries.value.tolist() == expected.data.tolist()
    assert entries.row.tolist() == np.repeat(np.arange(len(picked)), np.diff(expected.indptr)).tolist()


@given(matrices(), st.integers(0, WIDTH), st.data())
def test_rows_side_by_side_have_the_products_of_the_matrix_however_few_entries_fit(
    matrix: csr_matrix[np.float32], most: int, data: st.DataObject
) -> None:
    picked = np.array(data.draw(st.lists(st.integers(0, matrix.shape[0] - 1), max_size=12)), np.int32)
    weights = np.arange(1, WIDTH + 1, dtype=np.float32)
    found = SideBySide.of(matrix, most).products(picked, weights)
    assert found.tolist() == (matrix[picked] @ weights).tolist()


@given(matrices(), st.integers(0, WIDTH), st.data())
def test_compact_rows_have_the_dot_products_of_the_matrix_in_few_columns(
    matrix: csr_matrix[np.float32], most: int, data: st.DataObject
) -> None:
    picked = np.array(data.draw(st.lists(st.integers(0, matrix.shape[0] - 1), max_size=12)), np.int32)
    dense = SideBySide.of(matrix, most).compact(picked)
    assert (dense @ dense.T).tolist() == (matrix[picked] @ matrix[picked].T).toarray().tolist()
    assert dense.shape[1] <= 1 + len(set(matrix[picked].indices.tolist()))


@pytest.mark.parametrize("cached_bytes", [1, 40, 10_000])
def test_products_of_rows_are_the_same_in_parts_of_any_size(cached_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "CACHED_BYTES", cached_bytes)
    matrix = np.arange(20, dtype=np.float32).reshape(4, 5)
    found = rows.products(matrix, np.array([3, 0, 0, 2, 1], np.int32), np.array([1, 0, 0, 0, 2], np.float32))
    assert found.tolist() == [53.0, 8.0, 8.0, 38.0, 23.0]


def test_one_row_is_read_alone() -> None:
    columns, values = row_of(csr_matrix(np.array([[1, 0, 2], [0, 0, 0]], np.float32)), 0)
    assert (columns.tolist(), values.tolist()) == ([0, 2], [1.0, 2.0])


def test_values_of_a_column_are_summed_columns_ascending() -> None:
    columns, sums = summed(np.array([5, 1, 5, 3], np.int32), np.array([1.0, 2.0, 4.0, 0.5], np.float32))
    assert (columns.tolist(), sums.tolist()) == ([1, 3, 5], [2.0, 0.5, 5.0])
    assert summed(np.empty(0, np.int32), np.empty(0, np.float32))[0].tolist() == []
