"""From a source of scores to a ranked pool of tracks that may be shown.

Up to EXACT_TRACKS everything is scored: reading all factors once is cheaper than looking for the best. Above, filters that leave
at most EXACT_ELIGIBLE have just these scored; otherwise the source names candidates among what may be shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

import numpy as np
import numpy.typing as npt

from segue.models.blend import added
from segue.models.contract import Columns, Floats
from segue.models.index import CANDIDATES, EXACT_TRACKS
from segue.models.ranking import top_columns
from segue.recommending.adventure import REACH, Dial
from segue.recommending.diversity import Diversity, first_versions
from segue.recommending.facts import Facts, Mask
from segue.recommending.sources import Source
from segue.recommending.stages import Stage

EXACT_ELIGIBLE = 4_000
WIDENING = 4
"""A pool that is too uniform is followed by one of WIDENING times the size."""
POOL_FACTOR = 5
LEAST_POOL = 150
"""An answer of n is chosen from max(LEAST_POOL, POOL_FACTOR · n) tracks: enough for variety, and few."""
SAMPLE = 1_024


@dataclass(frozen=True)
class Pool:
    """Ranked tracks, best first, one version of each song; arrays of one length. `parts` add up to `total`."""

    columns: Columns
    total: Floats
    parts: Mapping[str, Floats]

    @cached_property
    def shares(self) -> list[dict[str, float]]:
        """The parts of each track."""
        names, values = list(self.parts), zip(*(part.tolist() for part in self.parts.values()), strict=True)
        return [dict(zip(names, own, strict=True)) for own in values]

    def at(self, positions: npt.NDArray[np.intp]) -> Pool:
        """The part at these positions."""
        parts = {name: part[positions] for name, part in self.parts.items()}
        return Pool(self.columns[positions], self.total[positions], parts)

    def turned(self, dial: Dial) -> Pool:
        """Ranked anew under the dial; its part joins the others."""
        part = _finite(dial.part(self.total, self.columns))
        total = self.total + part
        return Pool(self.columns, total, {**self.parts, dial.name: part}).at(np.argsort(-total, kind="stable"))


@dataclass(frozen=True)
class _Scored:
    columns: Columns | None
    parts: Mapping[str, Floats]
    total: Floats
    eligible: Mask

    def serves(self, size: int) -> bool:
        """Whether it holds `size` tracks that may be shown, or everything."""
        return self.columns is None or int(np.count_nonzero(self.eligible)) >= size

    def best(self, size: int, track_nos: npt.NDArray[np.int32]) -> Pool:
        """The `size` best that may be shown; equal scores stand in the order of track_no."""
        order = track_nos if self.columns is None else track_nos[self.columns]
        positions = _shortlist(self.total, self.eligible.nonzero()[0], size)
        positions = positions[top_columns(self.total[positions], size, tie_order=order[positions])]
        columns = positions.astype(np.int32) if self.columns is None else self.columns[positions]
        return Pool(columns, self.total[positions], {name: part[positions] for name, part in self.parts.items()})


class Ranking:
    """The ranking of one question: what was retrieved and scored for one pool serves the next."""

    def __init__(
        self, source: Source, eligible: Mask, facts: Facts, track_nos: npt.NDArray[np.int32], dial: Dial | None = None
    ) -> None:
        self._source, self._eligible, self._facts, self._track_nos, self._dial = source, eligible, facts, track_nos, dial
        self._scored: _Scored | None = None

    def pool(self, n: int, diversity: Diversity, least: int = LEAST_POOL) -> Pool:
        """The best eligible tracks: at least `n` of them, within the caps of `diversity`, if so many exist.

        The pool grows while versions of the same songs, or tracks of the same artists, crowd it.
        """
        size = max(least, POOL_FACTOR * n)
        if self._dial is None:
            return self._roomy(size, n, diversity)
        within_reach = self._roomy(max(size, REACH), n, diversity).turned(self._dial)
        best = within_reach.at(np.arange(min(size, len(within_reach.columns))))
        return best if _room(best.columns, self._facts, diversity, n) else within_reach

    def _roomy(self, size: int, n: int, diversity: Diversity) -> Pool:
        while True:
            ranked = self._ranked(size)
            first = first_versions(self._facts.song[ranked.columns])
            pool = ranked if len(first) == len(ranked.columns) else ranked.at(first)
            if len(ranked.columns) < size or _room(pool.columns, self._facts, diversity, n):
                return pool
            size *= WIDENING

    def _ranked(self, size: int) -> Pool:
        if self._scored is None or not self._scored.serves(size):
            self._scored = _scored(self._source, self._eligible, size)
        with Stage("rank"):
            return self._scored.best(size, self._track_nos)


def _room(columns: Columns, facts: Facts, diversity: Diversity, n: int) -> bool:
    artists = facts.artist[columns]
    return len(set(artists.tolist())) >= n or diversity.room(artists, facts.album[columns]) >= n


def _scored(source: Source, eligible: Mask, wanted: int) -> _Scored:
    with Stage("retrieve"):
        columns = _retrieved(source, eligible, wanted)
    with Stage("score"):
        allowed = eligible if columns is None else eligible[columns]
        parts = source.parts(columns)
        total = added(parts)
        # A sum is finite only if all is.
        if not isfinite(total.sum()):
            parts = {name: _finite(part) for name, part in parts.items()}
            total = added(parts)
        return _Scored(columns, parts, total, allowed)


def _retrieved(source: Source, eligible: Mask, wanted: int) -> Columns | None:
    """Eligible columns, at least `wanted` if there are so many; None: all columns."""
    if len(eligible) <= EXACT_TRACKS:
        return None
    size = max(CANDIDATES, wanted)
    if np.count_nonzero(eligible) <= max(size, EXACT_ELIGIBLE):
        return np.flatnonzero(eligible).astype(np.int32)
    return source.candidates(size, eligible)


def _shortlist(total: Floats, positions: npt.NDArray[np.intp], size: int) -> npt.NDArray[np.intp]:
    """Those of `positions` that can be among the `size` best: a bound guessed from a sample, checked, saves ordering the rest.

    Selecting 150 of 30,000 takes 0.25 ms without it and 0.05 ms with it; masking scores by -inf instead, as equal values are a
    selection's worst case, up to 2.6 ms.
    """
    if len(positions) <= 4 * SAMPLE:
        return positions
    scores = total[positions]
    sample = scores[:: max(1, len(scores) // SAMPLE)]
    rank = 2 * size * len(sample) // max(len(scores), 1) + 4
    if rank >= len(sample):
        return positions
    bound = np.partition(sample, len(sample) - rank)[len(sample) - rank]
    above: npt.NDArray[np.intp] = (scores >= bound).nonzero()[0]
    return positions[above] if len(above) >= size else positions


def _finite(part: Floats) -> Floats:
    """The part; where it is not a finite number it says nothing."""
    return np.nan_to_num(part, nan=0.0, posinf=0.0, neginf=0.0)
