"""Picking the best of many scores, the same way every time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix


def top_columns(scores: npt.NDArray[np.float32], n: int, tie_order: npt.NDArray[np.int32] | None = None) -> npt.NDArray[np.int32]:
    """Positions of the `n` greatest scores, greatest first; -inf never counts.

    Equal scores stand in the order of `tie_order` (default: of position), also where the cut falls between them, so that an
    answer does not depend on how the partition happened to run. O(len(scores)) plus a sort of the result.
    """
    if n <= 0:
        return np.empty(0, np.int32)
    if n < len(scores):
        threshold = np.partition(scores, len(scores) - n)[len(scores) - n]
        pool = (scores >= threshold if threshold > -np.inf else scores > -np.inf).nonzero()[0]
    else:
        pool = (scores > -np.inf).nonzero()[0]
    ties = pool if tie_order is None else tie_order[pool]
    order = np.lexsort((ties, -scores[pool]))[:n]
    return pool[order].astype(np.int32)


def best_of(scores: npt.NDArray[np.float32], n: int, tie_order: npt.NDArray[np.int32] | None = None) -> npt.NDArray[np.intp]:
    """The positions that `top_columns` gives, in no promised order: for candidates, whose order nobody asks for."""
    if n >= len(scores):
        return (scores > -np.inf).nonzero()[0]
    pool = (scores >= np.partition(scores, len(scores) - n)[len(scores) - n]).nonzero()[0] if n > 0 else np.empty(0, np.intp)
    return pool if len(pool) == n else top_columns(scores, n, tie_order).astype(np.intp)


def distinct(*columns: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """The columns of all of these, each once, ascending; a third of what `np.unique` takes for a few thousand."""
    ordered = np.concatenate(columns)
    ordered.sort()
    new = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    return ordered[new]


def standardise(
    scores: npt.NDArray[np.float32], own: csr_matrix[np.float32] | None = None
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """`(scores - mean) / std` along the last axis, and the std that was used, of shape (..., 1).

    A list without any spread says nothing: it becomes zeros (its std is reported as infinite). Where `own`, of the shape of
    `scores`, is not 0, a score counts for neither mean nor std (but is standardised): a listener's own tracks are never asked
    for, and stand far above the rest in some models only.
    """
    mean, spread = list_moments(scores, own)
    standard = scores - mean
    standard /= spread
    return standard, spread


def list_moments(
    scores: npt.NDArray[np.float32], own: csr_matrix[np.float32] | None = None
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Mean and std as `standardise` uses them, each of shape (..., 1)."""
    left_out, fewer = _left_out(own)
    count = np.maximum(scores.shape[-1] - fewer, 1)
    others = scores.copy()
    others[left_out] = 0.0
    mean = (others.sum(axis=-1, keepdims=True, dtype=np.float64) / count).astype(np.float32)
    others -= mean
    others[left_out] = 0.0
    spread = np.sqrt(np.einsum("...i,...i->...", others, others)[..., None] / count).astype(np.float32)
    # Rounding leaves a trace of spread in a constant list.
    return mean, np.where(spread > 1e-6 * np.abs(mean), spread, np.float32(np.inf)).astype(np.float32)


def _left_out(own: csr_matrix[np.float32] | None) -> tuple[tuple[npt.NDArray[np.intp], ...], npt.NDArray[np.intp]]:
    """Where a matrix is not 0, as an index, and how often in each row, of shape (rows, 1); nowhere, without one."""
    if own is None:
        return (np.empty(0, np.intp),), np.zeros(1, np.intp)
    rows, columns = (at.astype(np.intp) for at in own.nonzero())
    return (rows, columns), np.bincount(rows, minlength=own.shape[0])[:, None]
