"""Positions to index arrays by."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Where = slice | npt.NDArray[np.intp]
"""Some positions; a slice where that is all of them, which costs nothing to index by."""


def where(mask: npt.NDArray[np.bool_]) -> Where:
    """Where a mask is True."""
    return slice(None) if mask.all() else mask.nonzero()[0]


def known(columns: npt.NDArray[np.int32], n_tracks: int) -> Where:
    """Where `columns` lie within 0..n_tracks-1."""
    # As unsigned numbers, negative ones are too large as well.
    return where(columns.view(np.uint32) < n_tracks)
