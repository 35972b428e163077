"""An immutable index of some tracks; what is typed against it costs array operations over the tracks that match.

Tracks stand in order of popularity, so that of a beginning that half the catalogue shares the best known come first without
sorting.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from api.search.vocabulary import Ints, Vocabulary
from segue.catalogue import Track, folded_words
from segue.ids import TrackNo

Scores = npt.NDArray[np.float32]

EXACT, BEGINNING, ALBUM_EXACT, ALBUM_BEGINNING = 1.0, 0.8, 0.6, 0.5
ERRORS = {1: 0.4, 2: 0.3}
"""What a typed word is worth by how it matches a title or artist, an album, or with so many typing errors."""
POPULARITY, WHOLE_TITLE = 0.3, 0.15
LOOKED_AT = 20_000
"""Most tracks that are ranked: the most popular of those that match, besides those that match exactly."""


@dataclass(frozen=True)
class Typed:
    """The folded words of a query; the last may be only begun."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, query: str) -> Typed:
        """From what a person typed."""
        return cls(tuple(dict.fromkeys(folded_words(query))))


@dataclass(frozen=True)
class Postings:
    """`starts` (int32, (n_words + 1,)): where in `tracks` (int32) the positions of the tracks with each word begin."""

    starts: Ints
    tracks: Ints

    @classmethod
    def of(cls, words: Ints, lengths: Ints, n_words: int) -> Postings:
        """From the numbers of all tracks' words, one track after another, and how many each has."""
        tracks = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
        order = np.argsort(words, kind="stable")
        starts = np.searchsorted(words[order], np.arange(n_words + 1)).astype(np.int32)
        return cls(starts, tracks[order])

    def of_words(self, first: int, behind: int) -> Ints:
        """Positions of the tracks with any of the words from `first` up to `behind`; one may come several times."""
        return self.tracks[self.starts[first] : self.starts[behind]]


class _Texts:
    """The words of one field of many tracks, by the numbers that they got in order of appearance."""

    def __init__(self) -> None:
        self._words, self._lengths = array("i"), array("i")

    def add(self, words: Collection[str], numbers: dict[str, int]) -> None:
        self._words.extend([numbers.setdefault(word, len(numbers)) for word in words])
        self._lengths.append(len(words))

    def postings(self, places: Ints) -> Postings:
        """Under the final numbers: `places`, by the first ones."""
        return Postings.of(places[np.array(self._words, np.int32)], np.array(self._lengths, np.int32), len(places))


@dataclass(frozen=True)
class Found:
    """Candidates: scores (float32, (n,)) and track numbers (int32, (n,))."""

    scores: Scores
    track_nos: Ints


class Segment:
    """Some tracks, searchable. `forget` only clears marks, so a search in another thread sees a track or does not."""

    def __init__(self, tracks: Iterable[Track]) -> None:
        ordered = sorted(tracks, key=lambda track: (-(track.popularity or 0), track.track_no))
        self._track_nos = np.array([track.track_no for track in ordered], np.int32)
        self._by_number = np.argsort(self._track_nos)
        self._popularity = np.array([track.popularity or 0 for track in ordered], np.float32) / 100
        self._live = np.ones(len(ordered), np.bool_)
        self._title_words = np.ones(len(ordered), np.float32)
        names, albums = _Texts(), _Texts()
        numbers: dict[str, int] = {}
        for position, track in enumerate(ordered):
            title = folded_words(track.name)
            self._title_words[position] = max(1, len(title))
            main = {*title, *chain.from_iterable(map(folded_words, track.artists))}
            names.add(main, numbers)
            albums.add(set(folded_words(track.album or "")) - main, numbers)
        words = sorted(numbers)
        places = np.empty(len(words), np.int32)
        places[[numbers[word] for word in words]] = np.arange(len(words), dtype=np.int32)
        self._vocabulary = Vocabulary.of(words)
        self._main, self._albums = names.postings(places), albums.postings(places)

    def __len__(self) -> int:
        return int(self._live.sum())

    def numbers(self) -> list[TrackNo]:
        """The tracks that are still here."""
        return [TrackNo(number) for number in self._track_nos[self._live].tolist()]

    def forget(self, track_no: TrackNo) -> None:
        """Never find this track here again; harmless if it is not here."""
        at = int(np.searchsorted(self._track_nos, track_no, sorter=self._by_number))
        if at < len(self._by_number) and self._track_nos[self._by_number[at]] == track_no:
            self._live[self._by_number[at]] = False

    def find(self, typed: Typed, *, errors: bool) -> Found:
        """Tracks that hold every word; scores: mean worth of the words, plus popularity, plus how short the title is for them."""
        worths = [self._worth(word, is_last=word == typed.words[-1], errors=errors) for word in typed.words]
        held = np.logical_and.reduce([worth > 0 for worth in worths]) & self._live
        positions = _most_telling(np.flatnonzero(held), worths)
        worth = np.mean([worth[positions] for worth in worths], axis=0, dtype=np.float32)
        typed_share = np.minimum(1.0, len(typed.words) / self._title_words[positions])
        scores = worth + POPULARITY * self._popularity[positions] + WHOLE_TITLE * typed_share
        return Found(scores.astype(np.float32), self._track_nos[positions])

    def _worth(self, word: str, *, is_last: bool, errors: bool) -> Scores:
        """The worth of one typed word for each track, float32 of shape (n_tracks,); later lines overwrite smaller worths."""
        worth = np.zeros(len(self._track_nos), np.float32)
        similar = self._vocabulary.similar(word, as_beginning=is_last) if errors else {}
        for distance in sorted(similar, reverse=True):
            for number in similar[distance]:
                worth[self._main.of_words(number, number + 1)] = ERRORS[distance]
        exact = self._vocabulary.number_of(word)
        begun = self._vocabulary.beginning_with(word) if is_last else (0, 0)
        worth[self._albums.of_words(*begun)] = ALBUM_BEGINNING
        if exact is not None:
            worth[self._albums.of_words(exact, exact + 1)] = ALBUM_EXACT
        worth[self._main.of_words(*begun)] = BEGINNING
        if exact is not None:
            worth[self._main.of_words(exact, exact + 1)] = EXACT
        return worth


def _most_telling(positions: npt.NDArray[np.intp], worths: Sequence[Scores]) -> npt.NDArray[np.intp]:
    if len(positions) <= LOOKED_AT:
        return positions
    exact = np.logical_and.reduce([worth[positions] == EXACT for worth in worths])
    exact[:LOOKED_AT] = True
    return positions[np.flatnonzero(exact)[: 2 * LOOKED_AT]]
