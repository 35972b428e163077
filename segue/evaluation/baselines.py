"""What any model must beat besides popularity."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from segue.models.contract import Floats


class RandomScorer:
    """A fresh random order for each listener; the same lists for the same seed and order of questions."""

    def __init__(self, n_tracks: int, seed: int = 0) -> None:
        self._n_tracks = n_tracks
        self._rng = np.random.default_rng(seed)

    @property
    def n_tracks(self) -> int:
        """Number of columns."""
        return self._n_tracks

    def score_many(self, histories: csr_matrix[np.float32]) -> Floats:
        """Scores (n_histories, n_tracks) that know nothing."""
        return self._rng.random((histories.shape[0], self._n_tracks), dtype=np.float32)
