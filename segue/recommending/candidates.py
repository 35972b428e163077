"""From scores of every track to a ranked pool of those that may be shown."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from segue.models.contract import Columns, Floats
from segue.models.ranking import top_columns
from segue.recommending.diversity import first_versions
from segue.recommending.filters import Facts, Mask

POOL_FACTOR = 5
LEAST_POOL = 150
"""An answer of n is chosen from max(LEAST_POOL, POOL_FACTOR · n) tracks: enough for variety, small enough for MMR's square."""


def ranked_pool(scores: Floats, eligible: Mask, facts: Facts, track_nos: npt.NDArray[np.int32], n: int) -> Columns:
    """The best eligible columns, best first, one version of each song; at least `n` of them if so many exist.

    Equal scores stand in the order of track_no. The pool doubles while versions of the same songs crowd it.
    """
    masked = np.where(eligible, scores, np.float32(-np.inf))
    size = max(LEAST_POOL, POOL_FACTOR * n)
    while True:
        pool = top_columns(masked, size, tie_order=track_nos)
        distinct = pool[first_versions(facts.song[pool])]
        if len(distinct) >= n or len(pool) < size:
            return distinct
        size *= 2
