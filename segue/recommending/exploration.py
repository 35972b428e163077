"""Slots that are given to chance, so that what the scores do not know can be learnt; each with its exact probability.

Every slot of an answer is explored with probability ε, independently. The m tracks to explore are put into random order, with
blanks up to the number of slots n when m < n; an explored slot k shows the k-th of them, or the ranked track if that is a blank.
So, with L = max(m, n), slot k shows a given track to explore with probability ε / L, and its ranked track with probability
1 - ε · m / L: what inverse-propensity estimators divide by (Horvitz, Thompson, 1952; Swaminathan, Joachims, ICML 2015).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.recommending.diversity import Codes
from segue.recommending.steering import Exploration

EXPLORED = 500
"""Tracks are explored from the best so many that fit the question."""


@dataclass(frozen=True)
class Slots:
    """For each slot: the position in the ranked list or in the tracks to explore, which of the two, and the propensity."""

    positions: npt.NDArray[np.intp]
    explored: npt.NDArray[np.bool_]
    propensity: npt.NDArray[np.float64]


def strangers(artists: Codes, shown: Codes) -> npt.NDArray[np.intp]:
    """Positions to explore: the best track of each artist who is not `shown`, so that no cap is broken whatever is drawn."""
    firsts = np.sort(np.unique(artists, return_index=True)[1])
    return firsts[~np.isin(artists[firsts], shown)]


def drawn(n: int, m: int, exploration: Exploration) -> Slots:
    """The slots of an answer of `n` ranked tracks with `m` tracks to explore; the same for the same seed."""
    random = np.random.default_rng(exploration.seed)
    lot = random.permutation(max(m, n))[:n]
    explored = (random.random(n) < exploration.epsilon) & (lot < m)
    length = max(m, n, 1)
    propensity = np.where(explored, exploration.epsilon / length, 1.0 - exploration.epsilon * m / length)
    return Slots(np.where(explored, lot, np.arange(n)), explored, propensity)
