"""Positions to index arrays by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Columns = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
Where = slice | npt.NDArray[np.intp]
"""Some positions; a slice where that is all of them, which costs nothing to index by."""


def where(mask: npt.NDArray[np.bool_]) -> Where:
    """Where a mask is True."""
    return slice(None) if mask.all() else mask.nonzero()[0]


def known(columns: Columns, n_tracks: int) -> Where:
    """Where `columns` lie within 0..n_tracks-1."""
    # As unsigned numbers, negative ones are too large as well.
    return where(columns.view(np.uint32) < n_tracks)


def scored(columns: Columns, n_tracks: int, score: Callable[[Columns], Floats]) -> Floats:
    """`score` of the columns within 0..n_tracks-1, 0 for the others."""
    inside = known(columns, n_tracks)
    if isinstance(inside, slice):
        return score(columns)
    scores = np.zeros(len(columns), np.float32)
    scores[inside] = score(columns[inside])
    return scores


def spread(values: Floats, rows: Where, columns: Where, shape: tuple[int, int]) -> Floats:
    """An array of this shape with `values` at these rows and columns, 0 elsewhere; `values` itself if that is all of it."""
    if isinstance(rows, slice) and isinstance(columns, slice):
        return values
    whole = np.zeros(shape, np.float32)
    whole[np.arange(shape[0])[rows, None], np.arange(shape[1])[columns]] = values
    return whole
