"""What was counted: for each track its listeners within a window, and within the windows before.

A listener counts once for each track and window, however often they played it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int32]
Amounts = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Heard:
    """The newest window as of `counted_at`. Arrays of shape (n,), the tracks with most listeners.

    `heat`: the sum over listeners of `2^(-age of their newest play / half-life)`. `total`: listeners of all tracks added up, also
    of tracks that are not listed.
    """

    counted_at: datetime
    track_no: Numbers
    listeners: Numbers
    heat: Amounts
    total: int


@dataclass(frozen=True)
class Past:
    """The windows before. `listeners`: added up over these windows, shape (n,); `total` as in `Heard`.

    `unlisted`: at most so many had each track that is not listed.
    """

    track_no: Numbers
    listeners: Numbers
    total: int
    unlisted: int = 0

    def of(self, track_no: Numbers) -> Numbers:
        """The listeners of these tracks; never fewer than there were, so that a bound cannot make a track rise."""
        if len(self.track_no) == 0:
            return np.full(len(track_no), self.unlisted, np.int32)
        order = np.argsort(self.track_no)
        known = self.track_no[order]
        at = np.minimum(np.searchsorted(known, track_no), len(known) - 1)
        found: Numbers = np.where(known[at] == track_no, self.listeners[order][at], self.unlisted).astype(np.int32)
        return found
