"""Learning the blend's weights on held-out interactions: a small grid, once for each degree of warmth.

For each validation listener the best tracks of every part are pooled and re-ranked under each combination of weights, which
costs a sort of a few hundred numbers instead of a pass over the catalogue. The pool holds what any sensible combination would
put on top.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from segue.evaluation.metrics import ndcg, recall
from segue.models.blend import PARTS, Blend, BlendConfig, Weights
from segue.models.contract import Floats, positive
from segue.models.ranking import standardise

K = 20
POOL_OF_EACH = 100
"""Tracks that each part brings to a listener's pool."""
MAX_LISTENERS = 1_000
"""Validation listeners of one degree of warmth; more narrow the choice no further."""
MIN_LISTENERS = 30
"""Below that many the default weights stay: the winner of a grid would be chance."""
BATCH = 128
WARMTH = (1, 5, 20)
"""Least numbers of liked tracks at which other weights may hold."""
NO_LIMIT = sys.maxsize
_ALS_SHARES = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85)
_CONTENT = (0.0, 0.15, 0.35)
_POPULARITY = (0.0, 0.1)
GRID: tuple[Weights, ...] = tuple(
    (als, 1.0 - als, content, popularity) for als, content, popularity in product(_ALS_SHARES, _CONTENT, _POPULARITY)
)


@dataclass(frozen=True)
class Pool:
    """Pooled candidates of some listeners: `scores` (n_listeners, n_parts, size) z-scores, `relevant` (n_listeners, size),
    `n_relevant` (n_listeners,): relevant tracks in all."""

    scores: Floats
    relevant: npt.NDArray[np.bool_]
    n_relevant: npt.NDArray[np.int64]


def learn_weights(
    blend: Blend, known: csr_matrix[np.float32], held_out: csr_matrix[np.float32], seed: int = 5
) -> tuple[BlendConfig, dict[str, int]]:
    """The weights that rank `held_out` best for listeners of whom `known` is all that is known, and how many judged each warmth.

    `blend` must be fitted without `held_out`. Both matrices have shape (n_listeners, n_tracks). A warmth with fewer than
    MIN_LISTENERS listeners keeps the weights that the blend has.
    """
    liked = np.diff(positive(known).indptr)
    judged = np.diff(held_out.indptr) > 0
    learnt: list[tuple[int, Weights]] = []
    counts: dict[str, int] = {}
    for least, below in pairwise((*WARMTH, NO_LIMIT)):
        listeners = _sample(np.flatnonzero(judged & (liked >= least) & (liked < below)), seed)
        counts[f"{least}+"] = len(listeners)
        current = blend.config.weights_for(least)
        learnt.append((least, _best(blend, known, held_out, listeners) if len(listeners) >= MIN_LISTENERS else current))
    return BlendConfig(tuple(learnt), blend.config.likeness, blend.config.transfer), counts


def _best(
    blend: Blend, known: csr_matrix[np.float32], held_out: csr_matrix[np.float32], listeners: npt.NDArray[np.intp]
) -> Weights:
    totals = np.zeros(len(GRID))
    for batch in _batches(listeners):
        pool = pooled(blend, known[batch], held_out[batch])
        totals += [_quality(pool, weights) for weights in GRID]
    # The first of equals: the grid goes from fewer to more parts.
    return GRID[int(np.argmax(totals))]


def pooled(blend: Blend, known: csr_matrix[np.float32], held_out: csr_matrix[np.float32]) -> Pool:
    """The candidates of a batch of listeners, what they already know left out."""
    scores = np.stack([_masked_standard(part.score_many(known), known) for part in blend.parts().values()], axis=1)
    size = min(POOL_OF_EACH, scores.shape[2])
    best = np.argpartition(-scores, size - 1, axis=2)[:, :, :size].reshape(len(scores), -1)
    repeated = _repeated(best)
    gathered = np.take_along_axis(scores, best[:, None, :], axis=2)
    gathered = np.where(repeated[:, None, :], -np.inf, gathered).astype(np.float32)
    relevant = np.take_along_axis(held_out.toarray() > 0, best, axis=1) & ~repeated
    return Pool(gathered, relevant, np.diff(held_out.indptr).astype(np.int64))


def _quality(pool: Pool, weights: Weights) -> float:
    """Recall@20 + NDCG@20, summed over the listeners."""
    used = [part for part in range(len(PARTS)) if weights[part]]
    total = np.einsum("p,lps->ls", np.array([weights[part] for part in used], np.float32), pool.scores[:, used])
    k = min(K, total.shape[1])
    top = np.argpartition(-total, k - 1, axis=1)[:, :k]
    top = np.take_along_axis(top, np.argsort(-np.take_along_axis(total, top, axis=1), axis=1, kind="stable"), axis=1)
    hits = np.take_along_axis(pool.relevant, top, axis=1)
    return float(recall(hits, pool.n_relevant).sum() + ndcg(hits, pool.n_relevant).sum())


def _masked_standard(scores: Floats, known: csr_matrix[np.float32]) -> Floats:
    standard, _ = standardise(scores)
    standard[np.repeat(np.arange(known.shape[0]), np.diff(known.indptr)), known.indices] = -np.inf
    return standard


def _repeated(columns: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Where a row names a column again."""
    order = np.argsort(columns, axis=1, kind="stable")
    ordered = np.take_along_axis(columns, order, axis=1)
    again = np.zeros(columns.shape, np.bool_)
    np.put_along_axis(again, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
    return again


def _sample(listeners: npt.NDArray[np.intp], seed: int) -> npt.NDArray[np.intp]:
    if len(listeners) <= MAX_LISTENERS:
        return listeners
    return np.sort(np.random.default_rng(seed).choice(listeners, MAX_LISTENERS, replace=False))


def _batches(listeners: npt.NDArray[np.intp]) -> Iterator[npt.NDArray[np.intp]]:
    return (listeners[start : start + BATCH] for start in range(0, len(listeners), BATCH))
