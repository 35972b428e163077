"""What a caller may narrow an answer to, and which tracks may be shown at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from segue.catalogue import MOODS, Track

Mask = npt.NDArray[np.bool_]
T = TypeVar("T", bound=np.generic)
UNKNOWN = -1
_NO_COLUMNS = np.empty(0, np.int32)


@dataclass(frozen=True)
class Filters:
    """Every given condition must hold; a track of which the asked-for fact is unknown is left out.

    `genres`, `moods`: any of them. Years and popularity (0..100) inclusive. `explicit` True: explicit tracks only; False: no
    track known to be explicit (unknown passes, since many catalogues do not say); None: all.
    """

    genres: tuple[str, ...] = ()
    moods: tuple[str, ...] = ()
    year_min: int | None = None
    year_max: int | None = None
    explicit: bool | None = None
    popularity_min: int | None = None
    popularity_max: int | None = None


@dataclass(frozen=True)
class Facts:
    """What the filters and caps look at, one array entry for each column of the recommender.

    `shown`: the catalogue has the track and it is not deleted. `year`, `popularity`, `explicit`, `mood`: UNKNOWN where not said.
    `song` and `artist`: codes that versions of one song, and tracks of one first artist, share. `genres`: columns by folded
    genre.
    """

    shown: Mask
    year: npt.NDArray[np.int16]
    popularity: npt.NDArray[np.int16]
    explicit: npt.NDArray[np.int16]
    mood: npt.NDArray[np.int16]
    song: npt.NDArray[np.int32]
    artist: npt.NDArray[np.int32]
    genres: dict[str, npt.NDArray[np.int32]]
    song_codes: dict[str, int]
    artist_codes: dict[str, int]

    @classmethod
    def of(cls, tracks: Sequence[Track | None]) -> Facts:
        """The facts of each column's track; a None is never shown."""
        unknown = np.empty(0, np.int16)
        nothing = cls(np.empty(0, np.bool_), unknown, unknown, unknown, unknown, _NO_COLUMNS, _NO_COLUMNS, {}, {}, {})
        return nothing.placed(np.arange(len(tracks), dtype=np.int32), tracks)

    def placed(self, columns: npt.NDArray[np.int32], tracks: Sequence[Track | None]) -> Facts:
        """Facts with `tracks` in `columns`, which may be old ones or follow on the last; these facts stay as they are."""
        songs, artists = dict(self.song_codes), dict(self.artist_codes)
        song = [_code(songs, track.song_key if track else "", column) for column, track in zip(columns, tracks, strict=True)]
        artist = [_code(artists, _first_artist(track), column) for column, track in zip(columns, tracks, strict=True)]
        return Facts(
            shown=replaced(self.shown, columns, [track is not None for track in tracks]),
            year=replaced(self.year, columns, [_known(track.year if track else None) for track in tracks]),
            popularity=replaced(self.popularity, columns, [_known(track.popularity if track else None) for track in tracks]),
            explicit=replaced(self.explicit, columns, [_known(track.explicit if track else None) for track in tracks]),
            mood=replaced(self.mood, columns, [MOODS.index(t.mood) if t and t.mood else UNKNOWN for t in tracks]),
            song=replaced(self.song, columns, song),
            artist=replaced(self.artist, columns, artist),
            genres=_regrouped(self.genres, columns, tracks, n_known=len(self.shown)),
            song_codes=songs,
            artist_codes=artists,
        )

    def passing(self, filters: Filters) -> Mask:
        """Which columns may be shown under the filters; a fresh array."""
        mask = self.shown.copy()
        if filters.genres:
            mask &= self.in_genres(filters.genres)
        if filters.moods:
            mask &= np.isin(self.mood, [MOODS.index(mood) for mood in MOODS if mood in filters.moods])
        _within(mask, self.year, filters.year_min, filters.year_max)
        _within(mask, self.popularity, filters.popularity_min, filters.popularity_max)
        if filters.explicit is not None:
            mask &= (self.explicit == 1) if filters.explicit else (self.explicit != 1)
        return mask

    def in_genres(self, genres: Sequence[str]) -> Mask:
        """Which columns have any of the genres (case does not matter); a fresh array."""
        mask = np.zeros(len(self.shown), np.bool_)
        for genre in genres:
            mask[self.genres.get(genre.casefold(), _NO_COLUMNS)] = True
        return mask

    def versions_of(self, columns: npt.NDArray[np.int32]) -> Mask:
        """Which columns hold the song of any of `columns`, those included."""
        songs = np.zeros(int(self.song.max(initial=0)) + 1, np.bool_)
        songs[self.song[columns]] = True
        return songs[self.song]


def _known(value: int | None) -> int:
    return UNKNOWN if value is None else int(value)


def _within(mask: Mask, values: npt.NDArray[np.int16], least: int | None, most: int | None) -> None:
    if least is not None or most is not None:
        mask &= values != UNKNOWN
    if least is not None:
        mask &= values >= least
    if most is not None:
        mask &= values <= most


def replaced(values: npt.NDArray[T], columns: npt.NDArray[np.int32], new: Sequence[Any]) -> npt.NDArray[T]:
    """A copy of `values` with `new` at `columns`, grown as needed."""
    copied = np.zeros(max(len(values), int(columns.max(initial=-1)) + 1), values.dtype)
    copied[: len(values)] = values
    copied[columns] = new
    return copied


def _code(codes: dict[str, int], key: str, column: int) -> int:
    """The number of a key; an empty key shares its number with nobody."""
    return codes.setdefault(key or f"\0{column}", len(codes))


def _first_artist(track: Track | None) -> str:
    return track.artists[0].casefold() if track and track.artists else ""


def _regrouped(
    genres: dict[str, npt.NDArray[np.int32]], columns: npt.NDArray[np.int32], tracks: Sequence[Track | None], n_known: int
) -> dict[str, npt.NDArray[np.int32]]:
    """Columns by genre after the change, each array ascending."""
    old = columns[columns < n_known]
    kept = {genre: found[~np.isin(found, old)] for genre, found in genres.items()} if len(old) else dict(genres)
    added: dict[str, list[int]] = {}
    for column, track in zip(columns.tolist(), tracks, strict=True):
        for genre in {name.casefold() for name in track.genres} if track else ():
            added.setdefault(genre, []).append(column)
    for genre, found in added.items():
        kept[genre] = np.sort(np.concatenate([kept.get(genre, _NO_COLUMNS), np.array(found, np.int32)]))
    return kept
