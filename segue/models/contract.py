"""The contract that every model keeps: fit, score, find candidates and similar tracks, explain, save and load.

Models speak of *columns*: dense positions 0..n_tracks-1 of one snapshot. `Interactions.track_nos` says which track stands in
which column; only the recommender translates. A column past the end (a track that arrived after training) is not an error
anywhere: the model has nothing to say about it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from segue.catalogue import Track
from segue.models.moments import Moments
from segue.models.positions import Where, where
from segue.models.ranking import top_columns

Floats = npt.NDArray[np.float32]
Columns = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
Catalogue = Sequence[Track | None]
"""The track of each column; None where the catalogue has no record of it (a stub, or deleted)."""
MAX_PREFERENCE = 1e6
"""A million plays of one track: nobody means more, and sums of such numbers stay far inside float32."""


@dataclass(frozen=True)
class Interactions:
    """What is trained on.

    `preference`: csr_matrix of shape (n_rows, n_tracks), float32, signed as in `segue.taste.preference`. Rows from `listeners`
    on are playlists, which tell what goes together but not what is popular. `track_nos`: int32 of shape (n_tracks,), ascending.
    `transitions`: csr_matrix of shape (n_tracks, n_tracks), float32, at least 0: how often the track of the column was played
    soon after the track of the row; None where no order is known. Raises ValueError when shapes contradict each other, a
    preference is not a finite number or a transition not one from 0 on.
    """

    preference: csr_matrix[np.float32]
    track_nos: npt.NDArray[np.int32]
    listeners: int
    transitions: csr_matrix[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.preference.shape[1] != len(self.track_nos) or not 0 <= self.listeners <= self.preference.shape[0]:
            raise ValueError(f"matrix of shape {self.preference.shape}, {len(self.track_nos)} tracks, {self.listeners} listeners")
        if self.transitions is not None and self.transitions.shape != (self.n_tracks, self.n_tracks):
            raise ValueError(f"transitions of shape {self.transitions.shape} for {self.n_tracks} tracks")
        if self.transitions is not None and not ((self.transitions.data >= 0) & np.isfinite(self.transitions.data)).all():
            raise ValueError("transitions that are not finite numbers from 0 on: mend the stored listens and train again")
        if not np.isfinite(self.preference.data).all():
            raise ValueError(self._broken())

    @property
    def n_tracks(self) -> int:
        """Number of columns."""
        return len(self.track_nos)

    def of_listeners(self) -> csr_matrix[np.float32]:
        """The rows that are people."""
        return self.preference[: self.listeners]

    def support(self) -> Floats:
        """How many rows like each track, shape (n_tracks,)."""
        return positive(self.preference).getnnz(axis=0).astype(np.float32)

    def _broken(self) -> str:
        entries = self.preference.tocoo()
        at = np.flatnonzero(~np.isfinite(entries.data))
        row, column = int(entries.row[at[0]]), int(entries.col[at[0]])
        where = f"row {row}, column {column} (track number {self.track_nos[column]})"
        return f"{len(at)} preferences are not finite numbers, the first in {where}: mend the stored weight and train again"


@dataclass(frozen=True)
class History:
    """What one listener did, newest state, all arrays of shape (n,).

    `columns` int32, distinct, from 0; `preference` float32, signed, 0 where the listener met the track and nothing is known of
    the liking; `last_at_s` float64, Unix time of the newest event. A preference that is not a finite number counts as 0, one
    beyond MAX_PREFERENCE as that: an answer must come. Raises ValueError for a column below 0.
    """

    columns: Columns
    preference: Floats
    last_at_s: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.columns.min(initial=0) < 0:
            raise ValueError("a history has a column below 0: leave out the tracks that have no column")
        # False for NaN, too.
        if not np.abs(self.preference).max(initial=0.0) <= MAX_PREFERENCE:
            object.__setattr__(self, "preference", bounded(self.preference))

    @classmethod
    def empty(cls) -> Self:
        """The history of someone unknown."""
        return cls(np.empty(0, np.int32), np.empty(0, np.float32), np.empty(0, np.float64))

    @classmethod
    def of(cls, columns: Sequence[int], preference: Sequence[float] | None = None) -> Self:
        """A history from plain numbers; every track is liked once unless `preference` says more."""
        values = np.ones(len(columns)) if preference is None else np.asarray(preference)
        return cls(np.asarray(columns, np.int32), values.astype(np.float32), np.zeros(len(columns)))

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def liked(self) -> int:
        """Number of tracks with a positive preference: how warm the listener is."""
        return int(np.count_nonzero(self.preference > 0))

    @property
    def rejected(self) -> int:
        """Number of tracks with a negative preference."""
        return int(np.count_nonzero(self.preference < 0))

    @cached_property
    def dampened(self) -> Floats:
        """See `dampen`."""
        return dampen(self.preference)

    def told(self, n_tracks: int) -> Where:
        """Where it says something about taste, of columns below `n_tracks`."""
        # The models of a blend nearly always know as many tracks, and each of them asks.
        if n_tracks not in self._told:
            self._told[n_tracks] = where((self.columns < n_tracks) & (self.preference != 0))
        return self._told[n_tracks]

    @cached_property
    def _told(self) -> dict[int, Where]:
        return {}

    def within(self, n_tracks: int) -> History:
        """The part of the history about columns below `n_tracks` that says something about taste."""
        kept = self.told(n_tracks)
        if isinstance(kept, slice):
            return self
        return History(self.columns[kept], self.preference[kept], self.last_at_s[kept])

    def as_row(self, n_tracks: int) -> csr_matrix[np.float32]:
        """csr_matrix of shape (1, n_tracks)."""
        part = self.within(n_tracks)
        return csr_matrix((part.preference, part.columns, [0, len(part)]), shape=(1, n_tracks), dtype=np.float32)


class Reading:
    """What a model makes of one history: worked out once, for all that an answer asks. This one asks the model each time."""

    def __init__(self, model: Model, history: History) -> None:
        self.model = model
        self.history = history

    def scores(self, columns: Columns | None = None) -> Floats:
        """Scores of `columns` (None: every track), same shape, the caller's own; 0 for columns that the model does not know."""
        return self.model.score_all(self.history) if columns is None else self.model.score(self.history, columns)

    def own_scores(self) -> Floats:
        """Scores of what the history says something of and the model knows; a reading has looked at these tracks already."""
        return self.scores(self.history.columns[self.history.told(self.model.n_tracks)])

    def moments(self) -> Moments:
        """Mean and spread of the scores of every track."""
        return Moments.of_list(self.scores())

    def candidates(self, n: int, allowed: Mask) -> Columns:
        """About the `n` best columns that are `allowed` (n_tracks or more,), distinct, in no promised order.

        Approximate through an index; fewer where the model has nothing to say of more.
        """
        scores = self.scores()
        scores[~allowed[: len(scores)]] = -np.inf
        return top_columns(scores, n)

    def contributions(self, columns: Columns) -> Floats:
        """See `Model.contributions`."""
        return self.model.contributions(self.history, columns)


