"""A history read through a sparse item-item matrix: the rows of its tracks, weighted and added up."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from segue.models.contract import Columns, Floats, History, Mask, Model, Reading
from segue.models.moments import Moments
from segue.models.positions import known, where
from segue.models.rows import Entries, Places, SparseList, entries_of, row_of


class NeighbourReading(Reading):
    """Scores `weights @ S[history]`; most tracks are nobody's neighbour, so the list is kept sparse."""

    def __init__(self, model: Model, history: History, matrix: csr_matrix[np.float32], weights: Floats) -> None:
        """`matrix` S of shape (n_tracks, n_tracks); `weights` of shape (len(history),), used where S has the track."""
        super().__init__(model, history)
        self._n = int(matrix.shape[0])
        self._inside = where((history.columns < self._n) & (weights != 0))
        near = entries_of(matrix, history.columns[self._inside])
        self._near = Entries(near.row, near.column, near.value * weights[self._inside][near.row])
        self._list = SparseList.summed(self._n, near.column, self._near.value)

    def scores(self, columns: Columns | None = None) -> Floats:
        return self._list.dense() if columns is None else self._list.at(columns)

    def moments(self) -> Moments:
        sums = self._list.values
        return Moments.of_sums(self._n, float(sums.sum()), float(sums @ sums))

    def candidates(self, n: int, allowed: Mask) -> Columns:
        """Only of neighbours: there may be fewer than `n`."""
        return self._list.best(n, allowed)

    def contributions(self, columns: Columns) -> Floats:
        shares = np.zeros((len(columns), len(self.history)), np.float32)
        asked = np.arange(len(columns))[known(columns, self._n)]
        place = Places(self._n, columns[asked]).of(self._near.column)
        told = (place >= 0).nonzero()[0]
        heard = np.arange(len(self.history))[self._inside]
        shares[asked[place[told]], heard[self._near.row[told]]] = self._near.value[told]
        return shares


def likeness_row(matrix: csr_matrix[np.float32], column: int, columns: Columns | None) -> Floats:
    """The row of the track in `column` at `columns` (None: every track), 0 where it has no entry."""
    near, values = row_of(matrix, column)
    row = np.zeros(matrix.shape[1], np.float32)
    row[near] = values
    return row if columns is None else np.asarray(row[columns], np.float32)
