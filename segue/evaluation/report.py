"""Judging a model by the protocol of the published comparisons, through the code that serves.

Rank all tracks for each listener from the history alone (fold-in; no trained listener factors), leave out what the listener
knows, cut at k, average over the listeners with held-out tracks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from segue.evaluation.best_columns import best_columns
from segue.evaluation.lists import of_all_lists
from segue.evaluation.metrics import accuracy
from segue.models.blend import Blend
from segue.models.contract import Columns, Floats
from segue.models.parallel import in_threads

K = 20
BATCH_SCORES = 1_000_000
"""Scores of one model held at once by each thread: 4 MB. Twice as many would save a twentieth of the time."""
COMBINED_ROWS = 8

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
    return _figures(ranked_lists(model, known[listeners], k), held_out[listeners], model.n_tracks)


def evaluated_with_parts(
    blend: Blend, known: csr_matrix[np.float32], held_out: csr_matrix[np.float32], max_listeners: int | None = None, seed: int = 3
) -> dict[str, dict[str, float]]:
    """`evaluated` of the blend and of each of its parts at K; the parts score every listener once for both."""
    listeners = judged_listeners(held_out, max_listeners, seed)
    histories, relevant = known[listeners], held_out[listeners]
    batches = [histories[rows] for rows in batches_of(len(listeners), blend.n_tracks)]
    ranked_batches = list(in_threads(lambda batch: _ranked_with_parts(blend, batch), batches))
    names = ("blend", *blend.parts())
    nobody = np.empty((0, K), np.int32)
    lists = {name: np.concatenate([nobody, *(ranks[name] for ranks in ranked_batches)]) for name in names}
    return {name: _figures(lists[name], relevant, blend.n_tracks) for name in names}


def batches_of(listeners: int, n_tracks: int) -> list[slice]:
    """Batches whose scores of all tracks are at most BATCH_SCORES; one listener at least."""
    size = max(1, BATCH_SCORES // max(n_tracks, 1))
    return [slice(start, min(start + size, listeners)) for start in range(0, listeners, size)]


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
    lists = np.full((known.shape[0], k), -1, np.int32)
    for rows in batches_of(known.shape[0], model.n_tracks):
        lists[rows] = ranked(model, known[rows], k, None if heard is None else heard[rows])
        advance(rows.stop - rows.start)
    return lists


def ranked(model: Scorer, known: csr_matrix[np.float32], k: int, heard: csr_matrix[np.float32] | None = None) -> Columns:
    """The best `k` columns of each listener, best first, padded with -1: shape (n_listeners, k).

    `known`: the history that the model answers from. The tracks of `heard` (default: of `known`) are left out.
    """
    return best_of_others(model.score_many(known), known if heard is None else heard, k)


def best_of_others(scores: Floats, heard: csr_matrix[np.float32], k: int) -> Columns:
    """`best_columns` but those of `heard`, of the shape of `scores`, which are as before afterwards."""
    at = np.repeat(np.arange(heard.shape[0]), np.diff(heard.indptr)), heard.indices
    own = scores[at]
    scores[at] = -np.inf
    best = best_columns(scores, k)
    scores[at] = own
    return best


def _ranked_with_parts(blend: Blend, known: csr_matrix[np.float32]) -> dict[str, Columns]:
    raw = {name: part.score_many(known) for name, part in blend.parts().items()}
    # Few rows at a time, as z-scores and weighted scores of each part are held together.
    some = [slice(start, start + COMBINED_ROWS) for start in range(0, known.shape[0], COMBINED_ROWS)]
    blended = [_blended(blend, known[rows], {name: scores[rows] for name, scores in raw.items()}) for rows in some]
    parts = {name: best_of_others(scores, known, K) for name, scores in raw.items()}
    return {"blend": np.concatenate(blended), **parts}


def _blended(blend: Blend, known: csr_matrix[np.float32], raw: Mapping[str, Floats]) -> Columns:
    return best_of_others(blend.combined(known, raw), known, K)


def _figures(lists: Columns, held_out: csr_matrix[np.float32], n_tracks: int) -> dict[str, float]:
    k, values = lists.shape[1], accuracy(lists, held_out)
    return {
        **{f"{name}@{k}": float(values[name].mean()) if len(lists) else 0.0 for name in ("recall", "ndcg", "hit_rate")},
        f"coverage@{k}": of_all_lists(lists, n_tracks)["coverage"],
        "listeners": float(len(lists)),
    }
