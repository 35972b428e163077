"""What filters, caps and blocks look at: the catalogue as arrays, one entry for each column of the recommender."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from segue.catalogue import FARTHEST_FEATURE, MOODS, Mood, Track, folded_words
from segue.models.contract import Columns, Floats
from segue.recommending.tag_index import TagIndex

Mask = npt.NDArray[np.bool_]
T = TypeVar("T", bound=np.generic)
UNKNOWN = -1
FEATURES = (
    "danceability", "energy", "loudness", "speechiness", "acousticness", "instrumentalness", "liveness", "valence", "tempo",
)  # fmt: skip
"""The audio features that can be filtered by; key and mode are names rather than amounts."""
LONGEST_MS = 2**31 - 1
"""24 days: a longer track is an error and its length counts as unknown."""


@dataclass(frozen=True)
class Facts:
    """Immutable; `placed` returns new facts.

    `shown`: the catalogue has the track and it is not deleted. `year`, `popularity`, `explicit`, `mood`, `length_ms`: UNKNOWN
    where not said.
    `features`: (n, len(FEATURES)) in Fortran order, NaN where unknown or beyond FARTHEST_FEATURE, so that no comparison holds.
    `song`, `artist`, `album`: codes that versions of one song, tracks of one first artist, and tracks of one of its albums share;
    a negative code is shared with nobody. `genres`, `artists` (guests too), `songs`: columns by folded name; `words`: see
    `words_of`.
    """

    shown: Mask
    year: npt.NDArray[np.int16]
    popularity: npt.NDArray[np.int16]
    explicit: npt.NDArray[np.int8]
    mood: npt.NDArray[np.int8]
    length_ms: npt.NDArray[np.int32]
    features: Floats
    song: npt.NDArray[np.int32]
    artist: npt.NDArray[np.int32]
    album: npt.NDArray[np.int32]
    genres: TagIndex
    artists: TagIndex
    songs: TagIndex
    words: TagIndex
    album_codes: dict[str, int]

    @classmethod
    def of(cls, tracks: Sequence[Track | None]) -> Facts:
        """The facts of each column's track; a None is never shown."""
        short, tiny, code = np.empty(0, np.int16), np.empty(0, np.int8), np.empty(0, np.int32)
        none, no_features = TagIndex.empty(), np.empty((0, len(FEATURES)), np.float32, order="F")
        nothing = cls(
            np.empty(0, np.bool_), short, short, tiny, tiny, code, no_features, code, code, code, none, none, none, none, {}
        )  # fmt: skip
        return nothing.placed(np.arange(len(tracks), dtype=np.int32), tracks)

    def placed(self, columns: Columns, tracks: Sequence[Track | None]) -> Facts:
        """Facts with `tracks` in `columns`, which may be old ones or follow on the last; these facts stay as they are."""
        known = len(self.shown)
        albums = dict(self.album_codes)
        keys = [track.song_key if track else "" for track in tracks]
        songs = self.songs.placed(columns, [[key] if key else [] for key in keys], known)
        artists = self.artists.placed(columns, [_folded(track.artists) if track else () for track in tracks], known)
        firsts = [_first_artist(track) for track in tracks]
        album = [albums.setdefault(key, len(albums)) if (key := _album_key(track)) else UNKNOWN for track in tracks]
        return Facts(
            shown=replaced(self.shown, columns, [track is not None for track in tracks]),
            year=replaced(self.year, columns, [_known(track.year if track else None) for track in tracks]),
            popularity=replaced(self.popularity, columns, [_known(track.popularity if track else None) for track in tracks]),
            explicit=replaced(self.explicit, columns, [_known(track.explicit if track else None) for track in tracks]),
            mood=replaced(self.mood, columns, [MOODS.index(t.mood) if t and t.mood else UNKNOWN for t in tracks]),
            length_ms=replaced(self.length_ms, columns, [_length_ms(track) for track in tracks]),
            features=_with_features(self.features, columns, tracks),
            song=_coded(self.song, columns, [songs.codes.get(key, UNKNOWN) for key in keys]),
            artist=_coded(self.artist, columns, [artists.codes.get(name, UNKNOWN) for name in firsts]),
            album=_coded(self.album, columns, album),
            genres=self.genres.placed(columns, [_folded(track.genres) if track else () for track in tracks], known),
            artists=artists,
            songs=songs,
            words=self.words.placed(columns, [words_of(track) if track else () for track in tracks], known),
            album_codes=albums,
        )

    def __len__(self) -> int:
        return len(self.shown)

    @cached_property
    def by_mood(self) -> dict[Mood, Mask]:
        """Which columns have each mood."""
        return {mood: self.mood == code for code, mood in enumerate(MOODS)}

    @cached_property
    def is_explicit(self) -> Mask:
        """Which columns are known to be explicit."""
        known: Mask = self.explicit == 1
        return known

    def feature(self, name: str) -> Floats:
        """One audio feature of every column, NaN where unknown."""
        values: Floats = self.features[:, FEATURES.index(name)]
        return values

    def sound_ranks(self, column: int) -> dict[str, float]:
        """For each known feature of a column the share of the shown tracks, of which it is known, that have less of it."""
        return self._ranks(self.features[column])

    def genre_ranks(self, genre: str) -> dict[str, float]:
        """The same for the middle (median) of a genre's shown tracks; empty where the sound of none is known."""
        inside = self.features[self.in_genres((genre,)) & self.shown]
        heard = ~np.isnan(inside).all(axis=0)
        middle = np.full(len(FEATURES), np.nan, np.float32)
        middle[heard] = np.nanmedian(inside[:, heard], axis=0)
        return self._ranks(middle)

    def _ranks(self, own: Floats) -> dict[str, float]:
        """For each feature of `own` (len(FEATURES),) that is no NaN: which share of the shown tracks has less."""
        known = self.shown[:, None] & ~np.isnan(self.features)
        less = ((self.features < own) & known).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        return {name: round(float(less[at]), 4) for at, name in enumerate(FEATURES) if not np.isnan(own[at])}

    def in_genres(self, genres: Iterable[str]) -> Mask:
        """Which columns have any of the genres (case does not matter); a fresh array."""
        return self._any_of(self.genres, genres)

    def in_moods(self, moods: Iterable[Mood]) -> Mask:
        """Which columns have any of the moods; a fresh array."""
        return np.isin(self.mood, [MOODS.index(mood) for mood in moods])

    def by_artists(self, artists: Iterable[str]) -> Mask:
        """Which columns are by any of the artists, as guests too (case does not matter); a fresh array."""
        return self._any_of(self.artists, artists)

    def versions_of(self, columns: Columns) -> Columns:
        """The columns of the songs of `columns`, those included."""
        codes = self.song[columns]
        return np.concatenate([columns, self.songs.of_codes(codes[codes >= 0])])

    def _any_of(self, index: TagIndex, names: Iterable[str]) -> Mask:
        mask = np.zeros(len(self.shown), np.bool_)
        for name in names:
            mask[index.of(name.casefold())] = True
        return mask


