"""Picking the best of many scores, the same way every time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def top_columns(scores: npt.NDArray[np.float32], n: int, tie_order: npt.NDArray[np.int32] | None = None) -> npt.NDArray[np.int32]:
    """Positions of the `n` greatest scores, greatest first; -inf never counts.

    Equal scores stand in the order of `tie_order` (default: of position), also where the cut falls between them, so that an
    answer does not depend on how the partition happened to run. O(len(scores)) plus a sort of the result.
    """
    if n <= 0:
        return np.empty(0, np.int32)
    if n < len(scores):
        threshold = np.partition(scores, len(scores) - n)[len(scores) - n]
        pool = np.flatnonzero(scores >= threshold) if threshold > -np.inf else np.flatnonzero(scores > -np.inf)
    else:
        pool = np.flatnonzero(scores > -np.inf)
    ties = pool if tie_order is None else tie_order[pool]
    order = np.lexsort((ties, -scores[pool]))[:n]
    return pool[order].astype(np.int32)


def standardise(scores: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """`(scores - mean) / std` along the last axis, and the std that was used, of shape (..., 1).

    A list without any spread says nothing: it becomes zeros (its std is reported as infinite).
    """
    count = max(scores.shape[-1], 1)
    mean = (scores.sum(axis=-1, keepdims=True, dtype=np.float64) / count).astype(np.float32)
    centred = scores - mean
    spread = np.sqrt(np.einsum("...i,...i->...", centred, centred) / np.float32(count))[..., None]
    # Rounding leaves a trace of spread in a constant list.
    spread = np.where(spread > 1e-6 * np.abs(mean), spread, np.float32(np.inf)).astype(np.float32)
    centred /= spread
    return centred, spread
