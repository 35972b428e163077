"""Rows of sparse matrices: a few of them without scipy's bookkeeping, which costs more than the work at this size; files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

Columns = npt.NDArray[np.int32]


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


def save_rows(directory: Path, name: str, matrix: csr_matrix[np.float32]) -> None:
    """Write a csr_matrix as three plain arrays, `<name>_data.npy` and so on."""
    for part in ("data", "indices", "indptr"):
        np.save(directory / f"{name}_{part}.npy", getattr(matrix, part), allow_pickle=False)


def load_rows(directory: Path, name: str, width: int | None = None) -> csr_matrix[np.float32]:
    """Read what `save_rows` wrote: a csr_matrix with `width` columns; None: as many as rows. Runs no code from the files."""
    parts = [np.load(directory / f"{name}_{part}.npy", allow_pickle=False) for part in ("data", "indices", "indptr")]
    height = len(parts[2]) - 1
    return csr_matrix(tuple(parts), shape=(height, height if width is None else width))


def compact(matrix: csr_matrix[np.float32], rows: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
    """`rows` as a dense array over just the columns that any of them has: same dot products, few columns."""
    entries = entries_of(matrix, rows)
    columns, position = np.unique(entries.column, return_inverse=True)
    dense = np.zeros((len(rows), len(columns)), np.float32)
    dense[entries.row, position] = entries.value
    return dense


class Places:
    """Where each of a few columns stands among them, of `n` in all.

    The array behind it is never cleared: what it says of a column is checked (Briggs, Torczon, "An Efficient Representation for
    Sparse Sets", 1993). Making one costs only what the few columns cost.
    """

    def __init__(self, n: int, columns: Columns) -> None:
        """Of columns that come more than once, one place stands for all."""
        self.columns = columns
        self._place = np.empty(n, np.int32)
        self._place[columns] = np.arange(len(columns), dtype=np.int32)

    def of(self, columns: Columns) -> npt.NDArray[np.int32]:
        """The place of each of these, -1 for those that are not among them; a fresh array."""
        if len(self.columns) == 0:
            return np.full(len(columns), -1, np.int32)
        place = self._place[columns]
        # As unsigned numbers, negative ones are too large as well.
        place[place.view(np.uint32) >= len(self.columns)] = 0
        place[self.columns[place] != columns] = -1
        return place


@dataclass(frozen=True)
class SparseList:
    """Scores of a list of `n` of which few are not 0; `values` of the distinct columns of `places`, float64."""

    n: int
    places: Places
    values: npt.NDArray[np.float64]

    @classmethod
    def summed(cls, n: int, columns: Columns, values: npt.NDArray[np.float32]) -> SparseList:
        """Values of the same column are added up; O(len(columns)), without a sort."""
        place = Places(n, columns).of(columns)
        places = Places(n, columns[np.flatnonzero(place == np.arange(len(columns)))])
        sums = np.bincount(places.of(columns), weights=values, minlength=len(places.columns)).astype(np.float64, copy=False)
        return cls(n, places, sums)

    def at(self, columns: Columns) -> npt.NDArray[np.float32]:
        """The scores of `columns`, all within 0..n-1."""
        place = self.places.of(columns)
        scores = np.zeros(len(columns), np.float32)
        known = place >= 0
        scores[known] = self.values[place[known]]
        return scores

    def dense(self) -> npt.NDArray[np.float32]:
        """The whole list, shape (n,)."""
        scores = np.zeros(self.n, np.float32)
        scores[self.places.columns] = self.values
        return scores
