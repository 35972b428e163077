"""Artists and genres as sparse vectors; a rare tag says more than a common one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from segue.catalogue import Track
from segue.models.contract import Catalogue, Floats

Tags = dict[str, float]


@dataclass(frozen=True)
class TagSpace:
    """The columns of the tag vectors: `artist:…` and `genre:…`, with the inverse document frequency of each."""

    position: dict[str, int]
    rarity: tuple[float, ...]

    @classmethod
    def fit(cls, tracks: Catalogue) -> TagSpace:
        """The tags of a catalogue. Rarity is `ln(N / count)` over that of a tag seen once, so it lies in 0..1."""
        known = [track for track in tracks if track is not None]
        counts = Counter(tag for track in known for tag in tags_of(track))
        highest = np.log(len(known) + 1.0)
        tags = sorted(counts)
        rarity = tuple(float(np.log((len(known) + 1.0) / counts[tag]) / highest) for tag in tags)
        return cls({tag: i for i, tag in enumerate(tags)}, rarity)

    def extended(self, tracks: Iterable[Track]) -> TagSpace:
        """A space that also holds the new tags of `tracks`; positions of the old ones stay."""
        new = sorted({tag for track in tracks for tag in tags_of(track)} - self.position.keys())
        if not new:
            return self
        added = {tag: len(self.position) + i for i, tag in enumerate(new)}
        return TagSpace(self.position | added, self.rarity + (1.0,) * len(new))

    def vectors(self, tracks: Sequence[Track], artist_weight: float, genre_weight: float) -> csr_matrix[np.float32]:
        """csr_matrix of shape (len(tracks), len(position)); artists and genres of a track have the given squared lengths.

        Genres are weighted by rarity, artists alike, the first artist most.
        """
        rows = [self._row(track, artist_weight, genre_weight) for track in tracks]
        indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int32)
        indices = np.array([self.position[tag] for row in rows for tag in sorted(row, key=self.position.__getitem__)], np.int32)
        data = np.array([row[tag] for row in rows for tag in sorted(row, key=self.position.__getitem__)], np.float32)
        return csr_matrix((data, indices, indptr), shape=(len(tracks), len(self.position)))

    def _row(self, track: Track, artist_weight: float, genre_weight: float) -> Tags:
        artists = {_artist(name): 1.0 / (1 + rank) for rank, name in reversed(list(enumerate(track.artists)))}
        genres = {_genre(name): 0.05 + self.rarity[self.position[_genre(name)]] for name in track.genres}
        return _scaled(artists, artist_weight) | _scaled(genres, genre_weight)


def tags_of(track: Track) -> set[str]:
    """All tags of a track."""
    return {_artist(name) for name in track.artists} | {_genre(name) for name in track.genres}


def squared_lengths(vectors: csr_matrix[np.float32]) -> Floats:
    """Squared length of each row."""
    lengths: Floats = np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel().astype(np.float32)
    return lengths


def _scaled(tags: Tags, squared_length: float) -> Tags:
    length = np.sqrt(sum(value * value for value in tags.values()))
    return {tag: float(value / length * np.sqrt(squared_length)) for tag, value in tags.items()}


def _artist(name: str) -> str:
    return f"artist:{name.casefold()}"


def _genre(name: str) -> str:
    return f"genre:{name.casefold()}"
