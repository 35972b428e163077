"""The streams of Spotify's account data: `StreamingHistory*.json`, a year of them, with names only and minutes in UTC."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import msgspec

from producers.ingestion.contract import Skipped
from producers.sources.histories.rows import File, Heard, Row, Shape, read_elements, song_named
from producers.sources.histories.spotify_extended import StreamIds, began_at, kind_of, time_of

_UNKNOWN = frozenset({"Unknown Track", "Unknown Artist"})


class _Stream(msgspec.Struct, rename="camel"):
    end_time: str
    ms_played: int
    artist_name: str | None = None
    track_name: str | None = None
    podcast_name: str | None = None
    episode_name: str | None = None
    audiobook_name: str | None = None


_SHAPE = Shape(_Stream, frozenset({"endTime", "msPlayed"}), "stream of a StreamingHistory file")


class BasicReader:
    """Reads streams of one listener. Why one ended is not said: of under 30 seconds, it was most likely skipped."""

    def __init__(self, listener: str) -> None:
        self._listener = listener

    def read(self, file: File) -> Iterator[Row]:
        """What each stream says. Two equal rows of one file are two streams; one that another file has too is the same."""
        return read_elements(file, "item", _SHAPE, partial(self._row, StreamIds(self._listener)))

    def _row(self, ids: StreamIds, stream: _Stream, number: int) -> Row:
        skipped = _left_out(stream)
        if skipped:
            return Skipped(skipped)
        kind = kind_of(stream.ms_played, ended_by_listener=stream.ms_played > 0)
        if kind is None:
            return Skipped("not_played")
        song = song_named(stream.track_name or "", stream.artist_name or "", None)
        ended_at = time_of(stream.end_time, "endTime")
        event_id = ids.id_of(int(ended_at.timestamp()), song, stream.ms_played, number)
        return Heard(event_id, kind, song, began_at(ended_at, stream.ms_played), stream.ms_played, number)


def _left_out(stream: _Stream) -> str | None:
    if stream.audiobook_name:
        return "audiobook"
    if stream.podcast_name or stream.episode_name:
        return "podcast"
    return "no_track" if stream.track_name in _UNKNOWN or stream.artist_name in _UNKNOWN else None
