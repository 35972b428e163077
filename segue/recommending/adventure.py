"""The dial between what a listener knows and what they do not: familiar at 0, the plain scores at 0.5, discovery at 1.

The dial ranks the best REACH tracks anew by `score + λ · novelty`, so it moves an answer within what fits. Novelty, on 0..1
among these, is half rarity and half distance: rarity is `log2(1 + plays)` turned around, which is self-information up to a
constant (Zhou et al., PNAS 2010; Vargas, Castells, RecSys 2011), distance the listener's content score turned around. Of a top n
under that sum, the summed novelty never falls as λ grows: of two dials each one's choice is the best under its own λ, and adding
both inequalities leaves that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from segue.models.contract import Columns, Floats

REACH = 300
WEIGHT = 2.0
"""At its ends the dial weighs the range of novelty within its reach so many times as much as the range of the scores there."""
NEUTRAL = 0.5


@dataclass(frozen=True)
class Dial:
    """`setting` 0..1; `novelty` of columns, each in 0..1."""

    setting: float
    novelty: Callable[[Columns], Floats]

    @property
    def name(self) -> str:
        """Of its part of the score."""
        return "discovery" if self.setting > NEUTRAL else "familiar"

    def part(self, total: Floats, columns: Columns) -> Floats:
        """What the dial adds to the scores `total` of `columns`, 0 on average."""
        if len(columns) == 0:
            return total
        novelty = self.novelty(columns)
        strength = (2.0 * self.setting - 1.0) * WEIGHT * float(np.ptp(total)) / max(float(np.ptp(novelty)), 1e-9)
        gained: Floats = (novelty - novelty.mean()) * np.float32(strength)
        return gained


def novelty(popularity: Floats, closeness: Floats) -> Floats:
    """Novelty of tracks, each against the others, from their popularity, `log2(1 + plays)`, and closeness to what is liked.

    Of any scale and of one shape; a quantity in which the tracks do not differ says nothing.
    """
    average: Floats = (_turned(popularity) + _turned(closeness)) * np.float32(0.5)
    return average


def _turned(values: Floats) -> Floats:
    """1 for the least, 0 for the greatest."""
    if len(values) == 0:
        return values
    turned: Floats = (values.max() - values) / np.float32(max(float(np.ptp(values)), 1e-9))
    return turned
