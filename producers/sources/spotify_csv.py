"""Spotify-style track tables as tracks and playlists: one row per track, or per (playlist, track) pair."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from sys import intern

from producers.sources.csv_rows import csv_rows
from producers.sources.spotify_columns import Columns, find_columns
from producers.sources.spotify_rows import BrokenRow, Reason, TrackRow, read_row
from segue.events import CatalogueTrack, PlaylistRecord

SOURCE = "spotify-csv"
SAMPLE_LINES = 5
MAX_PLAYLIST_TRACKS = 10_000
"""Spotify's own limit; it keeps a playlist's record below Kafka's 1 MB."""


@dataclass(slots=True)
class Rejection:
    """How many rows were left out for one reason, and the first few line numbers."""

    rows: int = 0
    lines: list[int] = field(default_factory=list)


@dataclass
class Catalogue:
    """What a source offered: tracks by first appearance, playlists with tracks in file order, and what was left out."""

    tracks: list[CatalogueTrack]
    playlists: list[PlaylistRecord]
    rows: int
    rejected: dict[Reason, Rejection]
    featureless: int
    """Tracks that are kept without audio features, since one or more are missing."""
    cut_playlists: int = 0
    """Playlists longer than MAX_PLAYLIST_TRACKS, of which the rest was left out."""
    complete: bool = True
    """False when reading stopped at the asked-for number of tracks."""


def read_catalogue(lines: Iterable[str], max_tracks: int | None = None) -> Catalogue:
    """Read a table's lines, header first, up to `max_tracks` tracks.

    The first row of a track decides; later ones add genres, and features if the first had none. Broken rows are counted.
    Raises InvalidCatalogue when an essential column is missing.
    """
    merge = Merge()
    columns: Columns | None = None
    for line, cells in csv_rows(lines):
        if columns is None:
            columns = find_columns(cells)
        elif cells and not merge.take(line, cells, columns, max_tracks):
            return merge.result(complete=False)
    return merge.result(complete=True)


@dataclass(slots=True)
class _Song:
    row: TrackRow
    genres: dict[str, None] = field(default_factory=dict)
    subgenres: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class _Playlist:
    name: str
    tracks: dict[str, None] = field(default_factory=dict)


class Merge:
    """Rows of a table, merged into tracks and playlists; `on_rejected` hears of each row that is left out."""

    def __init__(self, on_rejected: Callable[[int, Reason], None] = lambda _line, _reason: None) -> None:
        self._on_rejected = on_rejected
        self._songs: dict[str, _Song] = {}
        self._playlists: dict[str, _Playlist] = {}
        self._rejected: dict[Reason, Rejection] = {}
        self._cut: set[str] = set()
        self._rows = 0

    def take(self, line: int, cells: list[str], columns: Columns, max_tracks: int | None) -> bool:
        """Merge a row; False, and nothing is changed, if it would be one track too many."""
        try:
            row = read_row(cells, columns)
        except BrokenRow as broken:
            self._reject(line, broken.reason)
            return True
        if max_tracks is not None and len(self._songs) >= max_tracks and row.track_id not in self._songs:
            return False
        self._rows += 1
        self._add_track(row)
        self._add_to_playlist(row)
        return True

    def result(self, complete: bool) -> Catalogue:
        """Everything so far."""
        tracks = [_track(song) for song in self._songs.values()]
        playlists = [
            PlaylistRecord(playlist_id=key, name=found.name, track_ids=tuple(found.tracks), source=SOURCE)
            for key, found in self._playlists.items()
        ]
        featureless = sum(track.features is None for track in tracks)
        return Catalogue(tracks, playlists, self._rows, self._rejected, featureless, len(self._cut), complete)

    def _reject(self, line: int, reason: Reason) -> None:
        self._rows += 1
        self._on_rejected(line, reason)
        rejection = self._rejected.setdefault(reason, Rejection())
        rejection.rows += 1
        if len(rejection.lines) < SAMPLE_LINES:
            rejection.lines.append(line)

    def _add_track(self, row: TrackRow) -> None:
        song = self._songs.setdefault(row.track_id, _Song(row))
        if song.row.features is None and row.features is not None:
            song.row = row
        # The same few names stand in every row: interned, a million rows share them.
        if row.genre:
            song.genres[intern(row.genre)] = None
        if row.subgenre:
            song.subgenres[intern(row.subgenre)] = None

    def _add_to_playlist(self, row: TrackRow) -> None:
        if row.playlist_id is None:
            return
        playlist = self._playlists.setdefault(row.playlist_id, _Playlist(row.playlist_name or row.playlist_id))
        if len(playlist.tracks) < MAX_PLAYLIST_TRACKS:
            playlist.tracks[row.track_id] = None
        elif row.track_id not in playlist.tracks:
            self._cut.add(row.playlist_id)


def _track(song: _Song) -> CatalogueTrack:
    row = song.row
    return CatalogueTrack(
        track_id=row.track_id,
        name=row.name,
        artists=row.artists,
        album=row.album,
        album_id=row.album_id,
        released=row.released,
        duration_ms=row.duration_ms,
        explicit=row.explicit,
        popularity=row.popularity,
        genres=tuple(song.genres | song.subgenres),
        features=row.features,
        source=SOURCE,
    )
