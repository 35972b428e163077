"""Judging a model by the protocol of the published comparisons, through the code that serves.

Rank all tracks for each listener from the history alone (fold-in; no trained listener factors), leave out what the listener
knows, cut at k, average over the listeners with held-out tracks.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from segue.evaluation.metrics import RankingMetrics
from segue.models.contract import Columns, Floats, Model

K = 20
BATCH_SCORES = 16_000_000
"""Scores held at once: 64 MB for each list that a model computes."""


def evaluated(
    model: Model,
    known: csr_matrix[np.float32],
    held_out: csr_matrix[np.float32],
    k: int = K,
    max_listeners: int | None = None,
    seed: int = 3,
) -> dict[str, float]:
    """`recall@k`, `ndcg@k`, `hit_rate@k`, `coverage@k`, `listeners` of a model that was fitted without `held_out`.

    Both matrices have shape (n_listeners, n_tracks). `max_listeners` judges a random sample.
    """
    metrics = RankingMetrics(k, model.n_tracks)
    listeners = _sample(np.flatnonzero(np.diff(held_out.indptr) > 0), max_listeners, seed)
    size = max(1, BATCH_SCORES // max(model.n_tracks, 1))
    for start in range(0, len(listeners), size):
        batch = listeners[start : start + size]
        metrics.add(ranked(model, known[batch], k), held_out[batch])
    return metrics.result()


def ranked(model: Model, known: csr_matrix[np.float32], k: int) -> Columns:
    """The best `k` unknown columns of each listener, best first, padded with -1: shape (n_listeners, k)."""
    scores = model.score_many(known)
    scores[np.repeat(np.arange(known.shape[0]), np.diff(known.indptr)), known.indices] = -np.inf
    best = _best(scores, k)
    return np.pad(best, ((0, 0), (0, k - best.shape[1])), constant_values=-1)


def _best(scores: Floats, k: int) -> Columns:
    """Equal scores stand in the order of their columns."""
    size = min(k, scores.shape[1])
    pool = np.sort(np.argpartition(-scores, size - 1, axis=1)[:, :size], axis=1) if size else np.empty((len(scores), 0), int)
    values = np.take_along_axis(scores, pool, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    ordered = np.take_along_axis(pool, order, axis=1)
    return np.where(np.take_along_axis(values, order, axis=1) > -np.inf, ordered, -1).astype(np.int32)


def _sample(listeners: npt.NDArray[np.intp], most: int | None, seed: int) -> npt.NDArray[np.intp]:
    if most is None or len(listeners) <= most:
        return listeners
    return np.sort(np.random.default_rng(seed).choice(listeners, most, replace=False))
