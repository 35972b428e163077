"""Whether the order of listening tells what comes next: next-track prediction on held-out sessions.

A case is a session up to some moment; what was played next, and not skipped, is to be found among all tracks that the session did
not have yet. Hit rate at K and mean reciprocal rank as in Quadrana, Cremonesi, Jannach, "Sequence-Aware Recommender Systems",
ACM Computing Surveys 2018. Odd listeners choose the weight, even ones judge it.

Cost: one blend score for each case, MAX_CASES at most; 2.6 ms each at 28,352 tracks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.evaluation.bootstrap import Interval, intervals, resampled_means
from segue.models.blend import Blend
from segue.models.contract import Floats
from segue.models.transitions import OrderedListens
from segue.recommending.sessions import session_history

K = 20
WEIGHTS = (0.0, 0.3, 1.0, 3.0, 10.0)
MAX_CASES = 600
MIN_CASES = 60
"""Fewer prove nothing: the weight stays 0."""


@dataclass(frozen=True)
class Case:
    """A session up to a moment: `columns` int32 and `skipped`, oldest first; `target`: the column that was played next."""

    columns: npt.NDArray[np.int32]
    skipped: npt.NDArray[np.bool_]
    target: int


@dataclass(frozen=True)
class Order:
    """`weight`: what the sequence model may say; of the listeners who judge: hits at K and reciprocal ranks, without and with it.

    `hit_lead` and `mrr_lead`: with minus without, paired.
    """

    weight: float
    cases: int
    hit_without: Interval
    hit_with: Interval
    hit_lead: Interval
    mrr_without: Interval
    mrr_with: Interval
    mrr_lead: Interval

    def metrics(self) -> dict[str, float]:
        """As a manifest holds it; what was not measured is left out."""
        if self.cases == 0:
            return {"weight": self.weight, "sessions": 0.0}
        return {
            "weight": self.weight, "sessions": float(self.cases), f"hit@{K}_without": self.hit_without.mean,
            f"hit@{K}": self.hit_with.mean, "mrr_without": self.mrr_without.mean, "mrr": self.mrr_with.mean,
        }  # fmt: skip


def cases(listens: OrderedListens, track_nos: npt.NDArray[np.int32], seed: int = 11) -> list[Case]:
    """One case of each listener, drawn at random, MAX_CASES at most. `track_nos` ascending, the track of each column."""
    session = listens.session_of()
    first = np.searchsorted(session, session)
    column = np.searchsorted(track_nos, listens.track_no).astype(np.int32)
    target = np.flatnonzero((np.arange(len(listens)) > first) & (listens.skipped == 0))
    random = np.random.default_rng(seed)
    target = random.permutation(target)
    target = np.array([at for at in target.tolist() if column[at] not in column[first[at] : at]], np.int64)
    _, one_each = np.unique(listens.user_no[target], return_index=True)
    chosen = random.permutation(target[one_each])[:MAX_CASES].tolist()
    return [Case(column[first[at] : at], listens.skipped[first[at] : at] == 1, int(column[at])) for at in chosen]


def judged_sequence(blend: Blend, listens: OrderedListens, track_nos: npt.NDArray[np.int32]) -> Order:
    """The weight in WEIGHTS that finds next tracks best, 0 unless its lead over 0 is sure, and what it is worth.

    `blend` must be fitted without `listens`.
    """
    found = cases(listens, track_nos)
    if len(found) < MIN_CASES or not blend.sequence.pairs:
        unknown = Interval(*[float("nan")] * 3)
        return Order(0.0, 0, *[unknown] * 6)
    ranks = np.array([_ranks(blend, case) for case in found])
    weight = _chosen(1.0 / ranks[1::2])
    judged = ranks[::2][:, [0, WEIGHTS.index(weight)]]
    hits, reciprocal = (judged <= K).astype(np.float64), 1.0 / judged
    figures = [np.column_stack([values, values[:, 1] - values[:, 0]]) for values in (hits, reciprocal)]
    table = np.hstack(figures)
    return Order(weight, len(judged), *intervals(table, resampled_means(table, seed=0)))


def _chosen(reciprocal: npt.NDArray[np.float64]) -> float:
    """The best of WEIGHTS by mean reciprocal rank (n_cases, len(WEIGHTS)), if its lead over none is above 0 for sure."""
    best = int(np.argmax(reciprocal.mean(axis=0)))
    lead = (reciprocal[:, best] - reciprocal[:, 0])[:, None]
    return WEIGHTS[best] if intervals(lead, resampled_means(lead, seed=1))[0].low > 0 else 0.0


def _ranks(blend: Blend, case: Case) -> list[float]:
    """The rank of the target, from 1, under each of WEIGHTS; equals count half."""
    history = session_history(case.columns.tolist(), case.skipped.tolist())
    base, follows = blend.score_all(history), blend.follows(history)
    return [_rank(base + np.float32(weight) * follows, case) for weight in WEIGHTS]


def _rank(total: Floats, case: Case) -> float:
    total[case.columns] = -np.inf
    own = total[case.target]
    return 1.0 + float((total > own).sum()) + (float((total == own).sum()) - 1.0) / 2.0
