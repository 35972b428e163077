"""Counting what is played after what, from listens as they come in order, a part at a time.

A session ends at a pause of SESSION_GAP_S, or where a player says that another one begins. Within it, a track that was played
counts for each of the next WINDOW tracks, DECAY times less with every step (skip-grams: Guthrie et al., "A Closer Look at
Skip-gram Modelling", LREC 2006): the next one says most, and one accidental track in between hides nothing. A skip counts
against.

Cost: a second for a million listens. Memory: one part of the listens times WINDOW, and at most MAX_PAIRS pairs of 16 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

SESSION_GAP_S = 1_800.0
"""Half an hour without a listen ends a session, as web analytics and Last.fm research have it."""
WINDOW = 5
DECAY = 0.7
SKIP = -0.5
"""What a skip counts, as in `segue.taste.TasteWeights`."""
MAX_PAIRS = 20_000_000
"""Pairs remembered; beyond, the rarest are forgotten (Manku, Motwani, "Approximate Frequency Counts over Data Streams", 2002)."""

_HALF = np.int64(32)


@dataclass(frozen=True)
class OrderedListens:
    """Plays and skips ordered by listener, then time; arrays of shape (n,).

    `user_no`, `track_no` int32; `at_s` float64 Unix time; `skipped` int32 0 or 1; `session` int32, 0 where the player named none.
    """

    user_no: npt.NDArray[np.int32]
    track_no: npt.NDArray[np.int32]
    at_s: npt.NDArray[np.float64]
    skipped: npt.NDArray[np.int32]
    session: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.user_no)

    def at(self, rows: slice | npt.NDArray[np.bool_]) -> OrderedListens:
        """Some of the rows."""
        return OrderedListens(**{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})

    def then(self, later: OrderedListens) -> OrderedListens:
        """These rows and the later ones."""
        both = ((name, (getattr(self, name), getattr(later, name))) for name in self.__dataclass_fields__)
        return OrderedListens(**{name: np.concatenate(parts) for name, parts in both})

    def session_of(self) -> npt.NDArray[np.int64]:
        """Number of the session of each row, from 0, in order."""
        said = (self.session[1:] != self.session[:-1]) & (self.session[1:] != 0) & (self.session[:-1] != 0)
        paused = np.diff(self.at_s) > SESSION_GAP_S
        return np.concatenate([[0], np.cumsum((np.diff(self.user_no) != 0) | said | paused)])[: len(self)].astype(np.int64)

    @classmethod
    def none(cls) -> OrderedListens:
        """No listens."""
        whole, real = np.empty(0, np.int32), np.empty(0, np.float64)
        return cls(whole, whole, real, whole, whole)


@dataclass(frozen=True)
class Transitions:
    """Weights of pairs of tracks, each pair once; arrays of shape (n,).

    `before`, `after`: int32 track numbers; `weight` float64, below 0 where skips outweigh plays.
    """

    before: npt.NDArray[np.int32]
    after: npt.NDArray[np.int32]
    weight: npt.NDArray[np.float64]

    def matrix(self, track_nos: npt.NDArray[np.int32]) -> csr_matrix[np.float32]:
        """csr_matrix (n_tracks, n_tracks), at least 0, over the tracks in `track_nos` (ascending); others are left out."""
        kept = (self.weight > 0) & np.isin(self.before, track_nos) & np.isin(self.after, track_nos)
        rows, columns = (np.searchsorted(track_nos, numbers[kept]) for numbers in (self.before, self.after))
        shape = (len(track_nos), len(track_nos))
        return csr_matrix((self.weight[kept].astype(np.float32), (rows, columns)), shape=shape)

    def plus(self, other: Transitions) -> Transitions:
        """Both, added up."""
        counter = TransitionCounter()
        for part in (self, other):
            counter.count(_keys(part.before, part.after), part.weight)
        return counter.transitions()

    @classmethod
    def none(cls) -> Transitions:
        """No transitions."""
        return cls(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0))


class TransitionCounter:
    """Adds up the transitions of listens that come in parts; the parts follow on each other in order of listener and time."""

    def __init__(self, max_pairs: int = MAX_PAIRS) -> None:
        self._max_pairs = max_pairs
        self._keys: npt.NDArray[np.int64] = np.empty(0, np.int64)
        self._weights: npt.NDArray[np.float64] = np.empty(0, np.float64)
        self._tail = OrderedListens.none()
        self.forgotten = 0
        """Pairs dropped because there were more than the bound."""

    def add(self, part: OrderedListens) -> None:
        """The next part. The last rows of the part before are looked at again, as what comes first here may follow on them."""
        listens = self._tail.then(part)
        session, known = listens.session_of(), len(self._tail)
        found = [_pairs(listens, session, step, known) for step in range(1, WINDOW + 1)]
        self.count(*(np.concatenate(values) for values in zip(*found, strict=True)))
        self._tail = listens.at(slice(max(0, len(listens) - WINDOW), None))

    def count(self, keys: npt.NDArray[np.int64], weights: npt.NDArray[np.float64]) -> None:
        """Add weights of pairs, each key `before << 32 | after`."""
        unique, place = np.unique(np.concatenate([self._keys, keys]), return_inverse=True)
        total: npt.NDArray[np.float64] = np.bincount(place, np.concatenate([self._weights, weights]), len(unique)).astype(
            np.float64
        )
        if len(unique) > self._max_pairs:
            # By what is left of half the bound, so that this is rare.
            kept = np.sort(np.argpartition(-np.abs(total), self._max_pairs // 2)[: self._max_pairs // 2])
            self.forgotten += len(unique) - len(kept)
            unique, total = unique[kept], total[kept]
        self._keys, self._weights = unique, total

    def transitions(self) -> Transitions:
        """All that was counted."""
        before, after = self._keys >> _HALF, self._keys & 0xFFFF_FFFF
        return Transitions(before.astype(np.int32), after.astype(np.int32), self._weights)


def _pairs(
    listens: OrderedListens, session: npt.NDArray[np.int64], step: int, known: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Keys and weights of the pairs `step` apart whose later track is at `known` or behind."""
    before, after = listens.track_no[:-step], listens.track_no[step:]
    counts = (session[step:] == session[:-step]) & (listens.skipped[:-step] == 0) & (before != after)
    counts[: max(0, known - step)] = False
    said = np.where(listens.skipped[step:][counts], SKIP, 1.0)
    return _keys(before[counts], after[counts]), said * DECAY ** (step - 1)


def _keys(before: npt.NDArray[np.int32], after: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    return before.astype(np.int64) << _HALF | after
