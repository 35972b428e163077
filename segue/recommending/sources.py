"""Where the scores of each kind of question come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from segue.models.blend import Blend, BlendReading, added
from segue.models.contract import Columns, Floats, History, Mask, Reading
from segue.models.index import EXACT_TRACKS
from segue.models.likeness import Likeness
from segue.models.moments import Moments
from segue.models.ranking import distinct, top_columns

SONG_POPULARITY = 0.1
"""Of two songs equally like the seed, the better known one; the likeness of the closest songs is about 1."""
MISERY = 1.0
"""What a group's score loses for each standard deviation by which the least happy member falls below their own average track."""
SUITS = 1.0
"""A track suits a member when it stands so many standard deviations above the member's average track."""

SPREAD_SAMPLE = 4_096


class Source(Protocol):
    """Scores of one question."""

    def candidates(self, n: int, allowed: Mask) -> Columns:
        """Distinct `allowed` (n_tracks,) columns, at least `n` if there are so many, in any order: the best by each part."""

    def parts(self, columns: Columns | None) -> dict[str, Floats]:
        """Each part's share of the score of `columns` (None: of every column); they add up to the score."""

    def closeness(self, columns: Columns) -> Floats:
        """How near each of `columns` is to what is liked, of any scale."""

    def vectors(self, columns: Columns) -> Floats:
        """Vectors (len(columns), d) whose dot products are the tracks' likenesses, in 0..1."""


@dataclass(frozen=True)
class Lift:
    """Raises tracks by `weights` (n_tracks,) in 0..1, the full weight by `spans` times the range of the scores; a part `name`."""

    name: str
    weights: Floats
    spans: float


@dataclass(frozen=True)
class ListenerSource:
    """A listener, a session or a playlist: the blend's parts for a history, and lifts for what was chosen.

    `running`: the tracks of the session that runs now, in the order of their times; what comes next after them is a part of its
    own, `sequence`.
    """

    blend: Blend
    history: History
    lifts: tuple[Lift, ...] = ()
    running: History = field(default_factory=History.empty)

    @cached_property
    def reading(self) -> BlendReading:
        """What the blend makes of the history."""
        return self.blend.read(self.history)

    @cached_property
    def following(self) -> Reading | None:
        """What is played next after the running tracks; None where no order tells or its weight is 0."""
        if not (len(self.running) and self.blend.config.sequence and self.blend.sequence.pairs):
            return None
        return self.blend.sequence.read(self.running)

    @cached_property
    def moments(self) -> Moments:
        """Mean and spread of the scores: of every track or, in a large catalogue, of SPREAD_SAMPLE that lie evenly in it."""
        n = self.blend.n_tracks
        few = n <= EXACT_TRACKS
        return Moments.of_list(self.reading.scores(None if few else np.linspace(0, n - 1, SPREAD_SAMPLE).astype(np.int32)))

    def standardised(self, columns: Columns | None) -> Floats:
        """Scores of `columns` (None: every track) in standard deviations from the listener's average track."""
        scores = self.reading.scores(columns) - np.float32(self.moments.mean)
        scores *= np.float32(1.0 / self.moments.spread)
        return scores

    def candidates(self, n: int, allowed: Mask) -> Columns:
        """The best of each model, the best known of what is lifted, and what comes next."""
        found = [self.reading.candidates(n, allowed), *(self._lifted(lift, n, allowed) for lift in self.lifts)]
        if self.following is not None:
            found.append(self.following.candidates(n, allowed))
        return distinct(*found) if len(found) > 1 else found[0]

    def parts(self, columns: Columns | None) -> dict[str, Floats]:
        """By model, and by lift."""
        blended = self.reading.blended(columns)
        parts = {**blended.parts, **self._following_part(columns)}
        # Over a few columns the range is theirs, which is all that the lifted ones have to rise above.
        span = float(np.ptp(blended.total)) if self.lifts and len(blended.total) else 0.0
        for lift in self.lifts:
            weights = lift.weights if columns is None else lift.weights[columns]
            parts[lift.name] = weights * np.float32(lift.spans * span)
        return parts

    def evidence(self, part: str, columns: Columns) -> Floats | None:
        """What each track of the history adds to `part` of each of `columns`, (len(columns), len(history)).

        None for a part that does not look at histories.
        """
        if part == "sequence":
            return self._followed(columns)
        return self.reading.evidence(part, columns)

    def _lifted(self, lift: Lift, n: int, allowed: Mask) -> Columns:
        lifted = np.flatnonzero(lift.weights).astype(np.int32)
        lifted = lifted[allowed[lifted]]
        # One more than known: what nobody had heard before may be what everybody hears now.
        return lifted[top_columns(lift.weights[lifted] * (1 + self.blend.popularity.scores[lifted]), n, tie_order=lifted)]

    def _following_part(self, columns: Columns | None) -> dict[str, Floats]:
        if self.following is None:
            return {}
        at = np.arange(self.blend.n_tracks, dtype=np.int32) if columns is None else columns
        scores = np.float32(self.blend.config.sequence) * self.following.scores(at)
        return {"sequence": scores} if scores.any() else {}

    def _followed(self, columns: Columns) -> Floats:
        shares = np.zeros((len(columns), len(self.history)), np.float32)
        _, own, running = np.intersect1d(self.history.columns, self.running.columns, return_indices=True)
        shares[:, own] = self.blend.sequence.contributions(self.running, columns)[:, running]
        return shares * np.float32(self.blend.config.sequence)

    def closeness(self, columns: Columns) -> Floats:
        """By sound and style, to what the history likes."""
        return self.blend.content.score(self.history, columns)

    def vectors(self, columns: Columns) -> Floats:
        """Of the content model."""
        return self.blend.content.vectors(columns)