def words_of(track: Track) -> set[str]:
    """`genre:…`, `artist:…` and `title:…` for each folded word of these."""
    named = (("genre", track.genres), ("artist", track.artists), ("title", (track.name,)))
    return {f"{kind}:{word}" for kind, texts in named for text in texts for word in folded_words(text)}


def replaced(values: npt.NDArray[T], columns: Columns, new: Sequence[Any] | npt.NDArray[Any]) -> npt.NDArray[T]:
    """A copy of `values` with `new` at `columns`, grown as needed."""
    copied = np.zeros(max(len(values), int(columns.max(initial=-1)) + 1), values.dtype)
    copied[: len(values)] = values
    copied[columns] = new
    return copied


def _coded(codes: npt.NDArray[np.int32], columns: Columns, new: Sequence[int]) -> npt.NDArray[np.int32]:
    own = np.array(new, np.int32).reshape(len(columns))
    # A code of its own for a column without one.
    return replaced(codes, columns, np.where(own >= 0, own, -1 - columns))


def _with_features(features: Floats, columns: Columns, tracks: Sequence[Track | None]) -> Floats:
    rows = np.array([_features(track) for track in tracks], np.float64).reshape(len(tracks), len(FEATURES))
    grown = np.full((max(len(features), int(columns.max(initial=-1)) + 1), len(FEATURES)), np.nan, np.float32, order="F")
    grown[: len(features)] = features
    grown[columns] = np.where(np.abs(rows) <= FARTHEST_FEATURE, rows, np.nan)
    return grown


def _features(track: Track | None) -> list[float]:
    features = track.features if track else None
    return [float("nan")] * len(FEATURES) if features is None else [float(getattr(features, name)) for name in FEATURES]


def _known(value: int | None) -> int:
    return UNKNOWN if value is None else int(value)


def _folded(names: Iterable[str]) -> set[str]:
    return {name.casefold() for name in names}


def _length_ms(track: Track | None) -> int:
    length = track.duration_ms if track else None
    return length if length is not None and 0 < length <= LONGEST_MS else UNKNOWN


def _first_artist(track: Track | None) -> str:
    return track.artists[0].casefold() if track and track.artists else ""


def _album_key(track: Track | None) -> str:
    return f"{_first_artist(track)}\0{track.album.casefold()}" if track and track.album else ""
