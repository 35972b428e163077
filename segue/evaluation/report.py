"""Judging a model by the protocol of the published comparisons, through the code that serves.

Rank all tracks for each listener from the history alone (fold-in; no trained listener factors), leave out what the listener
knows, cut at k, average over the listeners with held-out tracks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from segue.evaluation.best_columns import best_columns
from segue.evaluation.lists import of_all_lists
from segue.evaluation.metrics import accuracy
from segue.models.contract import Columns, Floats

K = 20
BATCH_SCORES = 16_000_000
"""Scores held at once: 64 MB for each list that a model computes."""

Advance = Callable[[int], None]
"""Told how many more listeners are done."""


class Scorer(Protocol):
    """The part of a model that judging needs."""

    @property
    def n_tracks(self) -> int:
        """Number of columns."""

    def score_many(self, histories: csr_matrix[np.float32]) -> Floats:
        """Scores (n_histories, n_tracks) of histories (n_histories, n_tracks)."""


def evaluated(
    model: Scorer,
    known: csr_matrix[np.float32],
    held_out: csr_matrix[np.float32],
    k: int = K,
    max_listeners: int | None = None,
    seed: int = 3,
) -> dict[str, float]:
    """`recall@k`, `ndcg@k`, `hit_rate@k`, `coverage@k` and `listeners` of a model that was fitted without `held_out`.

    Both matrices have shape (n_listeners, n_tracks). `max_listeners` judges a random sample; zeros when nobody can be judged.
    """
    listeners = judged_listeners(held_out, max_listeners, seed)
    lists = ranked_lists(model, known[listeners], k)
    values = accuracy(lists, held_out[listeners])
    return {
        **{f"{name}@{k}": float(values[name].mean()) if len(listeners) else 0.0 for name in ("recall", "ndcg", "hit_rate")},
        f"coverage@{k}": of_all_lists(lists, model.n_tracks)["coverage"],
        "listeners": float(len(listeners)),
    }


def judged_listeners(held_out: csr_matrix[np.float32], most: int | None = None, seed: int = 3) -> npt.NDArray[np.intp]:
    """The rows that have held-out tracks, ascending; a random sample of `most` if there are more."""
    listeners = np.flatnonzero(np.diff(held_out.indptr) > 0)
    if most is None or len(listeners) <= most:
        return listeners
    return np.sort(np.random.default_rng(seed).choice(listeners, most, replace=False))


def ranked_lists(
    model: Scorer,
    known: csr_matrix[np.float32],
    k: int,
    advance: Advance = lambda _: None,
    heard: csr_matrix[np.float32] | None = None,
) -> Columns:
    """`ranked` of any number of listeners, BATCH_SCORES scores at a time: int32 (n_listeners, k)."""
    size = max(1, BATCH_SCORES // max(model.n_tracks, 1))
    lists = np.full((known.shape[0], k), -1, np.int32)
    for start in range(0, known.shape[0], size):
        rows = slice(start, min(start + size, known.shape[0]))
        lists[rows] = ranked(model, known[rows], k, None if heard is None else heard[rows])
        advance(rows.stop - start)
    return lists


def ranked(model: Scorer, known: csr_matrix[np.float32], k: int, heard: csr_matrix[np.float32] | None = None) -> Columns:
    """The best `k` columns of each listener, best first, padded with -1: shape (n_listeners, k).

    `known`: the history that the model answers from. The tracks of `heard` (default: of `known`) are left out.
    """
    scores = model.score_many(known)
    out = known if heard is None else heard
    scores[np.repeat(np.arange(out.shape[0]), np.diff(out.indptr)), out.indices] = -np.inf
    return best_columns(scores, k)
