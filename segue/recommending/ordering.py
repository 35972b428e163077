"""The order of a playlist: a way from track to track on which tempo and energy change little.

The shortest such way is a travelling salesman's path. Nearest neighbours from the best track on, then 2-opt (Croes, "A Method for
Solving Traveling-Salesman Problems", Operations Research 1958): the best reversal of a stretch, while one shortens the way.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from segue.events import AudioFeatures

Doubles = npt.NDArray[np.float64]
Order = npt.NDArray[np.intp]

TEMPO_STEP = 1.1
"""A tempo that is a tenth faster is as far as ENERGY_STEP of energy."""
ENERGY_STEP = 0.1
LEAST_GAIN = 1e-9
"""Less is rounding, and could go on for ever."""


def place_of(features: AudioFeatures | None) -> tuple[float, float] | None:
    """Tempo and energy in steps; None where one of them is unknown."""
    if features is None or not 0 < features.tempo < np.inf or not abs(features.energy) < np.inf:
        return None
    return float(np.log(features.tempo) / np.log(TEMPO_STEP)), features.energy / ENERGY_STEP


def smooth(places: Doubles) -> Order:
    """A short way through `places` (n, 2) as a permutation; it begins with the first. The same for the same places."""
    if len(places) <= 2:
        return np.arange(len(places))
    apart = np.linalg.norm(places[:, None, :] - places[None, :, :], axis=2)
    return _shortened(_by_nearest(apart), apart)


def length_of(order: Order, places: Doubles) -> float:
    """How long the way is, in steps."""
    return float(np.linalg.norm(np.diff(places[order], axis=0), axis=1).sum())


def _by_nearest(apart: Doubles) -> Order:
    order, left = [0], np.ones(len(apart), np.bool_)
    for _ in range(len(apart) - 1):
        left[order[-1]] = False
        order.append(int(np.argmin(np.where(left, apart[order[-1]], np.inf))))
    return np.array(order, np.intp)


def _shortened(order: Order, apart: Doubles) -> Order:
    """At most n reversals: each looks at all pairs."""
    for _ in range(len(order)):
        first, last, gain = _best_reversal(apart[np.ix_(order, order)])
        if gain <= LEAST_GAIN:
            break
        order[first : last + 1] = order[first : last + 1][::-1]
    return order


def _best_reversal(way: Doubles) -> tuple[int, int, float]:
    """The stretch whose reversal saves most, and how much; `way`: distances by place in the order, (n, n).

    Reversing i…j replaces the steps (i-1, i) and (j, j+1) by (i-1, j) and (i, j+1); after the last there is no step.
    """
    steps = np.append(np.diagonal(way, 1), 0.0)
    after = np.zeros_like(way)
    after[:, :-1] = way[:, 1:]
    # Row i-1 and column j: the first track stays where it is.
    gains = steps[:-1, None] + steps[None, :] - way[:-1, :] - after[1:, :]
    gains[np.tril_indices_from(gains)] = 0.0
    at = int(np.argmax(gains))
    row, last = divmod(at, gains.shape[1])
    return row + 1, last, float(gains[row, last])
