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
Floats = npt.NDArray[np.float32]
CACHED_BYTES = 1 << 18
"""A quarter of the second-level cache of small machines."""


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


def products(
    matrix: npt.NDArray[np.float32], rows: npt.NDArray[np.int32], vector: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """`matrix[rows] @ vector`, of so many rows at a time that their copy stays in the cache."""
    some = max(1, CACHED_BYTES // (4 * max(matrix.shape[1], 1)))
    if len(rows) <= some:
        return np.asarray(matrix.take(rows, 0) @ vector)
    found = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), some):
        part = slice(start, start + some)
        np.dot(matrix.take(rows[part], 0), vector, out=found[part])
    return found


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
