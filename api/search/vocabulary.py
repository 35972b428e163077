"""The distinct words of many texts: which begin with what is typed, and which are a typing error away from it.

Words that share enough pairs of letters with the typed one are measured exactly (optimal string alignment: an insertion, a
deletion, a substitution or a swap of neighbours is one error). That as many errors destroy only so many shared pairs is the
count filter of Gravano et al., "Approximate String Joins in a Database (Almost) for Free", VLDB 2001.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]

_START, _END = "\x02", "\x03"
_KEYS = 1 << 16
_LAST = chr(0x10FFFF)
MEASURED = 512
"""Words whose distance is computed for one typed word: those that share the most pairs of letters with it."""
MAX_WORD = 32
"""Longer words match by their beginning alone."""


def errors_allowed(word: str) -> int:
    """How many typing errors a word of this length may have."""
    return 0 if len(word) < 4 or len(word) > MAX_WORD else 1 if len(word) < 8 else 2


@dataclass(frozen=True)
class Vocabulary:
    """Sorted distinct words; a word's number is its place.

    `starts` (int32, (_KEYS + 1,)) and `holders` (int32): the numbers of the words that hold each pair of letters, by the pair's
    hash, each as often as the pair occurs in it.
    """

    words: Sequence[str]
    starts: Ints
    holders: Ints

    @classmethod
    def of(cls, words: Sequence[str]) -> Vocabulary:
        """From sorted distinct words."""
        text = "".join(f"{_START}{word}{_END}" for word in words)
        lengths = np.fromiter((len(word) + 2 for word in words), np.int64, len(words))
        owners = np.repeat(np.arange(len(words), dtype=np.int32), lengths)
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        within = codes[:-1] != ord(_END)
        keys, owners = _keys(codes)[within], owners[:-1][within]
        order = np.argsort(keys, kind="stable")
        starts = np.searchsorted(keys[order], np.arange(_KEYS + 1)).astype(np.int32)
        return cls(words, starts, owners[order])

    def number_of(self, word: str) -> int | None:
        """The number of exactly this word."""
        at = bisect_left(self.words, word)
        return at if at < len(self.words) and self.words[at] == word else None

    def beginning_with(self, start: str) -> tuple[int, int]:
        """First number, and the one behind the last, of the words that begin with `start`."""
        return bisect_left(self.words, start), bisect_left(self.words, start + _LAST)

    def similar(self, typed: str, *, as_beginning: bool) -> dict[int, list[int]]:
        """Numbers of the words within the errors allowed, by distance; `as_beginning`: those that go on from there, too."""
        allowed = errors_allowed(typed)
        candidates = self._sharing(typed, allowed, as_beginning) if allowed else np.empty(0, np.int32)
        if not len(candidates):
            return {}
        distances = _distances(typed, [self.words[number] for number in candidates.tolist()], allowed, as_beginning)
        return {d: candidates[distances == d].tolist() for d in range(1, allowed + 1) if (distances == d).any()}

    def _sharing(self, typed: str, allowed: int, as_beginning: bool) -> Ints:
        text = f"{_START}{typed}" if as_beginning else f"{_START}{typed}{_END}"
        pairs = np.unique(_keys(np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)))
        found = np.concatenate([self.holders[self.starts[key] : self.starts[key + 1]] for key in pairs.tolist()])
        shared = np.bincount(found, minlength=0)
        # An error touches two pairs, a swap three.
        enough = np.flatnonzero(shared >= max(2, len(pairs) - 3 * allowed)).astype(np.int32)
        if len(enough) > MEASURED:
            enough = enough[np.argsort(-shared[enough], kind="stable")[:MEASURED]]
        return enough


def _keys(codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    hashed: npt.NDArray[np.uint32] = (codes[:-1] * np.uint32(2_654_435_761) + codes[1:] * np.uint32(40_503)) & np.uint32(
        _KEYS - 1
    )
    return hashed


def _distances(typed: str, words: Sequence[str], allowed: int, as_beginning: bool) -> npt.NDArray[np.int16]:
    """Optimal string alignment distance of `typed` to each word or, `as_beginning`, to the nearest beginning of it."""
    width = len(typed) + allowed
    letters = np.zeros((width, len(words)), np.uint32)
    lengths = np.fromiter((len(word) for word in words), np.int64, len(words))
    for column, word in enumerate(words):
        cut = word[:width]
        letters[: len(cut), column] = np.frombuffer(cut.encode("utf-32-le", "surrogatepass"), np.uint32)
    table = np.empty((len(typed) + 1, width + 1, len(words)), np.int16)
    table[:, 0] = np.arange(len(typed) + 1, dtype=np.int16)[:, None]
    table[0, :] = np.arange(width + 1, dtype=np.int16)[:, None]
    for i, letter in enumerate(map(ord, typed), 1):
        for j in range(1, width + 1):
            best = np.minimum(np.minimum(table[i - 1, j], table[i, j - 1]) + 1, table[i - 1, j - 1] + (letters[j - 1] != letter))
            if i > 1 and j > 1:
                swapped = (letters[j - 1] == ord(typed[i - 2])) & (letters[j - 2] == letter)
                best = np.where(swapped, np.minimum(best, table[i - 2, j - 2] + 1), best)
            table[i, j] = best
    last = table[len(typed)]
    ends = np.arange(width + 1)[:, None]
    inside = ends <= lengths if as_beginning else ends == lengths
    nearest: npt.NDArray[np.int16] = np.where(inside, last, np.int16(width + 1)).min(axis=0)
    return nearest
