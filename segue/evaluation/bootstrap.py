"""Confidence intervals by resampling listeners: Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.

Every column is averaged over the same resampled listeners, so the difference of two columns is a paired one: what makes a
listener hard for both models cancels out. That is why a small difference can be sure although the two intervals overlap.

Cost: RESAMPLES · n_listeners random numbers and a product of (RESAMPLES, n_listeners) with (n_listeners, n_columns), in chunks
of CHUNK_CELLS.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segue.evaluation.metrics import Values

RESAMPLES = 1_000
CONFIDENCE = 0.95
CHUNK_CELLS = 4_000_000
"""Resamples times listeners held at once: 32 MB for the draws, as much for their counts."""


@dataclass(frozen=True)
class Interval:
    """A mean with its percentile interval at CONFIDENCE; NaN where there is nothing to average."""

    mean: float
    low: float
    high: float

    def overlaps(self, other: Interval) -> bool:
        """Whether the two share a value."""
        return self.low <= other.high and other.low <= self.high


def mean(values: Values) -> Values:
    """The mean of each column over the listeners where it is known (not NaN). `values` float64 (n_listeners, n_columns)."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)


def resampled_means(values: Values, seed: int, resamples: int = RESAMPLES) -> Values:
    """The means of `resamples` samples of listeners, drawn with replacement: float64 (resamples, n_columns).

    `values` float64 (n_listeners, n_columns); NaN is left out of its column's mean.
    """
    rng = np.random.default_rng(seed)
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    n = len(values)
    step = max(1, CHUNK_CELLS // max(n, 1))
    parts = [np.empty((0, values.shape[1]))]
    for start in range(0, resamples, step):
        drawn = _counts(rng, min(step, resamples - start), n)
        with np.errstate(invalid="ignore", divide="ignore"):
            parts.append((drawn @ filled) / (drawn @ known.astype(np.float64)))
    return np.concatenate(parts)


def intervals(values: Values, resampled: Values) -> list[Interval]:
    """The interval of each column, from its values (n_listeners, n_columns) and resampled means (resamples, n_columns)."""
    tail = (1.0 - CONFIDENCE) / 2.0
    means = mean(values)
    told = np.isfinite(means)
    ends = np.full((2, values.shape[1]), np.nan)
    if told.any():
        ends[:, told] = np.nanquantile(resampled[:, told], [tail, 1.0 - tail], axis=0)
    return [Interval(*map(float, column)) for column in zip(means, *ends, strict=True)]


def _counts(rng: np.random.Generator, resamples: int, n: int) -> Values:
    """How often each of n listeners was drawn in each resample, shape (resamples, n)."""
    drawn = rng.integers(0, max(n, 1), (resamples, n)) + np.arange(resamples)[:, None] * n
    return np.bincount(drawn.ravel(), minlength=resamples * n).reshape(resamples, n).astype(np.float64)
