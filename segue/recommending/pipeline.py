"""retrieve → score → filter → diversify → explain, the same for every kind of question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from segue.ids import TrackNo
from segue.models.contract import Floats
from segue.recommending.adventure import NEUTRAL, Dial, novelty
from segue.recommending.diversity import Diversity, diversified
from segue.recommending.eligibility import Eligibility, Note
from segue.recommending.exploration import EXPLORED, drawn, strangers
from segue.recommending.reasons import Reason, exploring, sources
from segue.recommending.retrieval import Pool, Ranking
from segue.recommending.sources import Source
from segue.recommending.stages import Stage
from segue.recommending.steering import Steering

_RELAXED = {
    "per_album": "Too few other tracks are left, so an album has more than its share",
    "per_artist": "Too few other tracks are left, so an artist has more than their share",
}


@dataclass(frozen=True)
class Recommendation:
    """One track of an answer.

    `score` orders tracks within one answer only and is the sum of `parts`; `sources` are the models behind it, strongest first.
    `propensity`: with which probability the track got this slot, 1 without exploration.
    """

    track_no: TrackNo
    score: float
    reason: Reason
    sources: tuple[str, ...]
    parts: Mapping[str, float]
    propensity: float = 1.0


@dataclass(frozen=True)
class Answer:
    """The tracks in the order to show, and what to know about them: why there are none or few, which caps gave way."""

    items: tuple[Recommendation, ...]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Question:
    """What is asked of the pipeline; `explain` gives one reason for each column of a pool."""

    source: Source
    eligibility: Eligibility
    n: int
    steering: Steering
    diversity: Diversity
    explain: Callable[[Pool], Sequence[Reason]]
    popularity: Floats
    """log2(1 + plays) of every column."""

    @property
    def dial(self) -> Dial | None:
        """None leaves the scores alone."""
        if self.steering.adventurousness == NEUTRAL:
            return None
        return Dial(
            self.steering.adventurousness,
            lambda columns: novelty(self.popularity[columns], self.source.closeness(columns)),
        )

    def ranking(self, track_nos: npt.NDArray[np.int32]) -> Ranking:
        """The ranking of what is eligible."""
        return Ranking(self.source, self.eligibility.mask, self.eligibility.facts, track_nos, self.dial)


def answered(question: Question, track_nos: npt.NDArray[np.int32]) -> Answer:
    """`n` tracks, fewer only if fewer are eligible."""
    ranking = question.ranking(track_nos)
    pool = ranking.pool(question.n, question.diversity)
    facts = question.eligibility.facts
    with Stage("diversify"):
        vectors = question.source.vectors(pool.columns)
        chosen = diversified(
            pool.total, vectors, facts.artist[pool.columns], facts.album[pool.columns], question.n, question.diversity
        )
    items = _slots(question, ranking, pool.at(chosen.positions), track_nos)
    notes = [Note(f"{name}_relaxed", _RELAXED[name], (name,)) for name in chosen.relaxed]  # type: ignore[arg-type]
    return Answer(tuple(items), tuple(_count_notes(question, len(items)) + notes))


def _slots(question: Question, ranking: Ranking, ranked: Pool, track_nos: npt.NDArray[np.int32]) -> list[Recommendation]:
    exploration = question.steering.exploration
    if exploration.epsilon == 0.0:
        return _recommendations(ranked, _explained(question, ranked), track_nos)
    others = _to_explore(question, ranking, ranked)
    slots = drawn(len(ranked.columns), len(others.columns), exploration)
    shown = _recommendations(ranked, _explained(question, ranked), track_nos)
    drawn_pool = others.at(slots.positions[slots.explored])
    tried = iter(_recommendations(drawn_pool, [exploring()] * len(drawn_pool.columns), track_nos))
    picked = [next(tried) if explored else item for item, explored in zip(shown, slots.explored, strict=True)]
    return [replace(item, propensity=float(p)) for item, p in zip(picked, slots.propensity, strict=True)]


def _explained(question: Question, ranked: Pool) -> Sequence[Reason]:
    with Stage("explain"):
        return question.explain(ranked)


def _to_explore(question: Question, ranking: Ranking, ranked: Pool) -> Pool:
    facts = question.eligibility.facts
    pool = ranking.pool(question.n, question.diversity, EXPLORED)
    pool = pool.at(strangers(facts.artist[pool.columns], facts.artist[ranked.columns]))
    return pool.at(np.flatnonzero(~np.isin(facts.song[pool.columns], facts.song[ranked.columns])))


def _recommendations(pool: Pool, reasons: Sequence[Reason], track_nos: npt.NDArray[np.int32]) -> list[Recommendation]:
    return [
        Recommendation(TrackNo(number), round(score, 4), reason, sources(share), share)
        for number, score, reason, share in zip(
            track_nos[pool.columns].tolist(), pool.total.tolist(), reasons, pool.shares, strict=True
        )
    ]


def _count_notes(question: Question, found: int) -> list[Note]:
    if found >= question.n:
        return []
    if found == 0:
        return [question.eligibility.why_empty()]
    return [Note("fewer_than_asked", f"Only {found} of {question.n} tracks pass; all of them are here", ("n",))]
