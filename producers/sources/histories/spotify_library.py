"""`YourLibrary.json` and `Playlist*.json` of Spotify's account data: what was liked, hidden and collected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec

from producers.ingestion.contract import Skipped
from producers.reading.json_arrays import json_parts
from producers.sources.histories.rows import File, Heard, Listed, Row, song_named
from producers.sources.histories.spotify_extended import track_id_in
from segue.errors import InvalidEvent
from segue.events import EARLIEST, ListeningType
from segue.ids import uuid7_of
from segue.songs import Song
from segue.track_metadata import text

MAX_PLAYLIST_TRACKS = 10_000
"""Spotify's own limit; it keeps a playlist's record below Kafka's 1 MB."""

_STANCES: dict[str, ListeningType] = {"tracks.item": "like", "bannedTracks.item": "dislike"}
_ID_MS = round(EARLIEST.timestamp() * 1_000)
_LOCAL = "spotify:local:"


class _Track(msgspec.Struct):
    track: str
    artist: str
    album: str | None = None
    uri: str | None = None


class _ListTrack(msgspec.Struct, rename="camel"):
    track_name: str
    artist_name: str
    album_name: str | None = None
    track_uri: str | None = None


class _ListItem(msgspec.Struct, rename="camel"):
    track: _ListTrack | None = None
    local_track: Any = None


class LibraryReader:
    """Reads a library: when something was liked is not said, so it counts as of the time of the file.

    The event's id is made without that time: the same like in a later export is the same event.
    """

    def __init__(self, listener: str) -> None:
        self._listener = listener

    def read(self, file: File) -> Iterator[Row]:
        """A like or a dislike for each track."""
        parts = json_parts(file.text, _STANCES.keys(), (), file.bounds.line_bytes)
        for number, (prefix, element) in enumerate(parts, start=1):
            try:
                yield self._row(msgspec.convert(element, _Track), _STANCES[prefix], file.modified_at, number)
            except msgspec.ValidationError as error:
                yield file.rejected("bad_row", f"{error}: no track of a YourLibrary file", number)
            except InvalidEvent as error:
                yield file.rejected(error.code, str(error), number)

    def _row(self, track: _Track, kind: ListeningType, at: datetime, number: int) -> Row:
        if (track.uri or "").startswith(_LOCAL):
            return Skipped("local_file")
        song, track_id = _song(track.track, track.artist, track.album, track.uri)
        event_id = uuid7_of(_ID_MS, "spotify-library", self._listener, kind, track_id or song.key)
        return Heard(event_id, kind, song, at, None, number, track_id)


class PlaylistReader:
    """Reads playlists. A playlist's id is made of its name: a later export changes the same one."""

    def __init__(self, listener: str) -> None:
        self._listener = listener
        self._names: Counter[str] = Counter()

    def read(self, file: File) -> Iterator[Row]:
        """Each playlist, after what of it could not be taken."""
        wanted = ("playlists.item.name", "playlists.item.items.item")
        name, songs = "", list[tuple[Song, str | None]]()
        for number, (prefix, element) in enumerate(json_parts(file.text, wanted, ("playlists.item",), file.bounds.line_bytes)):
            if prefix == "playlists.item.name":
                name = element
            elif prefix == "playlists.item":
                yield from self._listed(name, songs, file, number)
                name, songs = "", []
            elif len(songs) == MAX_PLAYLIST_TRACKS:
                yield Skipped("playlist_too_long")
            else:
                yield from _add(element, songs, file, number)

    def _listed(self, name: object, songs: list[tuple[Song, str | None]], file: File, number: int) -> Iterator[Row]:
        if not songs:
            yield Skipped("empty_playlist")
            return
        try:
            named = text("name", name if isinstance(name, str) else "")
        except InvalidEvent as error:
            yield file.rejected(error.code, f"{error}: a playlist needs one", number)
            return
        self._names[named] += 1
        told = "\0".join([self._listener, named, str(self._names[named])])
        yield Listed(f"spotify-list:{blake2b(told.encode(), digest_size=16).hexdigest()}", named, tuple(songs))


def _add(element: Any, songs: list[tuple[Song, str | None]], file: File, number: int) -> Iterator[Row]:
    try:
        item = msgspec.convert(element, _ListItem)
        track = item.track
        if track is None:
            yield Skipped("local_file" if item.local_track else "podcast")
        elif (track.track_uri or "").startswith(_LOCAL):
            yield Skipped("local_file")
        else:
            songs.append(_song(track.track_name, track.artist_name, track.album_name, track.track_uri))
    except msgspec.ValidationError as error:
        yield file.rejected("bad_row", f"{error}: no track of a playlist", number)
    except InvalidEvent as error:
        yield file.rejected(error.code, str(error), number)


def _song(title: str, artist: str, album: str | None, uri: str | None) -> tuple[Song, str | None]:
    track_id = track_id_in(uri) if uri else None
    return song_named(title, artist, album, track_id), track_id