class Model(ABC):
    """One way of scoring tracks for a history. `fit` returns the model itself; everything else needs a fitted model."""

    name: ClassVar[str]
    for_cold_users: ClassVar[bool] = False
    """Scores an empty history."""
    for_warm_users: ClassVar[bool] = True
    """Scores a listener who was not in the training data, from the history alone."""
    for_cold_tracks: ClassVar[bool] = False
    """Scores a track that nobody has played."""

    @abstractmethod
    def fit(self, interactions: Interactions, catalogue: Catalogue) -> Self:
        """Learn. `catalogue` has one entry for each column of `interactions`."""

    @property
    @abstractmethod
    def n_tracks(self) -> int:
        """Number of columns that the model knows."""

    @abstractmethod
    def score_many(self, histories: csr_matrix[np.float32]) -> Floats:
        """Scores of shape (n_histories, n_tracks), greater is better; `histories` has shape (n_histories, n_tracks)."""

    @abstractmethod
    def contributions(self, history: History, columns: Columns) -> Floats:
        """What each track of the history adds to the score of each of `columns`: shape (len(columns), len(history)).

        A row sums to the score, except for a model that does not look at histories, which returns zeros.
        """

    @abstractmethod
    def similarity(self, column: int, columns: Columns | None = None) -> Floats:
        """How like the track in `column` each of `columns` (None: every track) is; 0 means no relation known."""

    @abstractmethod
    def save(self, directory: Path) -> None:
        """Write plain arrays and JSON into an existing directory."""

    @classmethod
    @abstractmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote; runs no code from the files."""

    def read(self, history: History) -> Reading:
        """What the model makes of a history."""
        return Reading(self, history)

    def score_all(self, history: History) -> Floats:
        """Scores of every track for one history, shape (n_tracks,)."""
        scores: Floats = self.score_many(history.as_row(self.n_tracks))[0]
        return scores

    def score(self, history: History, candidates: Columns) -> Floats:
        """Scores of the candidates, same shape; 0 for columns that the model does not know."""
        return at_columns(self.score_all(history), candidates)

    def candidates(self, history: History, n: int) -> Columns:
        """The best `n` columns (fewer if there are fewer) that the history does not hold, best first."""
        scores = self.score_all(history)
        scores[history.columns[history.columns < self.n_tracks]] = -np.inf
        return top_columns(scores, n)

    def similar(self, column: int, n: int) -> Columns:
        """The `n` columns most like the track in `column`, itself left out, most like first; none for an unknown column."""
        if not 0 <= column < self.n_tracks:
            return np.empty(0, np.int32)
        scores = self.similarity(column)
        scores[column] = -np.inf
        return top_columns(scores, n)


class ReadingModel(Model):
    """A model that works out what a history means before it scores anything: all of its answers come from `read`."""

    @abstractmethod
    def read(self, history: History) -> Reading:
        """What the model makes of a history; with `scores` and `contributions` of its own."""

    def score_all(self, history: History) -> Floats:
        return self.read(history).scores()

    def score(self, history: History, candidates: Columns) -> Floats:
        return self.read(history).scores(candidates)

    def contributions(self, history: History, columns: Columns) -> Floats:
        return self.read(history).contributions(columns)


def at_columns(values: Floats, columns: Columns) -> Floats:
    """`values` at `columns`, 0 where a column is past the end."""
    found: Floats = np.zeros(len(columns), np.float32)
    inside = (columns >= 0) & (columns < len(values))
    found[inside] = values[columns[inside]]
    return found


def bounded(preference: npt.NDArray[np.floating]) -> Floats:
    """Preferences within ±MAX_PREFERENCE, 0 where one is not a finite number."""
    known = np.nan_to_num(preference, nan=0.0, posinf=0.0, neginf=0.0)
    within: Floats = np.clip(known, -MAX_PREFERENCE, MAX_PREFERENCE).astype(np.float32)
    return within


def positive(matrix: csr_matrix[np.float32]) -> csr_matrix[np.float32]:
    """The entries above zero."""
    kept = matrix.copy()
    kept.data = np.where(kept.data > 0, kept.data, np.float32(0))
    kept.eliminate_zeros()
    return kept


def dampen(preference: Floats) -> Floats:
    """`sign(p) · log2(1 + |p|)`, float32: the tenth play says less than the first; one full play stays 1."""
    dampened: Floats = np.copysign(np.log2(1.0 + np.abs(preference)), preference).astype(np.float32, copy=False)
    return dampened


def lenient(dampened: Floats, rejection: float) -> Floats:
    """The negative ones times `rejection`: not to like a track says less of what is like it than to like it."""
    return np.where(dampened > 0, dampened, np.float32(rejection) * dampened)
