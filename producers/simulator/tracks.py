"""The catalogue as columns, which the listeners' tastes are computed over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.catalogue import Track
from segue.errors import InvalidInput
from segue.events import AudioFeatures

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

AUDIBLE = (
    "danceability",
    "energy",
    "loudness",
    "speechiness",
    "acousticness",
    "instrumentalness",
    "liveness",
    "valence",
    "tempo",
)
"""Features that people can be said to prefer; key and mode are left out."""
UNKNOWN_DURATION_MS = 210_000
MIN_DURATION_MS = 5_000


@dataclass(frozen=True)
class TrackTable:
    """n tracks in order of track_id, so that the same catalogue gives the same table whatever order it was stored in.

    `audio` has shape (n, len(AUDIBLE)); it, `popularity` and `age` are standardised (mean 0, deviation 1), 0 where unknown.
    `artist` numbers the first artist. `genre_rows[g]` holds the rows of the tracks of genre `genres[g]`.
    """

    track_ids: tuple[str, ...]
    audio: Floats
    popularity: Floats
    age: Floats
    duration_ms: npt.NDArray[np.int64]
    artist: Rows
    genres: tuple[str, ...]
    genre_rows: tuple[Rows, ...]

    def __len__(self) -> int:
        return len(self.track_ids)


def track_table(tracks: Sequence[Track]) -> TrackTable:
    """Columns of a catalogue. Raises InvalidInput when it is empty: there is nothing to listen to."""
    if not tracks:
        raise InvalidInput("there are no tracks yet: run `segue ingest catalogue` and let `segue process` store them")
    ordered = sorted(tracks, key=lambda track: track.track_id)
    genres, genre_rows = _genres(ordered)
    return TrackTable(
        track_ids=tuple(track.track_id for track in ordered),
        audio=np.column_stack([_feature(ordered, name) for name in AUDIBLE]),
        popularity=_standardised([track.popularity for track in ordered]),
        age=-_standardised([track.year for track in ordered]),
        duration_ms=np.array([max(track.duration_ms or UNKNOWN_DURATION_MS, MIN_DURATION_MS) for track in ordered]),
        artist=_numbers([track.artists[0] if track.artists else track.track_id for track in ordered]),
        genres=genres,
        genre_rows=genre_rows,
    )


def _genres(tracks: Sequence[Track]) -> tuple[tuple[str, ...], tuple[Rows, ...]]:
    rows: dict[str, list[int]] = {}
    for row, track in enumerate(tracks):
        for genre in track.genres or ("unknown",):
            rows.setdefault(genre, []).append(row)
    names = tuple(sorted(rows))
    return names, tuple(np.array(rows[name]) for name in names)


def _feature(tracks: Sequence[Track], name: str) -> Floats:
    read: Callable[[AudioFeatures], float] = lambda features: getattr(features, name)  # noqa: E731
    return _standardised([None if track.features is None else read(track.features) for track in tracks])


def _standardised(values: Sequence[float | None]) -> Floats:
    known = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    if np.isnan(known).all():
        return np.zeros(len(values), dtype=np.float32)
    spread = float(np.nanstd(known)) or 1.0
    return np.nan_to_num((known - np.nanmean(known)) / spread).astype(np.float32)


def _numbers(names: Sequence[str]) -> Rows:
    _, numbers = np.unique(np.array(names, dtype=object), return_inverse=True)
    return numbers.astype(np.int64)
