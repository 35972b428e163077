"""A listener's factors, solved from the history with the item factors held fixed; one factorisation serves scores and evidence.

With M = YᵀY + λI, U the factors of the history's tracks (h, f), c their confidences and D = |c| - 1, the loss of Hu et al. is
least at `x = (M + UᵀDU)⁻¹ Uᵀ max(c, 0)`. A history shorter than half of the factors is solved in its own size instead, by the
push-through identity `x = (UP)ᵀ (I + D G)⁻¹ max(c, 0)` with P = M⁻¹ and G = U P Uᵀ, so the cost is never cubic in the history.

On one thread, factors and evidence of 10 tracks, with 64 and with 256 factors: 0.07 and 0.33 ms for 100 tracks of history, 0.2
and 1.6 ms for 1,000, 0.3 and 2.7 ms for 2,000, which would take 120 to 150 ms in the history's size.
"""

from __future__ import annotations

from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.linalg.lapack import dpotrf, dpotrs

from segue.models.contract import Floats

Doubles = npt.NDArray[np.float64]
LEAST_EXCESS = 1e-6
"""A confidence below that of an unplayed track is no evidence against other tracks: D stays above 0."""


class FoldIn(Protocol):
    """The loss of one history, factorised."""

    @property
    def order(self) -> int:
        """Number of equations."""

    @property
    def chosen(self) -> Floats:
        """U."""

    @property
    def factors(self) -> Floats:
        """The listener's factors x, shape (f,)."""

    def shares(self, vectors: Floats) -> Floats:
        """What each track of the history adds to `vectors @ x`, shape (len(vectors), h); `vectors` of shape (any, f).

        The solution is linear in the confidences (Hu et al., section 5), so a row adds up to the score.
        """


def folded_in(chosen: Floats, confidence: Doubles, gram: Doubles, inverse: Floats) -> FoldIn:
    """The fold-in of a history: `chosen` is U, `confidence` c of shape (h,), `gram` M and `inverse` P of shape (f, f)."""
    small = 2 * len(chosen) <= chosen.shape[1]
    return _InTracks(chosen, confidence, inverse) if small else _InFactors(chosen, confidence, gram)


class _InTracks:
    """A system of the history's size, (h, h)."""

    def __init__(self, chosen: Floats, confidence: Doubles, inverse: Floats) -> None:
        self._root = np.sqrt(_excess(confidence))
        self._target = np.maximum(confidence, 0.0) / self._root
        self.chosen = chosen
        self._projected: Floats = chosen @ inverse
        system = self._root[:, None] * (self._projected @ chosen.T) * self._root
        system.flat[:: len(system) + 1] += 1.0
        self.order = len(system)
        self._factorised = _Factorised(system)

    @cached_property
    def factors(self) -> Floats:
        weights = self._root * self._factorised.solve(self._target)
        solved: Floats = weights.astype(np.float32) @ self._projected
        return solved

    def shares(self, vectors: Floats) -> Floats:
        sides = self._root[:, None] * (self._projected @ vectors.T)
        shares = self._factorised.solve(sides).T * self._target
        return np.asarray(shares, np.float32)


class _InFactors:
    """A system of the factors' size, (f, f)."""

    def __init__(self, chosen: Floats, confidence: Doubles, gram: Doubles) -> None:
        self.chosen, self._target = chosen, np.maximum(confidence, 0.0)
        weighted = chosen * np.sqrt(_excess(confidence)).astype(np.float32)[:, None]
        self.order = len(gram)
        # One matrix times its own transpose: numpy knows that half of it is enough.
        self._factorised = _Factorised(gram + weighted.T @ weighted)

    @cached_property
    def factors(self) -> Floats:
        return self._factorised.solve(self._target @ self.chosen).astype(np.float32)

    def shares(self, vectors: Floats) -> Floats:
        solved = self._factorised.solve(vectors.T.astype(np.float64)).astype(np.float32)
        shares: Floats = (self.chosen @ solved).T * self._target.astype(np.float32)
        return shares


class _Factorised:
    """A symmetric system by Cholesky, in LAPACK's own calls: scipy's wrappers of them take longer than a solution."""

    def __init__(self, system: Doubles) -> None:
        # Symmetric, so its transpose is itself, in the order that LAPACK works in.
        info = 0
        self._factor: Doubles = system
        if len(system):
            self._factor, info = dpotrf(system.T, lower=True, clean=False, overwrite_a=True)
        if info != 0:
            raise np.linalg.LinAlgError(f"the system of order {len(system)} is not positive definite (LAPACK: {info})")

    def solve(self, sides: Doubles) -> Doubles:
        """The solution for each column of `sides`."""
        solution: Doubles = dpotrs(self._factor, sides, lower=True)[0] if len(sides) else sides
        return solution


def _excess(confidence: Doubles) -> Doubles:
    excess: Doubles = np.maximum(np.abs(confidence) - 1.0, LEAST_EXCESS)
    return excess
