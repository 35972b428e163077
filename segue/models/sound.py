"""Audio features and era as vectors whose dot product says how alike two tracks sound.

Features are put on one scale and mapped by random Fourier features, so that the dot product approximates a Gaussian kernel:
near 1 only if two tracks are near in *every* feature, near 0 if they are far in some (Rahimi, Recht, "Random Features for
Large-Scale Kernel Machines", NIPS 2007; orthogonal directions: Yu et al., "Orthogonal Random Features", NIPS 2016). A plain
cosine of scaled features would call any two loud tracks alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.catalogue import FARTHEST_FEATURE, Track
from segue.models.contract import Catalogue, Floats

WEIGHTS: dict[str, float] = {
    "danceability": 1.0, "energy": 1.2, "loudness": 0.6, "speechiness": 0.8, "acousticness": 1.0, "instrumentalness": 0.8,
    "liveness": 0.2, "valence": 0.9, "tempo": 0.4, "mode": 0.2, "year": 1.2,
}  # fmt: skip
"""How much a distance of one standard deviation in each feature tells two tracks apart. Key is left out: it says nothing of
style.
"""
FEATURES = tuple(WEIGHTS)
SKEWED = ("speechiness", "acousticness", "instrumentalness", "liveness")
"""Features that crowd near zero; their square root is used."""
BANDWIDTH = 3.0
"""Distance, in weighted standard deviations, at which the kernel has fallen to 0.6."""
SEED = 11


@dataclass(frozen=True)
class SoundScale:
    """Mean and standard deviation of each feature, shape (len(FEATURES),), learnt from the catalogue."""

    mean: npt.NDArray[np.float64]
    std: npt.NDArray[np.float64]

    @classmethod
    def fit(cls, tracks: Catalogue) -> SoundScale:
        """The scale of a catalogue; tracks without features say nothing, and without any the scale is 0 and 1."""
        rows = raw_features([track for track in tracks if track is not None])
        known = ~np.isnan(rows)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, rows, 0.0).sum(axis=0) / count
        variance = (np.where(known, rows - mean, 0.0) ** 2).sum(axis=0) / count
        return cls(mean, np.where(variance > 1e-12, np.sqrt(variance), 1.0))

    def scaled(self, tracks: Sequence[Track]) -> npt.NDArray[np.float64]:
        """Weighted standard scores within ±3, shape (len(tracks), len(FEATURES)); 0 (the mean) where a feature is missing."""
        standard = np.clip((raw_features(tracks) - self.mean) / self.std, -3.0, 3.0)
        weighted: npt.NDArray[np.float64] = np.nan_to_num(standard, nan=0.0) * np.array(list(WEIGHTS.values()))
        return weighted


def sound_vectors(tracks: Sequence[Track], scale: SoundScale, dimensions: int) -> Floats:
    """Vectors of shape (len(tracks), dimensions) of unit length; zeros for a track without audio features."""
    projected = scale.scaled(tracks) @ _directions(len(FEATURES), dimensions // 2) / BANDWIDTH
    mapped = np.hstack([np.cos(projected), np.sin(projected)]) / np.sqrt(dimensions // 2)
    has_features = np.array([track.features is not None for track in tracks], np.bool_)
    return np.where(has_features[:, None], mapped, 0.0).astype(np.float32)


def raw_features(tracks: Sequence[Track]) -> npt.NDArray[np.float64]:
    """The features as the catalogue has them (skewed ones by their square root), NaN where missing or beyond FARTHEST_FEATURE."""
    rows = np.array([_raw(track) for track in tracks], np.float64).reshape(len(tracks), len(FEATURES))
    rows[np.abs(rows) > FARTHEST_FEATURE] = np.nan
    skewed = [FEATURES.index(name) for name in SKEWED]
    rows[:, skewed] = np.sqrt(np.maximum(rows[:, skewed], 0.0))
    return rows


def _raw(track: Track) -> list[float]:
    year = float("nan") if track.year is None else float(track.year)
    if track.features is None:
        return [float("nan")] * (len(FEATURES) - 1) + [year]
    return [float(getattr(track.features, name)) for name in FEATURES[:-1]] + [year]


def _directions(features: int, count: int) -> npt.NDArray[np.float64]:
    """Random directions of normally distributed length, orthogonal in groups of `features`; always the same ones."""
    random = np.random.default_rng(SEED)
    groups = [np.linalg.qr(random.standard_normal((features, features)))[0] for _ in range(-(-count // features))]
    lengths = np.sqrt(random.chisquare(features, size=len(groups) * features))
    return (np.hstack(groups) * lengths)[:, :count]
