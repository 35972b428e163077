"""What comes next: tracks that were played after the last ones more often than chance would have it.

From the transitions `C` (`segue.models.transitions`) the score of track j after i is `ln(1 + (C_ij - E_ij) / sqrt(E_ij + 1))`, at
least 0, with `E_ij = C_i. C_.j / C_..`: the standardised residual of a table of counts (Haberman, "The Analysis of Residuals in
Cross-Classified Tables", Biometrics 1973), smoothed by one. What is popular follows everything, and is damped; what was seen
once says little. A history's tracks add up, the last one most.

A pair that was never seen scores 0: there the blend's other models (co-listening, content, popularity) are the back-off, as
they rank by what they know in the same sum. Scores are on one scale for all histories, unlike a z-score of so sparse a list, so
that no evidence means no influence: measured, z-scores of transitions halve the hit rate where order is chance.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from segue.models.contract import Catalogue, Columns, Floats, History, Interactions, ReadingModel
from segue.models.neighbours import NeighbourReading, likeness_row
from segue.models.rows import load_rows, save_rows


@dataclass(frozen=True)
class SequenceConfig:
    """`half_life_tracks`: a track of the history counts half of one played so many tracks later.

    `successors` kept of each track: the most surprising.
    """

    half_life_tracks: float = 2.0
    successors: int = 200


class SequenceModel(ReadingModel):
    """`S` of shape (n_tracks, n_tracks), csr, at most `successors` entries a row."""

    name = "sequence"

    def __init__(self, config: SequenceConfig | None = None) -> None:
        self.config = config or SequenceConfig()
        self._successors: csr_matrix[np.float32] = csr_matrix(np.zeros((0, 0), np.float32))

    def fit(self, interactions: Interactions, catalogue: Catalogue) -> Self:  # noqa: ARG002
        counts = interactions.transitions
        n = interactions.n_tracks
        self._successors = _surprise(_none(n) if counts is None else counts, self.config.successors)
        return self

    @property
    def n_tracks(self) -> int:
        return int(self._successors.shape[0])

    @property
    def pairs(self) -> int:
        """Number of pairs of tracks that it knows; without any it has nothing to say."""
        return int(self._successors.nnz)

    def score_many(self, histories: csr_matrix[np.float32]) -> Floats:
        """Without an order, every liked track counts as if it were the last."""
        played = histories.copy()
        played.data = (histories.data > 0).astype(np.float32)
        scores: Floats = (played @ self._successors).toarray()
        return scores

    def read(self, history: History) -> NeighbourReading:
        known = (history.columns < self.n_tracks) & (history.preference != 0)
        weights = np.zeros(len(history), np.float32)
        weights[known] = self._recency(history.within(self.n_tracks))
        return NeighbourReading(self, history, self._successors, weights)

    def similarity(self, column: int, columns: Columns | None = None) -> Floats:
        """How surprisingly often each track follows the one in `column`: not symmetric."""
        return likeness_row(self._successors, column, columns)

    def save(self, directory: Path) -> None:
        (directory / "config.json").write_text(json.dumps(asdict(self.config)))
        save_rows(directory, "successors", self._successors)

    @classmethod
    def load(cls, directory: Path) -> Self:
        model = cls(SequenceConfig(**json.loads((directory / "config.json").read_text())))
        model._successors = load_rows(directory, "successors")
        return model

    def _recency(self, history: History) -> Floats:
        """The weight of each track, (n,): 1 for the newest, less for each before it, 0 for what is not liked."""
        liked = history.preference > 0
        # Tracks of one moment stand side by side, so that an order that nobody knows is not made up.
        moments = np.unique(history.last_at_s[liked])
        steps = len(moments) - 1 - np.searchsorted(moments, history.last_at_s)
        weights = np.exp2(-np.maximum(steps, 0) / self.config.half_life_tracks)
        return np.where(liked, weights, 0.0).astype(np.float32)


def _none(n: int) -> csr_matrix[np.float32]:
    nothing = np.empty(0, np.int32)
    return csr_matrix((np.empty(0, np.float32), (nothing, nothing)), shape=(n, n))


def _surprise(counts: csr_matrix[np.float32], successors: int) -> csr_matrix[np.float32]:
    entries = counts.tocoo()
    row_sums, column_sums = (np.asarray(counts.sum(axis=axis, dtype=np.float64)).ravel() for axis in (1, 0))
    expected = row_sums[entries.row] * column_sums[entries.col] / max(float(row_sums.sum()), 1e-9)
    residual = np.log1p(np.maximum((entries.data - expected) / np.sqrt(expected + 1.0), 0.0)).astype(np.float32)
    kept = _strongest(entries.row, residual, successors)
    shape = counts.shape
    matrix = csr_matrix((residual[kept], (entries.row[kept], entries.col[kept])), shape=shape, dtype=np.float32)
    matrix.sort_indices()
    return matrix


def _strongest(row: npt.NDArray[np.int32], value: Floats, most: int) -> npt.NDArray[np.intp]:
    """Positions of the `most` greatest values above 0 of each row."""
    order = np.lexsort((-value, row))
    ordered = row[order]
    rank = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    return order[(rank < most) & (value[order] > 0)]
