"""What is played most: decayed weight of positive preferences, and what the catalogue says where nobody has played yet.

`PopularNow` is what the last hours and days add, for those about whom nothing else is known.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from segue.catalogue import Track
from segue.models.contract import Catalogue, Columns, Floats, History, Interactions, Mask, Model, Reading, at_columns, positive
from segue.models.moments import Moments
from segue.trending.counts import Heard

CONFIDENT_LISTENERS = 10.0
"""So many listeners of a window weigh as much as what the longer ones say."""


@dataclass(frozen=True)
class PopularNow:
    """Tracks and each one's share of what is heard now, largest first; arrays of shape (n,)."""

    track_no: npt.NDArray[np.int32]
    share: npt.NDArray[np.float64]

    @classmethod
    def of(cls, windows: Sequence[Heard]) -> PopularNow:
        """From what was heard, the longest window first; each window counts as far as it has listeners to show.

        A window's heat is taken as Poisson around share times all heat, and the share before as the mean of a Gamma prior as
        strong as k listeners, so the share after is `(k + heat) / (k / share + all heat)` (Gelman et al., "Bayesian Data
        Analysis", 3rd ed., 2.6). An hour at night says little of most tracks, and a lot of the one that everybody hears.
        """
        tracks = np.unique(np.concatenate([window.track_no for window in windows] or [np.empty(0, np.int32)]))
        share = np.full(len(tracks), 1.0 / max(len(tracks), 1))
        for window in windows:
            heat = np.zeros(len(tracks))
            heat[np.searchsorted(tracks, window.track_no)] = window.heat
            share = (CONFIDENT_LISTENERS + heat) / (CONFIDENT_LISTENERS / share + heat.sum())
        order = np.lexsort((tracks, -share))
        return cls(tracks[order], share[order])

    def __len__(self) -> int:
        return len(self.track_no)


NOTHING_HEARD = PopularNow.of([])


@dataclass(frozen=True)
class PopularityConfig:
    """`prior_listeners`: what a track of catalogue popularity 100 is worth before anybody has played it, in listeners.

    It fades by itself: a handful of real listeners outweighs it.
    """

    prior_listeners: float = 3.0


class PopularityModel(Model):
    """One score for each track, the same for everybody: `log2(1 + plays + prior)`."""

    name = "popularity"
    for_cold_users = True
    for_cold_tracks = True

    def __init__(self, config: PopularityConfig | None = None) -> None:
        self.config = config or PopularityConfig()
        self._with(np.empty(0, np.float32))

    def fit(self, interactions: Interactions, catalogue: Catalogue) -> Self:
        plays = np.asarray(positive(interactions.of_listeners()).sum(axis=0)).ravel()
        # Decay is already in the preferences: they are as of now.
        return self._with(np.log2(1.0 + plays + self._prior(catalogue)).astype(np.float32))

    def extended(self, tracks: Sequence[Track]) -> PopularityModel:
        """A model that also scores `tracks`, appended as new columns, by what the catalogue says."""
        added = np.log2(1.0 + self._prior(tracks)).astype(np.float32)
        return PopularityModel(self.config)._with(np.concatenate([self._scores, added]))

    @property
    def n_tracks(self) -> int:
        return len(self._scores)

    @property
    def scores(self) -> Floats:
        """The score of each track, shape (n_tracks,)."""
        return self._scores

    def score_many(self, histories: csr_matrix[np.float32]) -> Floats:
        return np.repeat(self._scores[None, :], histories.shape[0], axis=0)

    def score_all(self, history: History) -> Floats:  # noqa: ARG002
        return self._scores.copy()

    def read(self, history: History) -> Reading:
        return PopularityReading(self, history)

    def best(self, n: int, allowed: Mask) -> Columns:
        """The `n` best columns that are `allowed` (n_tracks or more,), best first; reads as much of the chart as that takes."""
        length = 4 * n
        while True:
            found = self._ranked[:length]
            found = found[allowed[found]]
            if len(found) >= n or length >= self.n_tracks:
                return found[:n]
            length *= 8

    def score(self, history: History, candidates: Columns) -> Floats:  # noqa: ARG002
        return at_columns(self._scores, candidates)

    def contributions(self, history: History, columns: Columns) -> Floats:
        return np.zeros((len(columns), len(history)), np.float32)

    def similarity(self, column: int, columns: Columns | None = None) -> Floats:  # noqa: ARG002
        return np.zeros(self.n_tracks if columns is None else len(columns), np.float32)

    def save(self, directory: Path) -> None:
        (directory / "config.json").write_text(json.dumps(asdict(self.config)))
        np.save(directory / "scores.npy", self._scores, allow_pickle=False)

    @classmethod
    def load(cls, directory: Path) -> Self:
        model = cls(PopularityConfig(**json.loads((directory / "config.json").read_text())))
        return model._with(np.load(directory / "scores.npy", allow_pickle=False))

    def _with(self, scores: Floats) -> Self:
        self._scores = scores
        # Worked out here, once, by whoever trains or loads: a question must not wait for a pass over the catalogue.
        self._ranked = np.argsort(-scores, kind="stable").astype(np.int32)
        self.moments, self.highest = Moments.of_list(scores), float(scores.max(initial=0.0))
        return self

    def _prior(self, tracks: Catalogue) -> Floats:
        popularity = np.array([(track.popularity or 0) if track else 0 for track in tracks], np.float32)
        # Squared: the catalogue's scale is nearer to the logarithm of plays than to plays.
        scaled: Floats = np.float32(self.config.prior_listeners) * (popularity / 100.0) ** 2
        return scaled


class PopularityReading(Reading):
    """Popularity hears nothing of the history."""

    def __init__(self, model: PopularityModel, history: History) -> None:
        super().__init__(model, history)
        self._popularity = model

    def moments(self) -> Moments:
        return self._popularity.moments

    def candidates(self, n: int, allowed: Mask) -> Columns:
        return self._popularity.best(n, allowed)
