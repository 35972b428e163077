"""Ranking metrics as the papers that Segue compares with report them.

Recall@k = hits / |relevant| ; NDCG@k has binary gains and the ideal DCG over min(k, |relevant|); both are means over the
listeners that have relevant tracks. HitRate@k: share of listeners with at least one hit. Coverage@k: share of the catalogue
that is shown to anybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

Columns = npt.NDArray[np.int32]


def recall(hits: npt.NDArray[np.bool_], n_relevant: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Recall of each listener. `hits` (n_listeners, k): whether the track at each rank is relevant; `n_relevant` > 0."""
    return np.asarray(hits.sum(axis=1) / n_relevant, np.float64)


def ndcg(hits: npt.NDArray[np.bool_], n_relevant: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Normalised discounted cumulative gain of each listener; arguments as for `recall`."""
    discounts = 1.0 / np.log2(np.arange(2, hits.shape[1] + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discounts)])[np.minimum(n_relevant, hits.shape[1])]
    return np.asarray((hits * discounts).sum(axis=1) / ideal, np.float64)


def hits_of(ranked: Columns, relevant: csr_matrix[np.float32]) -> npt.NDArray[np.bool_]:
    """Whether each ranked column is among the row's relevant ones. `ranked` (n_listeners, k), -1 pads a short list."""
    dense = np.zeros((ranked.shape[0], relevant.shape[1] + 1), np.bool_)
    rows = np.repeat(np.arange(ranked.shape[0]), np.diff(relevant.indptr))
    dense[rows, relevant.indices] = True
    return np.asarray(np.take_along_axis(dense, ranked.astype(np.int64), axis=1), np.bool_)


@dataclass
class RankingMetrics:
    """Accumulates batches of listeners; `result` gives the means."""

    k: int
    n_tracks: int
    _recalls: list[npt.NDArray[np.float64]] = field(default_factory=list)
    _ndcgs: list[npt.NDArray[np.float64]] = field(default_factory=list)
    _found: list[npt.NDArray[np.bool_]] = field(default_factory=list)
    _shown: set[int] = field(default_factory=set)

    def add(self, ranked: Columns, relevant: csr_matrix[np.float32]) -> None:
        """Count a batch: `ranked` (n, >= k) best first, padded with -1; `relevant` (n, n_tracks)."""
        n_relevant = np.diff(relevant.indptr).astype(np.int64)
        judged = np.flatnonzero(n_relevant > 0)
        top = ranked[judged, : self.k]
        hits = hits_of(top, relevant[judged])
        self._recalls.append(recall(hits, n_relevant[judged]))
        self._ndcgs.append(ndcg(hits, n_relevant[judged]))
        self._found.append(np.asarray(hits.any(axis=1), np.bool_))
        self._shown.update(np.unique(top[top >= 0]).tolist())

    def result(self) -> dict[str, float]:
        """`recall@k`, `ndcg@k`, `hit_rate@k`, `coverage@k` and `listeners`; zeros when nobody could be judged."""
        listeners = sum(map(len, self._recalls))
        return {
            f"recall@{self.k}": _mean(self._recalls),
            f"ndcg@{self.k}": _mean(self._ndcgs),
            f"hit_rate@{self.k}": _mean(self._found),
            f"coverage@{self.k}": len(self._shown) / max(self.n_tracks, 1),
            "listeners": float(listeners),
        }


def _mean(parts: Iterable[npt.NDArray[np.float64] | npt.NDArray[np.bool_]]) -> float:
    values = np.concatenate([np.empty(0), *parts])
    return float(values.mean()) if len(values) else 0.0
