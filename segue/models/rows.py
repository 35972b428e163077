"""Rows of sparse matrices: a few of them without scipy's bookkeeping, which costs more than the work at this size; files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from segue.models.positions import known
from segue.models.ranking import best_of

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


@dataclass(frozen=True)
class SideBySide:
    """The rows of a sparse matrix in a dense array: many short rows are read in a fifth of what `entries_of` takes.

    `entries` (n, 2 · width) int32: the columns of the first entries of each row, then the bits of their values, 0.0 past its end.
    `rest`: what longer rows hold beyond.
    """

    entries: npt.NDArray[np.int32]
    rest: csr_matrix[np.float32]

    @classmethod
    def of(cls, matrix: csr_matrix[np.float32], most: int) -> SideBySide:
        """Of a matrix whose rows mostly have up to `most` entries."""
        counts = np.diff(matrix.indptr)
        longest = int(counts.max(initial=0))
        # numpy takes rows whose size is a small power of two three times as fast as others.
        width = min(most, 1 << (longest - 1).bit_length()) if longest else 0
        row = np.arange(len(counts)).repeat(counts)
        rank = np.arange(len(row)) - matrix.indptr[:-1].repeat(counts)
        near = rank < width
        entries = np.zeros((len(counts), 2 * width), np.int32)
        entries[row[near], rank[near]] = matrix.indices[near]
        entries[row[near], rank[near] + width] = matrix.data[near].view(np.int32)
        indptr = np.concatenate([[0], np.maximum(counts - width, 0).cumsum()])
        return cls(entries, csr_matrix((matrix.data[~near], matrix.indices[~near], indptr), shape=matrix.shape))

    def products(self, rows: npt.NDArray[np.int32], weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The products of `rows` with a vector `weights` (n_columns,)."""
        width = self.entries.shape[1] // 2
        # Turned, since numpy works along the last axis, and a row has only a few entries.
        taken = self.entries.take(rows, 0).T.copy()
        weighted = weights.take(taken[:width])
        weighted *= taken[width:].view(np.float32)
        found: npt.NDArray[np.float32] = weighted.sum(axis=0)
        if self.rest.nnz:
            entries = entries_of(self.rest, rows)
            found += np.bincount(entries.row, entries.value * weights[entries.column], len(rows)).astype(np.float32)
        return found

    def compact(self, rows: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
        """`rows` as a dense array over the columns that any of them has, and perhaps one more: same dot products, few columns."""
        width = self.entries.shape[1] // 2
        # Backwards: of what is written to one place the last stays, and past a row's end stands 0.0 in the first column.
        taken = self.entries.take(rows, 0)[:, ::-1]
        row, column = np.arange(len(rows)).repeat(width), taken[:, width:].ravel()
        value = taken[:, :width].ravel().view(np.float32)
        if self.rest.nnz:
            more = entries_of(self.rest, rows)
            row = np.concatenate([row, more.row])
            column = np.concatenate([column, more.column])
            value = np.concatenate([value, more.value])
        place = Places(self.rest.shape[1], column).of_own()
        used = np.zeros(len(place), np.int32)
        used[place] = 1
        position = used.cumsum() - 1
        dense = np.zeros((len(rows), int(position[-1]) + 1 if len(position) else 0), np.float32)
        dense[row, position[place]] = value
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

    def of_own(self) -> npt.NDArray[np.int32]:
        """The place of each of its own columns."""
        own: npt.NDArray[np.int32] = self._place[self.columns]
        return own

    def of(self, columns: Columns) -> npt.NDArray[np.int32]:
        """The place of each of these, -1 for those that are not among them; a fresh array."""
        if len(self.columns) == 0:
            return np.full(len(columns), -1, np.int32)
        # As an unsigned number, a negative one is too large as well; where nothing was written stands anything.
        place = np.minimum(self._place[columns].view(np.uint32), np.uint32(len(self.columns) - 1)).view(np.int32)
        return np.where(self.columns[place] == columns, place, np.int32(-1))


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
        """The scores of `columns`, 0 for those that are not within 0..n-1."""
        scores = np.zeros(len(columns), np.float32)
        inside = known(columns, self.n)
        place = self.places.of(columns[inside])
        told = (place >= 0).nonzero()[0]
        scores[told if isinstance(inside, slice) else inside[told]] = self.values[place[told]]
        return scores

    def best(self, n: int, allowed: npt.NDArray[np.bool_]) -> Columns:
        """The columns of the `n` greatest scores above 0 that are `allowed` (n or more,), in no promised order."""
        near = self.places.columns
        kept = (allowed[near] & (self.values > 0)).nonzero()[0]
        columns = near[kept]
        return columns[best_of(self.values[kept].astype(np.float32), n, tie_order=columns)]

    def dense(self) -> npt.NDArray[np.float32]:
        """The whole list, shape (n,)."""
        scores = np.zeros(self.n, np.float32)
        told = (self.values != 0).nonzero()[0]
        scores[self.places.columns[told]] = self.values[told]
        return scores
