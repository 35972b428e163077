"""Choosing a list rather than the top of a ranking: maximal marginal relevance, caps per artist, one version of each song.

Carbonell, Goldstein, "The Use of MMR, Diversity-Based Reranking", SIGIR 1998.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Diversity:
    """`strength` 0 keeps the ranking, 1 looks at variety only; `per_artist` tracks of one first artist in one answer."""

    strength: float = 0.2
    per_artist: int = 2


def first_versions(songs: npt.NDArray[np.int32]) -> npt.NDArray[np.intp]:
    """Positions of the first of each song in a ranking, in order; `songs` holds each position's song code."""
    _, first = np.unique(songs, return_index=True)
    return np.sort(first)


def diversified(
    scores: npt.NDArray[np.float32],
    likeness: npt.NDArray[np.float32],
    artists: npt.NDArray[np.int32],
    n: int,
    diversity: Diversity,
) -> list[int]:
    """Positions of `n` of a ranked pool (fewer if it is smaller), in the order to show.

    `scores` (size,) descending; `likeness` (size, size) in 0..1; `artists` (size,) codes. The cap gives way, best score first,
    when the pool has nothing else left: a caller who asks for one artist's genre gets n tracks.
    """
    relevance = _unit(scores)
    closest = np.zeros(len(scores), np.float32)
    open_ = np.ones(len(scores), np.bool_)
    taken: dict[int, int] = {}
    chosen: list[int] = []
    while len(chosen) < n and open_.any():
        value = (1.0 - diversity.strength) * relevance - diversity.strength * closest
        best = int(np.argmax(np.where(open_, value, -np.inf)))
        chosen.append(best)
        open_[best] = False
        np.maximum(closest, likeness[best], out=closest)
        artist = int(artists[best])
        taken[artist] = taken.get(artist, 0) + 1
        if taken[artist] >= diversity.per_artist:
            open_ &= artists != artist
    rest = sorted(set(range(len(scores))) - set(chosen))
    return chosen + rest[: n - len(chosen)]


def _unit(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The scores on 0..1: likeness is, too."""
    if len(scores) == 0:
        return scores
    span = scores[0] - scores[-1]
    scaled: npt.NDArray[np.float32] = (scores - scores[-1]) / span if span > 0 else np.ones_like(scores)
    return scaled
