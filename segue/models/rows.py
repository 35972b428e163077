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
    row, position = _positions(matrix, rows)
    return Entries(row, matrix.indices[position], matrix.data[position])


def columns_of(matrix: csr_matrix[np.float32], rows: npt.NDArray[np.int32]) -> Columns:
    """The columns of the entries of `rows`."""
    found: Columns = matrix.indices[_positions(matrix, rows)[1]]
    return found


def row_of(matrix: csr_matrix[np.float32], row: int) -> tuple[Columns, npt.NDArray[np.float32]]:
    """Columns and values of one row: views."""
    own = slice(matrix.indptr[row], matrix.indptr[row + 1])
    return matrix.indices[own], matrix.data[own]


def _positions(matrix: csr_matrix[np.float32], rows: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Which of the rows each entry is of, and where it stands."""
    start = matrix.indptr[rows]
    counts = matrix.indptr[rows + 1] - start
    row = np.arange(len(rows)).repeat(counts)
    position = np.arange(len(row))
    position += (start - counts.cumsum() + counts).repeat(counts)
    return row, position


def save_rows(directory: Path, name: str, matrix: csr_matrix[np.float32]) -> None:
    """Write a csr_matrix as three plain arrays, `<name>_data.npy` and so on."""
    for part in ("data", "indices", "indptr"):
        np.save(directory / f"{name}_{part}.npy", getattr(matrix, part), allow_pickle=False)


def load_rows(directory: Path, name: str, width: int | None = None) -> csr_matrix[np.float32]:
    """Read what `save_rows` wrote: a csr_matrix with `width` columns; None: as many as rows. Runs no code from the files."""
    parts = [np.load(directory / f"{name}_{part}.npy", allow_pickle=False) for part in ("data", "indices", "indptr")]
    height = len(parts[2]) - 1
    return csr_matrix(tuple(parts), shape=(height, height if width is None else width))


def summed(columns: Columns, values: npt.NDArray[np.floating]) -> tuple[Columns, npt.NDArray[np.float64]]:
    """The distinct columns, ascending, and the sum of the values of each; half of what `np.unique` takes for a few hundred."""
    order = columns.argsort()
    ordered = columns[order]
    new = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    starts = new.nonzero()[0]
    return ordered[starts], np.add.reduceat(values[order], starts, dtype=np.float64)


def compact(matrix: csr_matrix[np.float32], rows: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
    """`rows` as a dense array over just the columns that any of them has: same dot products, few columns."""
    entries = entries_of(matrix, rows)
    place = Places(matrix.shape[1], entries.column).of(entries.column)
    used = np.zeros(len(place), np.int32)
    used[place] = 1
    position = used.cumsum() - 1
    dense = np.zeros((len(rows), int(position[-1]) + 1 if len(position) else 0), np.float32)
    dense[entries.row, position[place]] = entries.value
    return dense


@dataclass(frozen=True)
class SideBySide:
    """The rows of a sparse matrix in dense arrays: many short rows are read in a fifth of what `entries_of` takes.

    `column` and `value` (n, width): the first entries of each row, value 0 past its end. `rest`: what longer rows hold beyond.
    """

    column: Columns
    value: npt.NDArray[np.float32]
    rest: csr_matrix[np.float32]

    @classmethod
    def of(cls, matrix: csr_matrix[np.float32], most: int) -> SideBySide:
        """Of a matrix whose rows mostly have up to `most` entries."""
        counts = np.diff(matrix.indptr)
        width = min(most, int(counts.max(initial=0)))
        row = np.arange(len(counts)).repeat(counts)
        rank = np.arange(len(row)) - matrix.indptr[:-1].repeat(counts)
        near = rank < width
        column, value = np.zeros((len(counts), width), np.int32), np.zeros((len(counts), width), np.float32)
        column[row[near], rank[near]], value[row[near], rank[near]] = matrix.indices[near], matrix.data[near]
        far = ~near
        indptr = np.concatenate([[0], np.maximum(counts - width, 0).cumsum()])
        return cls(column, value, csr_matrix((matrix.data[far], matrix.indices[far], indptr), shape=matrix.shape))

    def products(self, rows: npt.NDArray[np.int32], weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The products of `rows` with a vector `weights` (n_columns,)."""
        found: npt.NDArray[np.float32] = np.einsum("ij,ij->i", self.value.take(rows, 0), weights[self.column.take(rows, 0)])
        if self.rest.nnz:
            entries = entries_of(self.rest, rows)
            found += np.bincount(entries.row, entries.value * weights[entries.column], len(rows)).astype(np.float32)
        return found


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

    def of_own(self) -> npt.NDArray[np.int32]:
        """The place of each of its own columns."""
        own: npt.NDArray[np.int32] = self._place[self.columns]
        return own

    def of(self, columns: Columns) -> npt.NDArray[np.int32]:
        """The place of each of these, -1 for those that are not among them; a fresh array."""
        if len(self.columns) == 0:
            return np.full(len(columns), -1, np.int32)
        place = self._place[columns]
        # As unsigned numbers, negative ones are too large as well.
        strange = place.view(np.uint32) >= len(self.columns)
        if strange.any():
            place[strange] = 0
        place[self.columns[place] != columns] = -1
        return place


@dataclass(frozen=True)
class SparseList:
    """Scores of a list of `n` of which few are not 0.

    `values` (len(places.columns),), float64: the sum of a column at its place, 0 at other places where it comes again.
    """

    n: int
    places: Places
    values: npt.NDArray[np.float64]

    @classmethod
    def summed(cls, n: int, columns: Columns, values: npt.NDArray[np.float32]) -> SparseList:
        """Values of the same column are added up; O(len(columns)), without a sort."""
        places = Places(n, columns)
        sums = np.bincount(places.of_own(), weights=values, minlength=len(columns)).astype(np.float64, copy=False)
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
        told = (self.values != 0).nonzero()[0]
        scores[self.places.columns[told]] = self.values[told]
        return scores
