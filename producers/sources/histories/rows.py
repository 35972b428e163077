"""What one row of a history says, whatever the service."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Generic, NamedTuple, TypeAlias, TypeVar

import msgspec

from producers.ingestion.contract import Rejected, Skipped
from producers.reading.bounds import Bounds
from producers.reading.mending import Broken, whole_elements
from producers.reading.streams import Text
from segue.errors import InvalidEvent
from segue.events import ListeningType
from segue.songs import Song
from segue.track_metadata import text

SONGS_REMEMBERED = 30_000
"""Songs whose names were checked and normalised: somebody hears the same ones again and again."""

T = TypeVar("T")


class Heard(msgspec.Struct, frozen=True, gc=False):
    """One thing that a listener did. `track_id` where the service said it; else the song's names say which track it is."""

    event_id: uuid.UUID
    type: ListeningType
    song: Song
    occurred_at: datetime
    ms_played: int | None
    number: int
    """Of the row in its file, from 1."""
    track_id: str | None = None


class Listed(msgspec.Struct, frozen=True):
    """A playlist, with the songs of it as `Heard` has them: song and track id."""

    playlist_id: str
    name: str
    songs: tuple[tuple[Song, str | None], ...]


Row: TypeAlias = Heard | Listed | Rejected | Skipped


@dataclass(frozen=True)
class File:
    """One file of a history, open. `name` is for people."""

    name: str
    text: Text
    bounds: Bounds
    modified_at: datetime

    def rejected(self, code: str, reason: str, number: int | None = None) -> Rejected:
        """What was wrong with the file, or with one row of it."""
        return Rejected(code, self.name if number is None else f"{self.name} row {number:,}", reason)


class Shape(NamedTuple, Generic[T]):
    """What an element of an array is: its type, the fields that no other object of the file has, and what it is called."""

    type: type[T]
    fields: frozenset[str]
    label: str


def read_elements(file: File, prefix: str, shape: Shape[T], row_of: Callable[[T, int], Row]) -> Iterator[Row]:
    """What each element of the array at `prefix` says, by `row_of` its value and number, which may raise InvalidEvent.

    Raises InvalidFile where the file cannot be read further.
    """
    elements = whole_elements(file.text, prefix, file.bounds.line_bytes, shape.fields)
    for number, element in enumerate(elements, start=1):
        if isinstance(element, Broken):
            yield file.rejected(element.code, element.reason, number)
            continue
        try:
            yield row_of(msgspec.convert(element, shape.type), number)
        except msgspec.ValidationError as error:
            yield file.rejected("bad_row", f"{error}: no {shape.label}", number)
        except InvalidEvent as error:
            yield file.rejected(error.code, str(error), number)


@lru_cache(SONGS_REMEMBERED)
def song_named(title: str, artist: str, album: str | None, spotify_id: str | None = None) -> Song:
    """The song of these names. Raises InvalidEvent for names that are none."""
    named = album.strip() if album else None
    return Song(text("title", title), text("artist", artist), (), text("album", named) if named else None, None, spotify_id)


@lru_cache(SONGS_REMEMBERED)
def song_without_name(spotify_id: str | None = None, recording_mbid: str | None = None) -> Song:
    """A song of which only an id is known."""
    return Song("", "", (), None, recording_mbid, spotify_id)
