"""Spotify's extended streaming history: `Streaming_History_Audio_*.json`, and `endsong_*.json` of older exports.

One object for each stream, with `ts` the time of its end. Of its fields only those named here are looked at: addresses, devices
and accounts are never read. The rule for what was heard is ListenBrainz's: a stream of under 30 seconds that the listener ended
was skipped.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import Any

import msgspec

from producers.ingestion.contract import Skipped
from producers.sources.histories.rows import (
    SONGS_REMEMBERED,
    File,
    Heard,
    Row,
    Shape,
    read_elements,
    song_named,
    song_without_name,
)
from segue.errors import InvalidEvent
from segue.events import EARLIEST, MAX_MS_PLAYED, ListeningType, check_id
from segue.ids import uuid7_of
from segue.songs import Song
from segue.taste import FULL_PLAY_MS

SKIP_REASONS = frozenset({
    "fwdbtn", "backbtn", "clickrow", "clickside", "endplay", "playbtn", "popup", "remote", "uriopen", "nextbtn", "prevbtn",
})  # fmt: skip
"""Ends that somebody chose; the others are the track's own end, a closed app, a lost connection."""
MILLISECONDS_FROM = 100_000_000_000
"""A Unix time over this is in milliseconds: as seconds it would be the year 5138."""
MINUTES_REMEMBERED = 10_000
MAX_ALIKE = 60
"""Streams of one song, length and minute that are numbered; no listener has more."""

_TRACK = "spotify:track:"
_LOCAL = "spotify:local:"


class _Stream(msgspec.Struct):
    ts: str
    ms_played: int
    master_metadata_track_name: str | None = None
    master_metadata_album_artist_name: str | None = None
    master_metadata_album_album_name: str | None = None
    spotify_track_uri: str | None = None
    spotify_episode_uri: str | None = None
    episode_name: str | None = None
    audiobook_uri: str | None = None
    audiobook_title: str | None = None
    reason_end: str | None = None
    skipped: bool | None = None
    incognito_mode: bool | None = None
    offline_timestamp: Any = None


_SHAPE = Shape(_Stream, frozenset({"ts", "ms_played"}), "stream of an extended streaming history")


class StreamIds:
    """Event ids of streams, the same in the basic export, which knows the minute and the names only.

    A stream is told by listener, minute of its end, names and length; further ones of the same are numbered in the order of the
    file. `exact` tells whether it is a further one, or the same again: the extended export's second and track.
    """

    def __init__(self, listener: str) -> None:
        self._listener = listener
        # Two generations: a dictionary that loses its oldest entry again and again takes ever longer to find it.
        self._minutes: dict[tuple[int, str, int], list[object]] = {}
        self._before = self._minutes

    def id_of(self, ended_at_s: int, song: Song, ms_played: int, exact: object) -> uuid.UUID:
        """The id of a stream that ended at this Unix time."""
        minute = ended_at_s // 60
        named = (minute, song.key if song.title else song.spotify_id or "", ms_played)
        alike = self._minutes.get(named) or self._before.get(named)
        if alike is None:
            if len(self._minutes) >= MINUTES_REMEMBERED:
                self._minutes, self._before = {}, self._minutes
            self._minutes[named] = [exact]
        number = 0 if alike is None else _number(exact, alike)
        return uuid7_of(minute * 60_000, "spotify", self._listener, named[1], f"{minute}:{ms_played}:{number}")


class ExtendedReader:
    """Reads streams of one listener, of all files with one reader."""

    def __init__(self, listener: str) -> None:
        self._ids = StreamIds(listener)

    def read(self, file: File) -> Iterator[Row]:
        """What each stream says."""
        return read_elements(file, "item", _SHAPE, partial(self._row, video="_video_" in file.name.lower()))

    def _row(self, stream: _Stream, number: int, video: bool) -> Row:
        skipped = _left_out(stream, video)
        if skipped:
            return Skipped(skipped)
        kind = kind_of(stream.ms_played, stream.reason_end in SKIP_REASONS or stream.skipped is True)
        if kind is None:
            return Skipped("not_played")
        spotify_id = track_id_in(stream.spotify_track_uri or "")
        song = _song(stream, spotify_id)
        ended_at = _ended_at(stream)
        event_id = self._ids.id_of(int(ended_at.timestamp()), song, stream.ms_played, (stream.ts, spotify_id))
        return Heard(event_id, kind, song, began_at(ended_at, stream.ms_played), stream.ms_played, number, spotify_id)


