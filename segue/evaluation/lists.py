"""What lists are like besides right: how much of the catalogue they show, how new, varied, popular and fair to a taste they are.

coverage     share of the catalogue that is shown to anybody
gini         inequality of how often tracks are shown: 0 all alike, 1 always the same one (popularity bias of the whole)
popularity   mean share of the listeners who know the shown tracks, in the training data (popularity bias of a list)
novelty      mean self-information -log2((listeners who know it + 1) / (listeners + 1)) of the shown tracks, in bits
             (Zhou et al., "Solving the apparent diversity-accuracy dilemma of recommender systems", PNAS 2010)
diversity    1 - mean cosine of two tracks of a list, over genres and first artist
             (intra-list; Ziegler et al., "Improving recommendation lists through topic diversification", WWW 2005)
calibration  KL divergence of the list's genres from the history's, in nats, 0 is best
             (Steck, "Calibrated recommendations", RecSys 2018, with its α = 0.01)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, diags, hstack

from segue.evaluation.metrics import Columns, Values
from segue.models.contract import Catalogue, Interactions, positive

SMOOTHING = 0.01
"""Share of the history's genres mixed into the list's, so that a genre missing from the list does not make the KL infinite."""
CHUNK_CELLS = 4_000_000
"""Listeners times genres held at once: 32 MB for each of three arrays."""

Matrix = csr_matrix[np.float32]


@dataclass(frozen=True)
class TrackFacts:
    """What the lists are judged by, for each of n_tracks columns.

    `known_by` float64 (n_tracks,): listeners of the training data who like the track, of `listeners` in all. `genres`: csr
    (n_tracks, n_genres), rows sum to 1; `features`: csr (n_tracks, any), rows of length 1; a row is empty where the catalogue
    says nothing.
    """

    known_by: Values
    listeners: int
    genres: Matrix
    features: Matrix

    @classmethod
    def of(cls, interactions: Interactions, catalogue: Catalogue) -> Self:
        """From what the models were fitted to; `catalogue` has one entry for each column."""
        genres = _one_hot([{g.casefold() for g in track.genres} if track else () for track in catalogue])
        artists = _one_hot([{track.artists[0].casefold()} if track and track.artists else () for track in catalogue])
        known_by = positive(interactions.of_listeners()).getnnz(axis=0).astype(np.float64)
        features = csr_matrix(hstack([_scaled(genres, 2), _scaled(artists, 2)], format="csr", dtype=np.float32))
        return cls(known_by, interactions.listeners, _scaled(genres, 1), _scaled(features, 2))

    @property
    def n_tracks(self) -> int:
        """Number of columns."""
        return len(self.known_by)


def of_each_list(ranked: Columns, history: Matrix, facts: TrackFacts) -> dict[str, Values]:
    """popularity, novelty, diversity and calibration of each list, float64 (n_listeners,); NaN where it cannot be told.

    `ranked` (n_listeners, k): columns, -1 pads a short list. `history` (n_listeners, n_tracks): preferences, of which the
    positive ones tell the taste.
    """
    return {
        "popularity": _mean_of_list(ranked, facts.known_by / max(facts.listeners, 1)),
        "novelty": _mean_of_list(ranked, -np.log2((facts.known_by + 1.0) / (facts.listeners + 1.0))),
        "diversity": diversity(ranked, facts.features),
        "calibration": calibration(ranked, history, facts.genres),
    }


def of_all_lists(ranked: Columns, n_tracks: int) -> dict[str, float]:
    """coverage and gini of all lists together; `ranked` as for `of_each_list`."""
    shown = np.bincount(ranked[ranked >= 0], minlength=n_tracks)
    return {"coverage": float(np.count_nonzero(shown)) / max(n_tracks, 1), "gini": gini(shown)}


def gini(counts: npt.NDArray[np.int64]) -> float:
    """Gini coefficient of counts >= 0, shape (n,); 0 of nothing. With counts ascending: Σ (2i - n - 1) c_i / (n Σ c_i)."""
    total, n = float(counts.sum()), len(counts)
    if total == 0:
        return 0.0
    place = 2.0 * np.arange(1, n + 1) - n - 1
    return float((place * np.sort(counts)).sum() / (n * total))


def diversity(ranked: Columns, features: Matrix) -> Values:
    """1 - mean cosine over the pairs of tracks that have features, NaN with fewer than two such tracks.

    `features`: csr (n_tracks, any), rows of length 1 or 0. The sum over pairs is (|Σ v|² - m) / 2 for m unit vectors, so the
    cost grows with the length of a list, not with its square.
    """
    described = np.diff(features.indptr) > 0
    counted = _indicator(np.where((ranked >= 0) & described[ranked], ranked, -1), features.shape[0])
    m = np.diff(counted.indptr).astype(np.float64)
    added = csr_matrix(counted @ features)
    squared = np.asarray(added.multiply(added).sum(axis=1), np.float64).ravel()
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(m > 1, 1.0 - (squared - m) / (m * (m - 1)), np.nan)


def calibration(ranked: Columns, history: Matrix, genres: Matrix) -> Values:
    """KL(p ‖ (1 - α) q + α p) of each list: p the genres of the liked tracks, weighted by preference, q those of the list.

    NaN where either has no genres. `genres`: csr (n_tracks, n_genres), rows sum to 1 or 0. Chunked to CHUNK_CELLS.
    """
    result = np.full(len(ranked), np.nan)
    liked = positive(history)
    step = max(1, CHUNK_CELLS // max(genres.shape[1], 1))
    for start in range(0, len(ranked), step):
        rows = slice(start, start + step)
        taste = _distribution(csr_matrix(liked[rows] @ genres).toarray())
        shown = _distribution(csr_matrix(_indicator(ranked[rows], genres.shape[0]) @ genres).toarray())
        result[rows] = _divergence(taste, shown)
    return result


def _divergence(p: Values, q: Values) -> Values:
    mixed = (1.0 - SMOOTHING) * q + SMOOTHING * p
    with np.errstate(invalid="ignore", divide="ignore"):
        terms = np.where(p > 0, p * np.log(p / mixed), 0.0)
    told = (p.sum(axis=1) > 0) & (q.sum(axis=1) > 0)
    return np.where(told, np.maximum(terms.sum(axis=1), 0.0), np.nan)


def _distribution(weights: npt.NDArray[np.float32]) -> Values:
    total = weights.sum(axis=1, keepdims=True, dtype=np.float64)
    return np.asarray(weights / np.where(total > 0, total, 1.0), np.float64)


def _mean_of_list(ranked: Columns, values: Values) -> Values:
    shown = ranked >= 0
    count = shown.sum(axis=1)
    total = np.where(shown, values[ranked], 0.0).sum(axis=1) if len(values) else np.zeros(len(ranked))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _indicator(ranked: Columns, n_tracks: int) -> Matrix:
    """csr (n_listeners, n_tracks) with a 1 for each shown track."""
    shown = ranked >= 0
    rows = np.broadcast_to(np.arange(len(ranked))[:, None], ranked.shape)[shown]
    return csr_matrix((np.ones(len(rows), np.float32), (rows, ranked[shown])), shape=(len(ranked), n_tracks))


def _one_hot(labels: Iterable[Iterable[str]]) -> Matrix:
    position: dict[str, int] = {}
    columns: list[int] = []
    ends = [0]
    for row in labels:
        columns += [position.setdefault(label, len(position)) for label in sorted(row)]
        ends.append(len(columns))
    return csr_matrix((np.ones(len(columns), np.float32), columns, ends), shape=(len(ends) - 1, len(position)))


def _scaled(matrix: Matrix, norm: int) -> Matrix:
    """Rows scaled to sum 1 (norm 1) or length 1 (norm 2); empty rows stay empty."""
    size = np.asarray(matrix.power(norm).sum(axis=1)).ravel() ** (1.0 / norm)
    inverse = (1.0 / np.where(size > 0, size, 1.0)).astype(np.float32)
    return csr_matrix(diags(inverse) @ matrix, dtype=np.float32)
