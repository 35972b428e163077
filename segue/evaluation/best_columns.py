"""The best columns of many rows of scores at once, equal scores in the order of their columns.

A full argpartition of every row was most of an evaluation's time, and five times slower still where many scores are equal. The
k-th best of the maxima of blocks of columns is a bound that at least k scores reach and few others do, so one pass over the
scores leaves a handful of blocks per row.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from segue.models.contract import Columns, Floats

Rows = npt.NDArray[np.intp]

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
    maxima = np.fmax.reduceat(scores, np.arange(0, scores.shape[1], BLOCK), axis=1)
    bound = _bound(maxima, size)
    level = (np.fmax.reduce(maxima, axis=1) == bound) & (bound > -np.inf)
    for at in np.flatnonzero(level):
        best[at, :size] = np.flatnonzero(scores[at] == bound[at])[:size]
    row, column, value = _reached(scores, maxima, np.where(level, np.float32(np.inf), bound))
    crowded = np.bincount(row, minlength=len(scores)) > CROWDED * k
    kept = ~crowded[row]
    _place(best, row[kept], column[kept], value[kept])
    best[crowded, :size] = _by_keys(scores[crowded], size)
    return best


def _bound(maxima: Floats, k: int) -> Floats:
    """A score of each row that at least k columns reach, -inf where there are fewer than k blocks."""
    if maxima.shape[1] < k:
        return np.full(len(maxima), -np.inf, np.float32)
    known = np.where(np.isnan(maxima), np.float32(-np.inf), maxima)
    return np.partition(known, maxima.shape[1] - k, axis=1)[:, -k]


def _reached(scores: Floats, maxima: Floats, bound: Floats) -> tuple[Rows, Rows, Floats]:
    """Row, column and value of each score that reaches its row's bound; only blocks that hold one are looked into."""
    row, block = np.nonzero(maxima >= bound[:, None])
    column = block[:, None] * BLOCK + np.arange(BLOCK)
    value = scores[row[:, None], np.minimum(column, scores.shape[1] - 1)]
    within, place = np.nonzero((value >= bound[row, None]) & (column < scores.shape[1]))
    return row[within], column[within, place], value[within, place]


def _place(best: Columns, row: Rows, column: Rows, value: Floats) -> None:
    """Sort by row, score and column, and write the first of each row into `best`."""
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
