"""The best columns of many rows of scores at once, equal scores in the order of their columns.

A full argpartition of every row was most of an evaluation's time, and five times slower still where many scores are equal. The
k-th best of the maxima of blocks of columns is a bound that at least k scores reach and few others do, so one pass over the
scores leaves a handful per row. Measured on one core, 390 rows of 41 thousand columns, k = 20: 0.06 s where an argpartition takes
0.39 s; 1.0 s instead of 2.1 s when all scores are equal.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from segue.models.contract import Columns, Floats

BLOCK = 64
CROWDED = 50
"""Rows with more than CROWDED · k scores at or above the bound are full of equal scores and go the other way."""


def best_columns(scores: Floats, k: int) -> Columns:
    """The `k` best columns of each row, best first: int32 (n_rows, k), -1 where a row has fewer above -inf.

    `scores` float32 (n_rows, n_columns). NaN never counts.
    """
    best = np.full((len(scores), k), -1, np.int32)
    size = min(k, scores.shape[1])
    if not size or not len(scores):
        return best
    reached = scores >= _bound(scores, size)[:, None]
    crowded = np.count_nonzero(reached, axis=1) > CROWDED * k
    reached[crowded] = False
    _place(best, scores, reached)
    best[crowded, :size] = _by_keys(scores[crowded], size)
    return best


def _bound(scores: Floats, k: int) -> Floats:
    """A score of each row that at least k columns reach, -inf where there are fewer than k blocks."""
    whole = scores.shape[1] // BLOCK * BLOCK
    maxima = scores[:, :whole].reshape(len(scores), -1, BLOCK).max(axis=2)
    if maxima.shape[1] < k:
        return np.full(len(scores), -np.inf, np.float32)
    bound = np.partition(maxima, maxima.shape[1] - k, axis=1)[:, -k]
    # A NaN makes its block's maximum NaN, which sorts behind every number.
    return np.where(np.isnan(maxima).any(axis=1), np.float32(-np.inf), bound)


def _place(best: Columns, scores: Floats, reached: npt.NDArray[np.bool_]) -> None:
    """Sort what is reached by row, score and column, and write the first of each row into `best`."""
    row, column = np.nonzero(reached)
    value = scores[row, column]
    order = np.lexsort((column, -value, row))
    order = order[value[order] > -np.inf]
    row, column = row[order], column[order]
    rank = np.arange(len(row)) - np.searchsorted(row, row)
    kept = rank < best.shape[1]
    best[row[kept], rank[kept]] = column[kept]


def _by_keys(scores: Floats, k: int) -> Columns:
    """The same by one integer for each score, in whose low half the column breaks ties."""
    n = scores.shape[1]
    bits = (np.where(np.isnan(scores), np.float32(-np.inf), scores) + np.float32(0.0)).view(np.int32)
    # IEEE floats compare like integers once the lower bits of the negative ones are turned over.
    keys = (bits ^ ((bits >> 31) & np.int32(0x7FFF_FFFF))).astype(np.int64) << 32 | np.arange(n - 1, -1, -1)
    top = -np.sort(-np.partition(keys, n - k, axis=1)[:, n - k :], axis=1)
    columns = n - 1 - (top & 0xFFFF_FFFF)
    return np.where(np.take_along_axis(scores, columns, axis=1) > -np.inf, columns, -1).astype(np.int32)
