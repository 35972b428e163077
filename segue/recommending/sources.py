"""Where the scores of each kind of question come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from segue.models.blend import Blend, BlendedScores, BlendReading, added
from segue.models.contract import Columns, Floats, History
from segue.models.ranking import standardise, top_columns

SONG_POPULARITY = 0.1
"""Of two songs equally like the seed, the better known one; the likeness of the closest songs is about 1."""
MISERY = 1.0
"""What a group's score loses for each standard deviation by which the least happy member falls below their own average track."""
SUITS = 1.0
"""A track suits a member when it stands so many standard deviations above the member's average track."""


class Source(Protocol):
    """Scores of one question."""

    def candidates(self, n: int) -> Columns:
        """About `n` of the best columns, distinct, in any order; the more are asked for, the more are found."""

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
    def scores(self) -> BlendedScores:
        """The blend's scores of every track."""
        return self.reading.blended()

    @cached_property
    def follows(self) -> Floats | None:
        """The weighted score of coming next, of every track; None where no order tells or its weight is 0."""
        if not (len(self.running) and self.blend.config.sequence and self.blend.sequence.pairs):
            return None
        scores = np.float32(self.blend.config.sequence) * self.blend.follows(self.running)
        return scores if scores.any() else None

    def candidates(self, n: int) -> Columns:
        """The best of each model, the best known of what is lifted, and the history itself, which a caller may let return."""
        lifted = [top_columns(lift.weights * self.blend.popularity.scores, n) for lift in self.lifts]
        found = [model.candidates(self.history, n) for model in self.blend.parts().values()]
        next_ones = [] if self.follows is None else [top_columns(self.follows, n)]
        return np.unique(np.concatenate([*found, *lifted, *next_ones, self.history.columns]))

    def parts(self, columns: Columns | None) -> dict[str, Floats]:
        """By model, and by lift."""
        blended = self.scores if columns is None else self.reading.blended(columns)
        parts = dict(blended.parts)
        if self.follows is not None:
            parts["sequence"] = self.follows if columns is None else self.follows[columns]
        # Over a few columns the range is theirs, which is all that the lifted ones have to rise above.
        span = float(np.ptp(blended.total)) if len(blended.total) else 0.0
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
    eligible: npt.NDArray[np.bool_]

    @cached_property
    def _parts(self) -> dict[str, Floats]:
        known = self.blend.popularity.scores
        parts = self.blend.likeness(self.column, self.eligible)
        parts["popularity"] = known * np.float32(SONG_POPULARITY / max(float(known.max(initial=0.0)), 1e-9))
        return parts

    def candidates(self, n: int) -> Columns:
        """The tracks most like it by each model."""
        return np.unique(np.concatenate([model.similar(self.column, n) for model in self.blend.parts().values()]))

    def parts(self, columns: Columns | None) -> dict[str, Floats]:
        """By model."""
        return self._parts if columns is None else {name: part[columns] for name, part in self._parts.items()}

    def closeness(self, columns: Columns) -> Floats:
        """By sound and style, to the song."""
        return self.blend.content.similarity(self.column, columns)

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

    @cached_property
    def utilities(self) -> Floats:
        """z-scores, (n_members, n_tracks)."""
        return np.stack([standardise(source.scores.total)[0] for source in self.members.values()])

    def candidates(self, n: int) -> Columns:
        """The candidates of each."""
        return np.unique(np.concatenate([source.candidates(n) for source in self.members.values()]))

    def parts(self, columns: Columns | None) -> dict[str, Floats]:
        """Each member's share of the mean, `member:<name>`, and `misery`."""
        own = self.utilities if columns is None else self.utilities[:, columns]
        parts = {f"member:{name}": utility / np.float32(len(own)) for name, utility in zip(self.members, own, strict=True)}
        return parts | {"misery": np.float32(MISERY) * np.minimum(own.min(axis=0), np.float32(0))}

    def suited(self, column: int) -> tuple[str, ...]:
        """Whom a track suits, the happiest first."""
        own = dict(zip(self.members, self.utilities[:, column].tolist(), strict=True))
        return tuple(sorted((name for name in own if own[name] >= SUITS), key=lambda name: -own[name]))

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
