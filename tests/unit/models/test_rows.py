"""A few rows of a sparse matrix, read without scipy, are what scipy reads."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from segue.models.rows import SideBySide, columns_of, entries_of, row_of, summed

WIDTH = 9


@st.composite
def matrices(draw: st.DrawFn) -> csr_matrix[np.float32]:
    """Up to eight rows of WIDTH columns, some of them empty, some full."""
    row = st.lists(st.sampled_from([0.0, 0.0, 0.5, 1.0, -2.0]), min_size=WIDTH, max_size=WIDTH)
    return csr_matrix(np.array(draw(st.lists(row, min_size=1, max_size=8)), np.float32))


@given(matrices(), st.data())
def test_entries_are_those_of_the_rows_in_their_order(matrix: csr_matrix[np.float32], data: st.DataObject) -> None:
    rows = np.array(data.draw(st.lists(st.integers(0, matrix.shape[0] - 1), max_size=12)), np.int32)
    expected = matrix[rows]
    entries = entries_of(matrix, rows)
    assert entries.column.tolist() == columns_of(matrix, rows).tolist() == expected.indices.tolist()
    assert entries.value.tolist() == expected.data.tolist()
    assert entries.row.tolist() == np.repeat(np.arange(len(rows)), np.diff(expected.indptr)).tolist()


@given(matrices(), st.integers(0, WIDTH), st.data())
def test_rows_side_by_side_have_the_products_of_the_matrix_however_few_entries_fit(
    matrix: csr_matrix[np.float32], most: int, data: st.DataObject
) -> None:
    rows = np.array(data.draw(st.lists(st.integers(0, matrix.shape[0] - 1), max_size=12)), np.int32)
    weights = np.arange(1, WIDTH + 1, dtype=np.float32)
    found = SideBySide.of(matrix, most).products(rows, weights)
    assert found.tolist() == (matrix[rows] @ weights).tolist()


@given(matrices(), st.integers(0, WIDTH), st.data())
def test_compact_rows_have_the_dot_products_of_the_matrix_in_few_columns(
    matrix: csr_matrix[np.float32], most: int, data: st.DataObject
) -> None:
    rows = np.array(data.draw(st.lists(st.integers(0, matrix.shape[0] - 1), max_size=12)), np.int32)
    dense = SideBySide.of(matrix, most).compact(rows)
    assert (dense @ dense.T).tolist() == (matrix[rows] @ matrix[rows].T).toarray().tolist()
    assert dense.shape[1] <= 1 + len(set(matrix[rows].indices.tolist()))


def test_one_row_is_read_alone() -> None:
    columns, values = row_of(csr_matrix(np.array([[1, 0, 2], [0, 0, 0]], np.float32)), 0)
    assert (columns.tolist(), values.tolist()) == ([0, 2], [1.0, 2.0])


def test_values_of_a_column_are_summed_columns_ascending() -> None:
    columns, sums = summed(np.array([5, 1, 5, 3], np.int32), np.array([1.0, 2.0, 4.0, 0.5], np.float32))
    assert (columns.tolist(), sums.tolist()) == ([1, 3, 5], [2.0, 0.5, 5.0])
    assert summed(np.empty(0, np.int32), np.empty(0, np.float32))[0].tolist() == []
