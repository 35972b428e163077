"""Choosing a list rather than the top of a ranking: maximal marginal relevance, caps per artist and album, one version of a song.

Carbonell, Goldstein, "The Use of MMR, Diversity-Based Reranking", SIGIR 1998.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.errors import InvalidInput
from segue.models.contract import Floats

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Diversity:
    """`strength` 0 keeps the ranking, 1 looks at variety only; at most `per_artist` tracks of one first artist in one answer, and
    `per_album` of one of its albums.
    """

    strength: float = 0.2
    per_artist: int = 2
    per_album: int = 2

    def __post_init__(self) -> None:
        if not 0.0 <= self.strength <= 1.0 or self.per_artist < 1 or self.per_album < 1:
            raise InvalidInput(f"{self}: strength is between 0 and 1, the caps are at least 1", "contradictory_steering")

    def room(self, artists: Codes, albums: Codes) -> int:
        """How many of these tracks the caps let into one answer; exact, since an album belongs to one artist."""
        if len(artists) == 0:
            return 0
        _, first, tracks = np.unique(albums, return_index=True, return_counts=True)
        _, owner = np.unique(artists[first], return_inverse=True)
        of_artist = np.bincount(owner, weights=np.minimum(tracks, self.per_album))
        return int(np.minimum(of_artist, self.per_artist).sum())


@dataclass(frozen=True)
class Chosen:
    """`positions` in a pool, in the order to show; `relaxed` names the caps that gave way: `per_album`, `per_artist`."""

    positions: npt.NDArray[np.intp]
    relaxed: tuple[str, ...] = ()


def first_versions(songs: Codes) -> npt.NDArray[np.intp]:
    """Positions of the first of each song in a ranking, in order; `songs` holds each position's song code."""
    codes = songs.tolist()
    # From the last to the first, so that the first stays.
    first = dict(zip(reversed(codes), range(len(codes) - 1, -1, -1), strict=True))
    return np.array(sorted(first.values()), np.intp)


def diversified(scores: Floats, vectors: Floats, artists: Codes, albums: Codes, n: int, diversity: Diversity) -> Chosen:
    """`n` of a ranked pool, fewer if it is smaller.

    `scores` (size,) descending; `vectors` (size, d), whose dot products are likenesses in 0..1; `artists`, `albums` (size,)
    codes. The caps give way, albums first, only when the pool has nothing else left.
    """
    selection = _Selection(scores, vectors, artists, albums, diversity)
    wanted = min(n, len(scores))
    selection.fill(wanted, diversity.per_artist, diversity.per_album)
    relaxed: list[str] = []
    for name, per_artist in (("per_album", diversity.per_artist), ("per_artist", n)):
        if selection.fill(wanted, per_artist, n):
            relaxed.append(name)
    return Chosen(np.array(selection.chosen, np.intp), tuple(relaxed))


class _Selection:
    """The greedy choice, kept between one setting of the caps and the next."""

    def __init__(self, scores: Floats, vectors: Floats, artists: Codes, albums: Codes, diversity: Diversity) -> None:
        self.chosen: list[int] = []
        self._vectors, self._codes = vectors, (artists, albums)
        self._of: tuple[list[int], list[int]] = (artists.tolist(), albums.tolist())
        self._taken: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._strength = np.float32(diversity.strength)
        self._relevance = _unit(scores) * (np.float32(1) - self._strength)
        self._penalty = np.zeros(len(scores), np.float32)
        """Strength times the likeness to the most like of the chosen."""

    def fill(self, wanted: int, *caps: int) -> int:
        """Choose until there are `wanted` or nothing is open under the caps of artist and album; how many were added."""
        before = len(self.chosen)
        if before == wanted:
            return 0
        value = self._relevance.copy()
        value[self.chosen] = -np.inf
        for codes, taken, cap in zip(self._codes, self._taken, caps, strict=True):
            for code in [code for code, count in taken.items() if count >= cap]:
                value[codes == code] = -np.inf
        while len(self.chosen) < wanted:
            best = int((value - self._penalty).argmax())
            if value[best] == -np.inf:
                break
            self._take(value, best, caps)
        return len(self.chosen) - before

    def _take(self, value: Floats, best: int, caps: Sequence[int]) -> None:
        self.chosen.append(best)
        value[best] = -np.inf
        for codes, of, taken, cap in zip(self._codes, self._of, self._taken, caps, strict=True):
            code = of[best]
            taken[code] = taken.get(code, 0) + 1
            if taken[code] >= cap:
                value[codes == code] = -np.inf
        if self._strength:
            np.maximum(self._penalty, self._vectors @ (self._strength * self._vectors[best]), out=self._penalty)


def _unit(scores: Floats) -> Floats:
    """The scores on 0..1: likeness is, too."""
    if len(scores) == 0:
        return scores
    span = scores[0] - scores[-1]
    scaled: Floats = (scores - scores[-1]) / span if span > 0 else np.ones_like(scores)
    return scaled