def _number(exact: object, alike: list[object]) -> object:
    if exact not in alike and len(alike) < MAX_ALIKE:
        alike.append(exact)
    return alike.index(exact) if exact in alike else exact


def kind_of(ms_played: int, ended_by_listener: bool) -> ListeningType | None:
    """Whether a stream was a play or a skip; None if nothing was to be heard of it and nobody skipped it."""
    if ms_played < FULL_PLAY_MS and ended_by_listener:
        return "skip"
    return "play" if ms_played else None


def began_at(ended_at: datetime, ms_played: int) -> datetime:
    """When a stream began. Raises InvalidEvent."""
    if not 0 <= ms_played <= MAX_MS_PLAYED:
        raise InvalidEvent(f"ms_played must be within 0..{MAX_MS_PLAYED}", "invalid_ms_played")
    try:
        return ended_at - timedelta(milliseconds=ms_played)
    except OverflowError:
        raise InvalidEvent("the time lies before the year 1", "invalid_time") from None


def time_of(value: str, name: str) -> datetime:
    """A time in UTC, which Spotify writes with and without saying so. Raises InvalidEvent."""
    try:
        found = datetime.fromisoformat(value.removesuffix(" UTC"))
        if found.tzinfo is UTC:
            return found
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidEvent(f"{name} is no time such as 2024-05-09T15:48:14Z", "invalid_time") from None


def track_id_in(uri: str) -> str:
    """The id of `spotify:track:…`. Raises InvalidEvent."""
    if not uri.startswith(_TRACK):
        raise InvalidEvent("the track's URI is none such as spotify:track:0fYVliAYKHuPmECRs1pbRf", "invalid_id")
    track_id = uri.removeprefix(_TRACK)
    check_id("the track's id", track_id)
    return track_id


def _left_out(stream: _Stream, video: bool) -> str | None:
    if stream.incognito_mode:
        return "incognito"
    if stream.spotify_track_uri:
        local = stream.spotify_track_uri.startswith(_LOCAL)
        return "local_file" if local else "video" if video else None
    if stream.audiobook_uri or stream.audiobook_title:
        return "audiobook"
    if stream.spotify_episode_uri or stream.episode_name:
        return "podcast"
    return "no_track"


@lru_cache(SONGS_REMEMBERED)
def _named(title: str | None, artist: str | None, album: str | None, spotify_id: str) -> Song:
    if title and title.strip() and artist and artist.strip():
        return song_named(title, artist, album, spotify_id)
    return song_without_name(spotify_id)


def _song(stream: _Stream, spotify_id: str) -> Song:
    return _named(
        stream.master_metadata_track_name, stream.master_metadata_album_artist_name, stream.master_metadata_album_album_name,
        spotify_id,
    )  # fmt: skip


def _ended_at(stream: _Stream) -> datetime:
    """`ts`; where a device without a clock wrote 1970, the time at which it was offline, in seconds or milliseconds."""
    ended_at = time_of(stream.ts, "ts")
    offline = stream.offline_timestamp
    if ended_at >= EARLIEST or not isinstance(offline, int) or isinstance(offline, bool) or offline <= 0:
        return ended_at
    seconds = offline / 1_000 if offline >= MILLISECONDS_FROM else offline
    try:
        return datetime.fromtimestamp(seconds, UTC) + timedelta(milliseconds=stream.ms_played)
    except (OverflowError, ValueError, OSError):
        return ended_at
