"""Picking a few rows out of a sparse matrix without scipy's bookkeeping, which costs more than the work at this size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Entries:
    """The entries of some rows, one after the other: all of shape (n_entries,). `row` counts within the picked rows."""

    row: npt.NDArray[np.intp]
    column: npt.NDArray[np.int32]
    value: npt.NDArray[np.float32]


def entries_of(matrix: csr_matrix[np.float32], rows: npt.NDArray[np.int32]) -> Entries:
    """The entries of `rows` of a csr_matrix, in their order."""
    start = matrix.indptr[rows]
    counts = matrix.indptr[rows + 1] - start
    row = np.repeat(np.arange(len(rows)), counts)
    position = np.arange(len(row)) + np.repeat(start - np.cumsum(counts) + counts, counts)
    return Entries(row, matrix.indices[position], matrix.data[position])


def compact(matrix: csr_matrix[np.float32], rows: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
    """`rows` as a dense array over just the columns that any of them has: same dot products, few columns."""
    entries = entries_of(matrix, rows)
    columns, position = np.unique(entries.column, return_inverse=True)
    dense = np.zeros((len(rows), len(columns)), np.float32)
    dense[entries.row, position] = entries.value
    return dense
