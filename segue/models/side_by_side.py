"""Short rows of a sparse matrix, such as the tags of tracks, kept for reading many of them at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from segue.models.rows import Places, entries_of


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
        width = min(most, int(counts.max(initial=0)))
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
