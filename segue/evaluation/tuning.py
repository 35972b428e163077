"""Learning the blend's weights on held-out interactions: one weight after the other, once for each degree of warmth.

How good the lists are changes smoothly with a weight, but what a few hundred listeners say of it is noise by half a per cent and
more. So the highest point of a curve through all levels is taken, not the level that came out best. Measured with weights drawn
from 1,000 listeners and judged by 7,000 others: the choice loses .1 to .3 % of the best quality instead of .4 to .6 %, as much
as four times the listeners would gain.

For each validation listener the best tracks of every part are pooled and re-ranked under each combination of weights, which
costs a sort of a few hundred numbers instead of a pass over the catalogue. The pool holds what any sensible combination would
put on top.

Those who listen most are in the majority among listeners who have something held out, and newcomers hardly occur. A degree of
warmth with few listeners therefore borrows warmer ones and looks at a part of what they like, as long as theirs would be.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from numpy.polynomial import Polynomial
from scipy.sparse import csr_matrix

from segue.evaluation.metrics import hits_of, ndcg, recall
from segue.evaluation.report import batches_of, best_of_others
from segue.models.blend import PARTS, Blend, BlendConfig, Weights
from segue.models.contract import Columns, Floats, positive
from segue.models.parallel import in_threads
from segue.models.ranking import list_moments

K = 20
POOL_OF_EACH = 100
"""Tracks that each part brings to a listener's pool."""
MAX_LISTENERS = 1_000
"""Validation listeners of one degree of warmth; more narrow the choice no further."""
MIN_LISTENERS = 30
"""Below that many the weights stay: what wins would be chance."""
WARMTH = (1, 5, 20)
"""Least numbers of liked tracks at which other weights may hold."""
NO_LIMIT = sys.maxsize
ROUNDS = 3
"""Times that each weight is looked at again after the others changed; the third finds nothing any more, as a rule."""
LEVELS: dict[str, tuple[float, ...]] = {
    "collaborative": tuple(round(0.05 * step, 2) for step in range(21)),
    "content": (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.3, 1.6, 2.0),
    "popularity": (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.3, 1.6, 2.0),
}
"""Levels of each weight. `collaborative` is the weight of ALS, and co-listening has what is missing to 1."""
DEGREE = 3
"""Of the curve: a parabola misses that quality falls faster on one side."""
REACH = 6
"""Levels on either side of the best one that the curve goes through."""


@dataclass(frozen=True)
class Pool:
    """Pooled candidates of the listeners who have a relevant one: `scores` (n_listeners, n_parts, size) z-scores, -inf for none.

    `row`, `place`: listener and candidate of each relevant one; `n_relevant` (n_listeners,): relevant tracks in all.
    """

    scores: Floats
    row: npt.NDArray[np.intp]
    place: npt.NDArray[np.intp]
    n_relevant: npt.NDArray[np.int64]

    @classmethod
    def joined(cls, pools: Sequence[Pool]) -> Pool:
        """Of at least one pool, all of one size."""
        first = np.cumsum([0, *(len(pool.scores) for pool in pools)])
        rows = [pool.row + start for pool, start in zip(pools, first.tolist(), strict=False)]
        parts = ((name, [getattr(pool, name) for pool in pools]) for name in ("scores", "place", "n_relevant"))
        return cls(row=np.concatenate(rows), **{name: np.concatenate(arrays) for name, arrays in parts})


def learn_weights(
    blend: Blend, known: csr_matrix[np.float32], held_out: csr_matrix[np.float32], seed: int = 5
) -> tuple[BlendConfig, dict[str, int]]:
    """The weights that rank `held_out` best for listeners of whom `known` is all that is known, and how many judged each warmth.

    `blend` must be fitted without `held_out`. Both matrices have shape (n_listeners, n_tracks). A warmth with fewer than
    MIN_LISTENERS listeners, borrowed ones included, keeps the weights that the blend has.
    """
    liked = np.diff(positive(known).indptr)
    judged = np.diff(held_out.indptr) > 0
    random = np.random.default_rng(seed)
    learnt: list[tuple[int, Weights]] = []
    counts: dict[str, int] = {}
    for least, below in pairwise((*WARMTH, NO_LIMIT)):
        own = _sample(np.flatnonzero(judged & (liked >= least) & (liked < below)), MAX_LISTENERS, random)
        warmer = _sample(np.flatnonzero(judged & (liked >= below)), MAX_LISTENERS - len(own), random)
        listeners = np.concatenate([own, warmer])
        counts[f"{least}+"] = len(listeners)
        told = known[listeners]
        if len(warmer):
            sizes = np.where(np.arange(len(listeners)) < len(own), NO_LIMIT, random.integers(least, below, len(listeners)))
            told = shortened(told, sizes, random)
        current = blend.config.weights_for(least)
        enough = len(listeners) >= MIN_LISTENERS
        learnt.append((least, _best(blend, told, known[listeners], held_out[listeners], current) if enough else current))
    return replace(blend.config, weights=tuple(learnt)), counts


def shortened(known: csr_matrix[np.float32], sizes: npt.NDArray[np.int64], random: np.random.Generator) -> csr_matrix[np.float32]:
    """`known` with at most `sizes` (n_rows,) random positive entries of each row; of the others the same share stays."""
    row = np.repeat(np.arange(known.shape[0]), np.diff(known.indptr))
    liked = known.data > 0
    place = np.empty(known.nnz, np.int64)
    # The place of an entry among those of its row and sign, in random order.
    order = np.lexsort((random.random(known.nnz), liked, row))
    group = row[order] * 2 + liked[order]
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    place[order] = np.arange(known.nnz) - np.repeat(starts, np.diff(np.append(starts, known.nnz)))
    n_liked = np.bincount(row, weights=liked, minlength=known.shape[0])
    n_other = np.bincount(row, weights=~liked, minlength=known.shape[0])
    share = np.minimum(sizes / np.maximum(n_liked, 1.0), 1.0)
    kept = place < np.where(liked, sizes[row], np.rint(share * n_other)[row])
    counts = np.bincount(row, weights=kept, minlength=known.shape[0]).astype(np.int64)
    return csr_matrix((known.data[kept], known.indices[kept], np.append(0, np.cumsum(counts))), shape=known.shape)


