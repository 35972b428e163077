"""Implicit-feedback matrix factorisation by alternating least squares (`implicit`), answered by fold-in.

Hu, Koren, Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008. Only the item factors are kept: a
listener's factors are solved from the history at the moment of the question, which a measurement found as good as the trained
ones, so an event counts in the next answer.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from implicit.als import AlternatingLeastSquares
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from segue.models.contract import Catalogue, Columns, Floats, History, Interactions, Model, dampen

Doubles = npt.NDArray[np.float64]

LEAST_FACTORS = 64


@dataclass(frozen=True)
class AlsConfig:
    """`alpha`: confidence of one full play (1 is that of "not played"). `regularization`: added to the diagonal, unscaled.

    `factors` at most: small data carries fewer, one for each `entries_per_factor` interactions but at least LEAST_FACTORS.
    """

    factors: int = 256
    entries_per_factor: int = 1_500
    alpha: float = 80.0
    regularization: float = 150.0
    iterations: int = 12
    seed: int = 7

    def factors_for(self, entries: int) -> int:
        """Number of factors for a matrix with that many entries; a multiple of 32, which the kernels like."""
        wanted = 32 * math.ceil(entries / self.entries_per_factor / 32)
        return min(self.factors, max(LEAST_FACTORS, wanted))


class AlsModel(Model):
    """Item factors Y (n_tracks, factors) and the inverse P of `YᵀY + λI`, from which any history folds in."""

    name = "als"

    def __init__(self, config: AlsConfig | None = None) -> None:
        self.config = config or AlsConfig()
        self._factors: Floats = np.empty((0, self.config.factors), np.float32)
        self._inverse: Floats = np.empty((0, 0), np.float32)
        self._norms: Floats = np.empty(0, np.float32)

    def fit(self, interactions: Interactions, catalogue: Catalogue) -> Self:  # noqa: ARG002
        confidence = _confidence(interactions.preference, self.config)
        factors = self.config.factors_for(confidence.nnz)
        if confidence.nnz == 0:
            return self._with(np.zeros((interactions.n_tracks, factors), np.float32))
        # implicit runs its own threads; a threaded BLAS below them only contends.
        with threadpool_limits(limits=1, user_api="blas"):
            trained = AlternatingLeastSquares(
                factors=factors, regularization=self.config.regularization, alpha=1.0, dtype=np.float32,
                use_gpu=False, iterations=self.config.iterations, random_state=self.config.seed, calculate_training_loss=False,
            )  # fmt: skip
            trained.fit(confidence, show_progress=False)
        return self._with(_without_unplayed(np.asarray(trained.item_factors, np.float32), confidence))

    @property
    def n_tracks(self) -> int:
        return len(self._factors)

    def fold_in(self, history: History) -> Floats:
        """The listener's factors, shape (factors,), that minimise the training loss with the item factors held fixed."""
        part = history.within(self.n_tracks)
        return self._folded(part.columns, part.preference)

    def score_many(self, histories: csr_matrix[np.float32]) -> Floats:
        listeners = np.zeros((histories.shape[0], self._factors.shape[1]), np.float32)
        # Each system is far too small to share between threads: on a busy machine the hand-over costs ten times the work.
        with threadpool_limits(limits=1, user_api="blas"):
            for row in range(histories.shape[0]):
                part = slice(histories.indptr[row], histories.indptr[row + 1])
                listeners[row] = self._folded(histories.indices[part], histories.data[part])
        scores: Floats = listeners @ self._factors.T
        return scores

    def score_all(self, history: History) -> Floats:
        scores: Floats = self._factors @ self.fold_in(history)
        return scores

    def score(self, history: History, candidates: Columns) -> Floats:
        known = (candidates >= 0) & (candidates < self.n_tracks)
        scores = np.zeros(len(candidates), np.float32)
        scores[known] = self._factors[candidates[known]] @ self.fold_in(history)
        return scores

    def contributions(self, history: History, columns: Columns) -> Floats:
        shares = np.zeros((len(columns), len(history)), np.float32)
        inside = np.flatnonzero((history.columns < self.n_tracks) & (history.preference != 0))
        known = np.flatnonzero(columns < self.n_tracks)
        parts = self._folded_parts(history.columns[inside], history.preference[inside])
        shares[np.ix_(known, inside)] = self._factors[columns[known]] @ parts.T
        return shares

    def similarity(self, column: int, columns: Columns | None = None) -> Floats:
        factors, norms = self._factors, self._norms
        if columns is not None:
            factors, norms = factors[columns], norms[columns]
        cosine: Floats = (factors @ (self._factors[column] / self._norms[column])) / norms
        return cosine

    def save(self, directory: Path) -> None:
        (directory / "config.json").write_text(json.dumps(asdict(self.config)))
        np.save(directory / "item_factors.npy", self._factors, allow_pickle=False)

    @classmethod
    def load(cls, directory: Path) -> Self:
        model = cls(AlsConfig(**json.loads((directory / "config.json").read_text())))
        return model._with(np.load(directory / "item_factors.npy", allow_pickle=False))

    def _with(self, factors: Floats) -> Self:
        self._factors = np.ascontiguousarray(factors)
        gram = factors.T.astype(np.float64) @ factors + self.config.regularization * np.eye(factors.shape[1])
        self._inverse = np.linalg.inv(gram).astype(np.float32)
        norms = np.linalg.norm(factors, axis=1)
        self._norms = np.where(norms > 0, norms, np.inf).astype(np.float32)
        return self

    def _folded(self, columns: npt.NDArray[np.int32], preference: Floats) -> Floats:
        confidence, root, projected, system = self._normal_equations(columns, preference)
        target = np.maximum(confidence, 0.0) / root
        weights = root * cho_solve(cho_factor(system, lower=True, check_finite=False), target, check_finite=False)
        folded: Floats = weights.astype(np.float32) @ projected
        return folded

    def _folded_parts(self, columns: npt.NDArray[np.int32], preference: Floats) -> Floats:
        """The part of the listener's factors that each track of the history makes up, shape (len(columns), factors).

        The solution is linear in the confidences (Hu et al., section 5), so the parts add up to the factors.
        """
        confidence, root, projected, system = self._normal_equations(columns, preference)
        target = np.diag(np.maximum(confidence, 0.0) / root)
        weights = root[:, None] * cho_solve(cho_factor(system, lower=True, check_finite=False), target, check_finite=False)
        parts: Floats = weights.T.astype(np.float32) @ projected
        return parts

    def _normal_equations(self, columns: npt.NDArray[np.int32], preference: Floats) -> tuple[Doubles, Doubles, Floats, Doubles]:
        """The fold-in as a system as small as the history: confidences c, sqrt(D), UP and I + sqrt(D) G sqrt(D).

        It solves `(M + UᵀDU) x = Uᵀc` with M = YᵀY + λI, P its inverse, U the history's factors and D = |c| - 1: by the push-
        through identity x = (UP)ᵀ (I + DG)⁻¹ c with G = U P Uᵀ.
        """
        confidence = self.config.alpha * dampen(preference).astype(np.float64)
        # A confidence below that of an unplayed track is no evidence against other tracks: D stays above 0.
        root = np.sqrt(np.maximum(np.abs(confidence) - 1.0, 1e-6))
        chosen = self._factors[columns]
        projected = chosen @ self._inverse
        system = root[:, None] * (projected @ chosen.T).astype(np.float64) * root
        system[np.diag_indices_from(system)] += 1.0
        return confidence, root, projected, system


def _confidence(preference: csr_matrix[np.float32], config: AlsConfig) -> csr_matrix[np.float32]:
    """Confidence of each entry; negative where the listener rejected the track, which implicit reads as a confident zero."""
    confidence = preference.copy()
    confidence.data = (config.alpha * dampen(preference.data)).astype(np.float32)
    confidence.eliminate_zeros()
    return confidence


def _without_unplayed(factors: Floats, confidence: csr_matrix[np.float32]) -> Floats:
    # A track that no row holds keeps a trace of its random start otherwise.
    played = np.bincount(confidence.indices, minlength=confidence.shape[1]) > 0
    return np.where(played[:, None], factors, np.float32(0))
