"""An export of ListenBrainz: `listens/YYYY/M.jsonl` and `feedback.jsonl`; older ones are one JSON array of listens."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal, TypeVar

import msgspec

from producers.reading.lines import bounded_lines
from producers.sources.histories.rows import SONGS_REMEMBERED, File, Heard, Row, Shape, read_elements, song_without_name
from segue.errors import InvalidEvent
from segue.events import MAX_MS_PLAYED, ListeningType
from segue.ids import uuid7_of
from segue.songs import Song, listen_id
from segue.track_metadata import Info, Metadata, Number, ms_played_of, song_of, whole

MAX_RECORDINGS = 200_000
"""Recordings about which somebody said something; their songs are remembered until it is read."""

_Line = TypeVar("_Line")

_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_SAID: dict[int, ListeningType] = {1: "like", -1: "dislike", 0: "unlike"}


class _Mapping(msgspec.Struct):
    recording_mbid: str | None = None


class _ExportedMetadata(Metadata):
    mbid_mapping: _Mapping | None = None
    recording_msid: str | None = None


class _Listen(msgspec.Struct):
    track_metadata: _ExportedMetadata
    listened_at: Number = None
    recording_msid: str | None = None


_SHAPE = Shape(_Listen, frozenset({"listened_at", "track_metadata"}), "listen as ListenBrainz exports it")


class _Feedback(msgspec.Struct):
    score: Literal[1, -1, 0]
    created: Number = None
    recording_mbid: str | None = None
    recording_msid: str | None = None


class Recordings:
    """The songs of the recordings that feedback is about, as the listens name them."""

    def __init__(self) -> None:
        self._songs: dict[str, Song | None] = {}

    def want(self, recordings: Collection[str]) -> None:
        """Remember these when they are heard."""
        for recording in recordings:
            if len(self._songs) < MAX_RECORDINGS:
                self._songs.setdefault(recording, None)

    def note(self, recording: str | None, song: Song) -> None:
        """A recording was heard."""
        if recording in self._songs:
            self._songs[recording] = song

    def song(self, recording: str | None) -> Song | None:
        """What was heard under this id."""
        return self._songs.get(recording) if recording else None


class ListensReader:
    """Reads listens of one listener, of all files with one reader."""

    def __init__(self, listener: str, recordings: Recordings) -> None:
        self._listener, self._recordings = listener, recordings
        self._decoder = msgspec.json.Decoder(_Listen)

    def read(self, file: File) -> Iterator[Row]:
        """What each line says."""
        return _read_lines(file, self._decoder, self._row, "listen")

    def read_array(self, file: File) -> Iterator[Row]:
        """What each element says."""
        return read_elements(file, "item", _SHAPE, self._row)

    def _row(self, listen: _Listen, number: int) -> Row:
        metadata = listen.track_metadata
        song = _song(metadata)
        self._recordings.note(song.recording_mbid, song)
        self._recordings.note(listen.recording_msid or metadata.recording_msid, song)
        seconds = whole(listen.listened_at, "listened_at")
        occurred_at = time_of(seconds, "listened_at")
        played = ms_played_of(metadata)
        return Heard(
            listen_id(self._listener, seconds or 0, song), "play", song, occurred_at,
            None if played is None else min(played, MAX_MS_PLAYED), number,
        )  # fmt: skip


class FeedbackReader:
    """Reads what one listener said of recordings; the listens are read first, so that their songs are known."""

    def __init__(self, listener: str, recordings: Recordings) -> None:
        self._listener, self._recordings = listener, recordings
        self._decoder = msgspec.json.Decoder(_Feedback)

    def read(self, file: File) -> Iterator[Row]:
        """A like, a dislike, or neither any more, for each line."""
        return _read_lines(file, self._decoder, self._row, "feedback")

    def wanted(self, file: File) -> Iterator[str]:
        """The ids of the recordings that it is about; broken lines are told when they are read."""
        for _, line in _numbered_lines(file):
            try:
                said = self._decoder.decode(line or b"")
            except _UNREADABLE:
                continue
            yield from (one for one in (said.recording_mbid, said.recording_msid) if one)

    def _row(self, said: _Feedback, number: int) -> Row:
        song = self._recordings.song(said.recording_mbid) or self._recordings.song(said.recording_msid)
        if song is None and said.recording_mbid:
            song = song_without_name(recording_mbid=_mbid(said.recording_mbid))
        if song is None:
            raise InvalidEvent("recording_msid is of none of these listens, so nobody knows what it is", "unknown_recording")
        seconds = whole(said.created, "created")
        at = time_of(seconds, "created")
        told = said.recording_mbid or said.recording_msid or ""
        kind = _SAID[said.score]
        event_id = uuid7_of((seconds or 0) * 1_000, "listenbrainz-feedback", self._listener, str(seconds), told, kind)
        return Heard(event_id, kind, song, at, None, number)


def _read_lines(file: File, decoder: msgspec.json.Decoder[_Line], row: Callable[[_Line, int], Row], what: str) -> Iterator[Row]:
    """What `row` makes of each line, with its number; of a broken one what is wrong with it."""
    for number, line in _numbered_lines(file):
        if line is None:
            yield _too_long(file, number)
            continue
        try:
            yield row(decoder.decode(line), number)
        except InvalidEvent as error:
            yield file.rejected(error.code, str(error), number)
        except _UNREADABLE as error:
            yield file.rejected("bad_row", f"{error}: no {what} as ListenBrainz exports it", number)


def time_of(seconds: int | None, name: str) -> datetime:
    """The time of a Unix time. Raises InvalidEvent."""
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds is not None else _missing(name)
    except (OverflowError, ValueError, OSError):
        raise InvalidEvent(f"{name} is no Unix time in seconds", "invalid_time") from None


def _missing(name: str) -> datetime:
    raise InvalidEvent(f"{name} is missing", "invalid_time")


def _song(metadata: _ExportedMetadata) -> Song:
    info = metadata.additional_info or Info()
    mapped = metadata.mbid_mapping.recording_mbid if metadata.mbid_mapping else None
    return _song_of(
        metadata.track_name, metadata.artist_name, metadata.release_name, tuple(info.artist_names or ()),
        info.recording_mbid or mapped, info.spotify_id, info.duration_ms, info.duration,
    )  # fmt: skip


@lru_cache(SONGS_REMEMBERED)
def _song_of(
    title: str, artist: str, album: str | None, artists: tuple[str, ...], mbid: str | None, spotify_id: str | None,
    duration_ms: Number, duration: Number,
) -> Song:  # fmt: skip
    info = Info(mbid, spotify_id, list(artists), duration, duration_ms)
    return song_of(Metadata(artist, title, album, info))


def _mbid(value: str) -> str:
    try:
        return str(uuid.UUID(value))
    except ValueError:
        raise InvalidEvent("recording_mbid is no MusicBrainz id", "invalid_id") from None


def _numbered_lines(file: File) -> Iterator[tuple[int, bytes | None]]:
    for number, line in enumerate(bounded_lines(file.text, file.bounds.line_bytes), start=1):
        if line is None or line.strip():
            yield number, line


def _too_long(file: File, number: int) -> Row:
    return file.rejected(
        "too_long_line", f"is longer than {file.bounds.line_bytes:,} bytes (SEGUE_INGEST_MAX_LINE_BYTES)", number
    )