@dataclass(frozen=True)
class SongSource:
    """What is like the track in `column`; `eligible`: what the answer may show."""

    blend: Blend
    column: int
    eligible: Mask

    @cached_property
    def likeness(self) -> Likeness:
        """What the models know of the song."""
        return self.blend.likeness(self.column)

    def candidates(self, n: int, allowed: Mask) -> Columns:
        """The tracks most like it in content, those that are played together with it, and the best known."""
        return distinct(*self.likeness.candidates(n, allowed), self.blend.popularity.best(n, allowed))

    def parts(self, columns: Columns | None) -> dict[str, Floats]:
        """By model."""
        known = self.blend.popularity
        scores = known.scores if columns is None else known.scores[columns]
        eligible = self.eligible if columns is None else self.eligible[columns]
        return {
            **self.likeness.parts(columns, eligible),
            "popularity": scores * np.float32(SONG_POPULARITY / max(known.highest, 1e-9)),
        }

    def closeness(self, columns: Columns) -> Floats:
        """By sound and style, to the song."""
        return self.likeness.closeness(columns)

    def vectors(self, columns: Columns) -> Floats:
        """Of the content model."""
        return self.blend.content.vectors(columns)


@dataclass(frozen=True)
class GroupSource:
    """Several listeners: the average without misery of their scores, each on their own scale.

    Masthoff, "Group Modeling: Selecting a Sequence of Television Items to Suit a Group of Viewers", UMUAI 2004. The score is the
    mean of the members' z-scores, less MISERY times how far the least happy one falls below 0.
    """

    members: Mapping[str, ListenerSource]

    def utilities(self, columns: Columns | None) -> Floats:
        """z-scores of `columns` (None: every track), (n_members, n)."""
        return np.stack([source.standardised(columns) for source in self.members.values()])

    def candidates(self, n: int, allowed: Mask) -> Columns:
        """The candidates of each."""
        return distinct(*(source.candidates(n, allowed) for source in self.members.values()))

    def parts(self, columns: Columns | None) -> dict[str, Floats]:
        """Each member's share of the mean, `member:<name>`, and `misery`."""
        own = self.utilities(columns)
        parts = {f"member:{name}": utility / np.float32(len(own)) for name, utility in zip(self.members, own, strict=True)}
        return parts | {"misery": np.float32(MISERY) * np.minimum(own.min(axis=0), np.float32(0))}

    def suited(self, columns: Columns) -> list[tuple[str, ...]]:
        """Whom each of `columns` suits, the happiest first."""
        return [_suited(dict(zip(self.members, own, strict=True))) for own in self.utilities(columns).T.tolist()]

    def closeness(self, columns: Columns) -> Floats:
        """By sound and style, to what the members like."""
        return added({name: source.closeness(columns) for name, source in self.members.items()})

    def vectors(self, columns: Columns) -> Floats:
        """Of the content model."""
        return next(iter(self.members.values())).vectors(columns)


def with_seeds(history: History, seeds: Sequence[int]) -> History:
    """A history that also likes `seeds`, the less the more the listener has liked already; what it knows stays as it is."""
    new = np.setdiff1d(np.array(seeds, np.int32), history.columns)
    return History(
        np.concatenate([history.columns, new]),
        np.concatenate([history.preference, np.full(len(new), 1.0 / (1.0 + history.liked), np.float32)]),
        np.concatenate([history.last_at_s, np.zeros(len(new))]),
    )


def _suited(own: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(sorted((name for name in own if own[name] >= SUITS), key=lambda name: -own[name]))
