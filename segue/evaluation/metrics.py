"""Ranking metrics of each listener, as the papers that Segue compares with report them.

With hits h_r in {0, 1} at ranks r = 1..k and n relevant tracks (Järvelin, Kekäläinen, "Cumulated gain-based evaluation of IR
techniques", 2002; Manning, Raghavan, Schütze, "Introduction to Information Retrieval", 2008, chapter 8):

    recall    Σ h_r / n
    ndcg      Σ h_r / log2(r + 1), over the same sum of an ideal list: the first min(k, n) ranks
    map       Σ h_r · (hits up to r / r) / min(k, n)
    mrr       1 / rank of the first hit, 0 without one
    hit_rate  1 with any hit, else 0

Published figures are means over the listeners who have relevant tracks.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

Columns = npt.NDArray[np.int32]
Hits = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

ACCURACY = ("recall", "ndcg", "map", "mrr", "hit_rate")


def recall(hits: Hits, n_relevant: Counts) -> Values:
    """Recall of each listener. `hits` (n_listeners, k): whether the track at each rank is relevant; `n_relevant` > 0."""
    return np.asarray(hits.sum(axis=1) / n_relevant, np.float64)


def ndcg(hits: Hits, n_relevant: Counts) -> Values:
    """Normalised discounted cumulative gain of each listener; arguments as for `recall`."""
    discounts = 1.0 / np.log2(np.arange(2, hits.shape[1] + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discounts)])[np.minimum(n_relevant, hits.shape[1])]
    return np.asarray((hits * discounts).sum(axis=1) / ideal, np.float64)


def average_precision(hits: Hits, n_relevant: Counts) -> Values:
    """Average precision of each listener; arguments as for `recall`."""
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    return np.asarray((precision * hits).sum(axis=1) / np.minimum(n_relevant, hits.shape[1]), np.float64)


def reciprocal_rank(hits: Hits) -> Values:
    """Reciprocal rank of each listener's first hit. `hits` as for `recall`."""
    return np.where(hits.any(axis=1), 1.0 / (1.0 + hits.argmax(axis=1)), 0.0)


def accuracy(ranked: Columns, relevant: csr_matrix[np.float32]) -> dict[str, Values]:
    """The metrics of ACCURACY at k, each of shape (n_listeners,); NaN for a listener without relevant tracks.

    `ranked` (n_listeners, k), k > 0: distinct columns, best first, -1 pads a short list. `relevant` (n_listeners, n_tracks).
    """
    n_relevant = np.diff(relevant.indptr).astype(np.int64)
    hits, judged = hits_of(ranked, relevant), n_relevant > 0
    least_one = np.maximum(n_relevant, 1)
    values = (
        recall(hits, least_one),
        ndcg(hits, least_one),
        average_precision(hits, least_one),
        reciprocal_rank(hits),
        hits.any(axis=1).astype(np.float64),
    )
    return {name: np.where(judged, value, np.nan) for name, value in zip(ACCURACY, values, strict=True)}


def hits_of(ranked: Columns, relevant: csr_matrix[np.float32]) -> Hits:
    """Whether each ranked column is among the row's relevant ones; arguments as for `accuracy`.

    O(n_listeners · k · log entries) and no array larger than `ranked`, so that all listeners fit at once.
    """
    wanted = np.sort(_keys(relevant.indptr, relevant.indices, relevant.shape[1]))
    asked = np.arange(len(ranked), dtype=np.int64)[:, None] * relevant.shape[1] + ranked
    if not len(wanted):
        return np.zeros(ranked.shape, np.bool_)
    place = np.minimum(np.searchsorted(wanted, asked), len(wanted) - 1)
    return np.asarray((wanted[place] == asked) & (ranked >= 0), np.bool_)


def _keys(indptr: npt.NDArray[np.int32], indices: npt.NDArray[np.int32], width: int) -> Counts:
    rows = np.repeat(np.arange(len(indptr) - 1, dtype=np.int64), np.diff(indptr))
    return np.asarray(rows * width + indices, np.int64)
