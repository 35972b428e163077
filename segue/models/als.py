"""Implicit-feedback matrix factorisation by alternating least squares (`implicit`), answered by fold-in.

Hu, Koren, Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008. Only the item factors are kept: a
listener's factors are solved from the history at the moment of the question, which a measurement found as good as the trained
ones, so an event counts in the next answer.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np
from implicit.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix

from segue.models.contract import Catalogue, Columns, Floats, History, Interactions, Mask, Reading, ReadingModel, dampen
from segue.models.fold_in import Doubles, FoldIn, folded_in
from segue.models.index import CANDIDATES, RECALL_AT, USUAL_PROBES, IndexReport, VectorIndex, tuned
from segue.models.moments import DenseMoments, Moments
from segue.models.parallel import without_inner_threads
from segue.models.positions import known, scored, spread
from segue.models.ranking import top_columns
from segue.models.rows import products

LEAST_FACTORS = 64
GRAM_ROWS = 2_048


@dataclass(frozen=True)
class AlsConfig:
    """`alpha`: confidence of one full play (1 is that of "not played"). `regularization`: added to the diagonal, unscaled.
    `iterations` of a cold fit; one that goes on from earlier factors takes `warm_iterations` of `warm_cg_steps` steps each.

    `factors` at most: small data carries fewer, one for each `entries_per_factor` interactions but at least LEAST_FACTORS.
    """

    factors: int = 256
    entries_per_factor: int = 1_500
    alpha: float = 80.0
    regularization: float = 150.0
    iterations: int = 12
    warm_iterations: int = 3
    warm_cg_steps: int = 2
    seed: int = 7

    def factors_for(self, entries: int) -> int:
        """Number of factors for a matrix with that many entries; a multiple of 32, which the kernels like."""
        wanted = 32 * math.ceil(entries / self.entries_per_factor / 32)
        return min(self.factors, max(LEAST_FACTORS, wanted))


class AlsModel(ReadingModel):
    """Item factors Y (n_tracks, factors), `YᵀY + λI` and its inverse, from which any history folds in."""

    name = "als"

    def __init__(self, config: AlsConfig | None = None) -> None:
        self.config = config or AlsConfig()
        self._factors: Floats = np.empty((0, self.config.factors), np.float32)
        self._gram: Doubles = np.empty((0, 0), np.float64)
        self._inverse: Floats = np.empty((0, 0), np.float32)
        self._norms: Floats = np.empty(0, np.float32)
        self.index: VectorIndex | None = None
        self.moments = DenseMoments.of(self._factors, np.zeros((self.config.factors, self.config.factors)))

    @classmethod
    def of(cls, factors: Floats, config: AlsConfig | None = None) -> Self:
        """A model with these item factors."""
        return cls(config)._with(factors)

    def fit(self, interactions: Interactions, catalogue: Catalogue) -> Self:  # noqa: ARG002
        confidence = _confidence(interactions.preference, self.config)
        trainer = self._trainer(self.config.factors_for(confidence.nnz), self.config.iterations)
        return self._trained(trainer, confidence)

    def refit(self, interactions: Interactions, catalogue: Catalogue) -> Self:
        """Fit to other interactions with the same tracks, `warm_iterations` on from the factors of the last fit.

        They keep their number. Without any the fit is a cold one.
        """
        if self.n_tracks != interactions.n_tracks or not self._factors.any():
            return self.fit(interactions, catalogue)
        trainer = self._trainer(self._factors.shape[1], self.config.warm_iterations)
        trainer.cg_steps = self.config.warm_cg_steps
        trainer.item_factors = self._factors
        return self._trained(trainer, _confidence(interactions.preference, self.config))

    @property
    def n_tracks(self) -> int:
        return len(self._factors)

    def read(self, history: History) -> AlsReading:
        return AlsReading(self, history)

    def fold_in(self, columns: Columns, dampened: Floats) -> FoldIn:
        """The listener who has these dampened preferences of these columns, all known to the model."""
        confidence = self.config.alpha * dampened.astype(np.float64)
        return folded_in(self._factors.take(columns, 0), confidence, self._gram, self._inverse)

    def score_many(self, histories: csr_matrix[np.float32]) -> Floats:
        listeners = np.zeros((histories.shape[0], self._factors.shape[1]), np.float32)
        # Each system is far too small to share between threads: on a busy machine the hand-over costs ten times the work.
        with without_inner_threads():
            for row in range(histories.shape[0]):
                part = slice(histories.indptr[row], histories.indptr[row + 1])
                listeners[row] = self.fold_in(histories.indices[part], dampen(histories.data[part])).factors
        scores: Floats = listeners @ self._factors.T
        return scores

    @property
    def factors(self) -> Floats:
        """Y."""
        return self._factors

    def build_index(self, histories: csr_matrix[np.float32], probes: int = USUAL_PROBES) -> IndexReport:
        """Index the played tracks; recall is measured for those of `histories` (n_listeners, n_tracks) who like something."""
        start = time.perf_counter()
        played = np.flatnonzero(np.isfinite(self._norms)).astype(np.int32)
        vectors = self._factors[played]
        rows = [slice(first, last) for first, last in pairwise(histories.indptr.tolist())]
        # Who likes nothing folds in to zeros: all tracks tie, "the best" would be chance and more groups be read in vain.
        liking = [row for row in rows if (histories.data[row] > 0).any()]
        listeners = [self.fold_in(histories.indices[row], dampen(histories.data[row])).factors for row in liking]
        truth = [played[top_columns(vectors @ listener, RECALL_AT)] for listener in listeners]
        index = VectorIndex.trained(vectors, played, probes)
        self.index, report = tuned(index, truth, lambda tried, i: tried.search(listeners[i], CANDIDATES), start)
        return report

    def load_index(self, directory: Path, expected: IndexReport) -> None:
        """Take the stored index. Raises UnreadableIndex."""
        shape = (int(np.isfinite(self._norms).sum()), self._factors.shape[1])
        self.index = VectorIndex.load(directory / "als.faiss", expected, shape)

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
        config = AlsConfig(**json.loads((directory / "config.json").read_text()))
        return cls.of(np.load(directory / "item_factors.npy", allow_pickle=False), config)

    def _trainer(self, factors: int, iterations: int) -> AlternatingLeastSquares:
        with without_inner_threads():
            return AlternatingLeastSquares(
                factors=factors, regularization=self.config.regularization, alpha=1.0, dtype=np.float32, use_gpu=False,
                iterations=iterations, random_state=self.config.seed, calculate_training_loss=False,
            )  # fmt: skip

    def _trained(self, trainer: AlternatingLeastSquares, confidence: csr_matrix[np.float32]) -> Self:
        if confidence.nnz == 0:
            return self._with(np.zeros((confidence.shape[1], trainer.factors), np.float32))
        random = np.random.default_rng(self.config.seed)
        trainer.user_factors = _start(random, confidence.shape[0], trainer.factors)
        if trainer.item_factors is None:
            trainer.item_factors = _start(random, confidence.shape[1], trainer.factors)
        with without_inner_threads():
            trainer.fit(confidence, show_progress=False)
        factors = np.asarray(trainer.item_factors, np.float32)
        # A track that no row holds keeps a trace of its start otherwise.
        factors[np.bincount(confidence.indices, minlength=len(factors)) == 0] = 0.0
        return self._with(factors)

    def _with(self, factors: Floats) -> Self:
        self._factors, self.index = np.ascontiguousarray(factors), None
        products = _gram(self._factors)
        self.moments = DenseMoments.of(self._factors, products)
        gram = products + self.config.regularization * np.eye(factors.shape[1])
        self._gram, self._inverse = gram, np.linalg.inv(gram).astype(np.float32)
        norms = np.linalg.norm(factors, axis=1)
        self._norms = np.where(norms > 0, norms, np.inf).astype(np.float32)
        return self


class AlsReading(Reading):
    """A listener's factors, and the factorised system that they come from."""

    def __init__(self, model: AlsModel, history: History) -> None:
        super().__init__(model, history)
        self._items, self._moments, self._index = model.factors, model.moments, model.index
        self._inside = history.told(model.n_tracks)
        self._fold_in = model.fold_in(history.columns[self._inside], history.dampened[self._inside])

    def scores(self, columns: Columns | None = None) -> Floats:
        if columns is None:
            everything: Floats = self._items @ self._fold_in.factors
            return everything
        return scored(columns, len(self._items), lambda inside: products(self._items, inside, self._fold_in.factors))

    def own_scores(self) -> Floats:
        return self._fold_in.chosen @ self._fold_in.factors

    def moments(self) -> Moments:
        return self._moments.along(self._fold_in.factors)

    def candidates(self, n: int, allowed: Mask) -> Columns:
        return super().candidates(n, allowed) if self._index is None else self._index.search(self._fold_in.factors, n, allowed)

    def contributions(self, columns: Columns) -> Floats:
        inside = known(columns, len(self._items))
        shares = self._fold_in.shares(self._items[columns[inside]])
        return spread(shares, inside, self._inside, (len(columns), len(self.history)))


def _start(random: np.random.Generator, count: int, factors: int) -> Floats:
    """As implicit starts, which holds a second array of that size meanwhile."""
    start = random.random((count, factors), np.float32)
    start *= np.float32(0.01)
    return start


def _gram(factors: Floats) -> Doubles:
    """`YᵀY` in double precision; a few rows at a time, as a copy of all would be the most memory that a fit takes."""
    products = np.zeros((factors.shape[1], factors.shape[1]))
    for start in range(0, len(factors), GRAM_ROWS):
        rows = factors[start : start + GRAM_ROWS].astype(np.float64)
        products += rows.T @ rows
    return products


def _confidence(preference: csr_matrix[np.float32], config: AlsConfig) -> csr_matrix[np.float32]:
    """Confidence of each entry; negative where the listener rejected the track, which implicit reads as a confident zero."""
    confidence = preference.copy()
    confidence.data = (config.alpha * dampen(preference.data)).astype(np.float32)
    confidence.eliminate_zeros()
    return confidence
