"""What was seen already, of millions of things, in eight bytes each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

MERGE_FROM = 3
"""Runs of one size before they become one, so that each number is moved a few times only."""


class Seen:
    """A growing set of 64-bit numbers that are spread evenly, such as the random bits of ids, asked in pages.

    Sorted runs, small ones merged into larger ones. Two different things share a number once in some million imports.
    """

    def __init__(self) -> None:
        self._runs: list[npt.NDArray[np.uint64]] = []

    def add(self, numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """For each of the page's numbers, shape (n,), whether it is new: neither seen before nor earlier in the page."""
        unique, first = np.unique(numbers, return_index=True)
        new = ~self._known(unique)
        fresh = np.zeros(len(numbers), np.bool_)
        fresh[first[new]] = True
        self._runs.append(unique[new])
        while len(self._runs) >= MERGE_FROM and len(self._runs[-MERGE_FROM]) < 2 * len(self._runs[-1]) + 1:
            merged = np.concatenate(self._runs[-MERGE_FROM:])
            merged.sort(kind="stable")
            self._runs[-MERGE_FROM:] = [merged]
        return fresh

    def _known(self, unique: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        known = np.zeros(len(unique), np.bool_)
        for run in self._runs:
            if len(run):
                places = np.minimum(np.searchsorted(run, unique), len(run) - 1)
                known |= run[places] == unique
        return known