def _best(
    blend: Blend,
    told: csr_matrix[np.float32],
    known: csr_matrix[np.float32],
    held_out: csr_matrix[np.float32],
    start: Weights,
) -> Weights:
    """Weights from which changing any single one promises no gain, reached from `start`."""
    pool = pooled(blend, told, held_out, known)
    quality: dict[Weights, float] = {}

    def judged(weights: Weights) -> float:
        if weights not in quality:
            quality[weights] = _quality(pool, weights)
        return quality[weights]

    best = start
    for _ in range(ROUNDS):
        before = best
        for name, levels in LEVELS.items():
            choices = [_with(best, name, level) for level in levels]
            found = peak(np.array(list(in_threads(judged, choices))))
            # A part that says nothing changes nothing at any weight.
            best = best if found is None else choices[found]
        if best == before:
            break
    return best


def peak(quality: npt.NDArray[np.float64]) -> int | None:
    """Where the curve through noisy qualities of ascending levels, shape (n,), is highest; None if they are all the same.

    The curve is a polynomial by least squares (Box, Wilson, "On the Experimental Attainment of Optimum Conditions", 1951), over
    the levels near the best. A level counts as one step, whatever its distance from the next.
    """
    if np.ptp(quality) == 0.0:
        return None
    best = int(np.argmax(quality))
    near = np.arange(max(0, best - REACH), min(len(quality), best + REACH + 1))
    curve = Polynomial.fit(near, quality[near], min(DEGREE, len(near) - 1))
    return int(near[np.argmax(curve(near))])


def _with(weights: Weights, name: str, level: float) -> Weights:
    als, co_listening, content, popularity = weights
    if name == "collaborative":
        return (level, round(1.0 - level, 6), content, popularity)
    return (als, co_listening, level, popularity) if name == "content" else (als, co_listening, content, level)


def pooled(blend: Blend, told: csr_matrix[np.float32], held_out: csr_matrix[np.float32], known: csr_matrix[np.float32]) -> Pool:
    """The candidates of listeners scored by what is `told` of them; what is `known` is left out."""
    batches = batches_of(told.shape[0], blend.n_tracks)
    return Pool.joined(list(in_threads(lambda rows: _pooled(blend, told[rows], held_out[rows], known[rows]), batches)))


def _pooled(blend: Blend, told: csr_matrix[np.float32], held_out: csr_matrix[np.float32], known: csr_matrix[np.float32]) -> Pool:
    raw = [part.score_many(told) for part in blend.parts().values()]
    moments = [list_moments(scores, told) for scores in raw]
    best = np.hstack([_best_of_part(scores, spread, known) for scores, (_, spread) in zip(raw, moments, strict=True)])
    absent = _repeated(best) | (best < 0)
    column = np.maximum(best, 0)
    standard = [
        (np.take_along_axis(scores, column, axis=1) - mean) / spread for scores, (mean, spread) in zip(raw, moments, strict=True)
    ]
    gathered = np.where(absent[:, None, :], np.float32(-np.inf), np.stack(standard, axis=1))
    row, place = np.nonzero(hits_of(best, held_out) & ~absent)
    # Who has nothing relevant in the pool has no say in any weights.
    kept, row = np.unique(row, return_inverse=True)
    return Pool(gathered[kept], row, place, np.diff(held_out.indptr)[kept].astype(np.int64))


def _best_of_part(scores: Floats, spread: Floats, known: csr_matrix[np.float32]) -> Columns:
    """Columns (n_listeners, POOL_OF_EACH), -1 for none: a part that says the same of all tracks brings nothing."""
    if np.isinf(spread).all():
        return np.full((len(scores), POOL_OF_EACH), -1, np.int32)
    return best_of_others(scores, known, POOL_OF_EACH)


def _quality(pool: Pool, weights: Weights) -> float:
    """Recall@20 + NDCG@20, summed over the listeners. Of equal candidates the first of the pool stands first."""
    used = [part for part in range(len(PARTS)) if weights[part]]
    total = np.einsum("p,lps->ls", np.array([weights[part] for part in used], np.float32), pool.scores[:, used])
    own, others = total[pool.row, pool.place][:, None], total[pool.row]
    ahead = (others > own) | ((others == own) & (np.arange(total.shape[1]) < pool.place[:, None]))
    rank = np.count_nonzero(ahead, axis=1)
    found = rank < K
    hits = np.zeros((len(total), K), np.bool_)
    hits[pool.row[found], rank[found]] = True
    return float(recall(hits, pool.n_relevant).sum() + ndcg(hits, pool.n_relevant).sum())


def _repeated(columns: Columns) -> npt.NDArray[np.bool_]:
    """Where a row names a column again."""
    order = np.argsort(columns, axis=1, kind="stable")
    ordered = np.take_along_axis(columns, order, axis=1)
    again = np.zeros(columns.shape, np.bool_)
    np.put_along_axis(again, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
    return again


def _sample(listeners: npt.NDArray[np.intp], n: int, random: np.random.Generator) -> npt.NDArray[np.intp]:
    return listeners if len(listeners) <= n else np.sort(random.choice(listeners, n, replace=False))
