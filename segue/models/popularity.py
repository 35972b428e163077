"""What is played most now: decayed weight of positive preferences, and what the catalogue says where nobody has played yet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
from scipy.sparse import csr_matrix

from segue.catalogue import Track
from segue.models.contract import Catalogue, Columns, Floats, History, Interactions, Model, at_columns, positive


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
        self._scores: Floats = np.empty(0, np.float32)

    def fit(self, interactions: Interactions, catalogue: Catalogue) -> Self:
        plays = np.asarray(positive(interactions.of_listeners()).sum(axis=0)).ravel()
        # Decay is already in the preferences: they are as of now.
        self._scores = np.log2(1.0 + plays + self._prior(catalogue)).astype(np.float32)
        return self

    def extended(self, tracks: Sequence[Track]) -> PopularityModel:
        """A model that also scores `tracks`, appended as new columns, by what the catalogue says."""
        model = PopularityModel(self.config)
        model._scores = np.concatenate([self._scores, np.log2(1.0 + self._prior(tracks)).astype(np.float32)])
        return model

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
        model._scores = np.load(directory / "scores.npy", allow_pickle=False)
        return model

    def _prior(self, tracks: Catalogue) -> Floats:
        popularity = np.array([(track.popularity or 0) if track else 0 for track in tracks], np.float32)
        # Squared: the catalogue's scale is nearer to the logarithm of plays than to plays.
        scaled: Floats = np.float32(self.config.prior_listeners) * (popularity / 100.0) ** 2
        return scaled
