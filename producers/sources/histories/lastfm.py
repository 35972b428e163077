"""Scrobbles of Last.fm, which has no export of its own, in the five shapes that the tools around it write.

    csv            uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid
    csv, no head   artist,album,track,"06 Sep 2026, 14:23"                              minutes in UTC
    csv            Artist;Album;AlbumId;Track;Date#user                                 milliseconds
    json           {"username": …, "scrobbles": [{"track", "artist", "album", "date"}]}   milliseconds
    json           {"artist": {"#text"}, "name", "date": {"uts"}, …} as the API answers, in pages or not

Recording ids of Last.fm are not used: many are of other recordings. Scrobbles are told by second and names, as listens of
ListenBrainz are: what went to both is one listen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from producers.ingestion.contract import Skipped
from producers.reading.lines import bounded_lines
from producers.sources.csv_rows import csv_rows
from producers.sources.histories.listenbrainz import time_of
from producers.sources.histories.rows import File, Heard, Row, Shape, read_elements, song_named
from segue.errors import InvalidEvent
from segue.songs import listen_id

SCROBBLES_PREFIX = "scrobbles.item"
API_PREFIXES = ("item", "item.item", "track.item", "recenttracks.track.item", "item.track.item", "item.recenttracks.track.item")
"""Where tools put what the API answered: tracks, pages of tracks, or its answers."""
MINUTES_HEAD = ("artist", "album", "track", "date")
"""The columns of the table without a head."""

_MINUTES = ("%d %b %Y, %H:%M", "%d %b %Y %H:%M")


class _Scrobble(msgspec.Struct):
    track: str
    artist: str
    date: int | str
    album: str | None = None


class _Name(msgspec.Struct):
    text: str | None = msgspec.field(default=None, name="#text")
    name: str | None = None


class _Date(msgspec.Struct):
    uts: int | str


class _Attributes(msgspec.Struct):
    nowplaying: bool | str | None = None


class _ApiTrack(msgspec.Struct):
    name: str
    artist: _Name | str
    album: _Name | str | None = None
    date: _Date | None = None
    attributes: _Attributes | None = msgspec.field(default=None, name="@attr")


_SCROBBLE = Shape(_Scrobble, frozenset({"track", "artist", "date"}), "scrobble")
_API_TRACK = Shape(_ApiTrack, frozenset({"artist", "name"}), "scrobble")


class ScrobbleReader:
    """Reads scrobbles of one listener."""

    def __init__(self, listener: str) -> None:
        self._listener = listener

    def read_table(self, file: File, head: Sequence[str] | None = None) -> Iterator[Row]:
        """What each row of a CSV file says; `head` names the columns of one that does not."""
        broken: list[Row] = []
        columns = _columns(head) if head else None
        for number, cells in csv_rows(_text_lines(file, broken)):
            yield from broken
            broken.clear()
            if columns is None:
                columns = _columns(cells)
            elif cells:
                yield self._of_cells(cells, columns, file, number)
        yield from broken

    def read_scrobbles(self, file: File) -> Iterator[Row]:
        """What each element of `scrobbles` says."""
        return read_elements(file, SCROBBLES_PREFIX, _SCROBBLE, self._of_scrobble)

    def read_api(self, file: File, prefix: str) -> Iterator[Row]:
        """What each track of the API says."""
        return read_elements(file, prefix, _API_TRACK, self._of_api)

    def _of_scrobble(self, said: _Scrobble, number: int) -> Row:
        return self._heard(said.track, said.artist, said.album, _number(said.date, "date") // 1_000, number)

    def _of_api(self, said: _ApiTrack, number: int) -> Row:
        if said.date is None:
            return Skipped("now_playing")
        return self._heard(said.name, _name(said.artist), _name(said.album), _number(said.date.uts, "date.uts"), number)

    def _of_cells(self, cells: list[str], columns: Mapping[str, int], file: File, number: int) -> Row:
        if len(cells) <= max(columns.values()):
            return file.rejected("too_few_columns", "has fewer columns than the first row", number)
        try:
            named = {name: cells[at] for name, at in columns.items()}
            return self._heard(named["track"], named["artist"], named.get("album"), _seconds(named), number)
        except InvalidEvent as error:
            return file.rejected(error.code, str(error), number)

    def _heard(self, title: str, artist: str, album: str | None, seconds: int, number: int) -> Heard:
        song = song_named(title, artist, album)
        return Heard(listen_id(self._listener, seconds, song), "play", song, time_of(seconds, "time"), None, number)


def minute_of(value: str) -> int | None:
    """The Unix time of `06 Sep 2026, 14:23` in UTC; None for what is none."""
    for form in _MINUTES:
        try:
            return int(datetime.strptime(value.strip(), form).replace(tzinfo=UTC).timestamp())
        except ValueError:
            continue
    return None


def column_of(name: str) -> str:
    """What a column holds: the last one of a shape is `Date#` and the name of the account, which is nobody's business."""
    plain = name.strip().lower()
    return "date" if plain.startswith("date#") else plain


def _columns(head: Sequence[str]) -> dict[str, int]:
    named = {column_of(name): at for at, name in enumerate(head)}
    return {name: named[name] for name in ("track", "artist", "album", "uts", "date") if name in named}


def _seconds(named: Mapping[str, str]) -> int:
    if "uts" in named:
        return _number(named["uts"], "uts")
    minute = _minute(named["date"])
    return _number(named["date"], "date") // 1_000 if minute is None else minute


@lru_cache(1_000)
def _minute(value: str) -> int | None:
    return None if value.isdigit() else minute_of(value)


def _number(value: int | str, name: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise InvalidEvent(f"{name} is no time", "invalid_time") from None


def _name(value: _Name | str | None) -> str:
    if isinstance(value, _Name):
        return value.text or value.name or ""
    return value or ""


def _text_lines(file: File, broken: list[Row]) -> Iterator[str]:
    """The lines for the CSV reader; one that it must not see is told in `broken`, and an empty one stands in its place."""
    for number, line in enumerate(bounded_lines(file.text, file.bounds.line_bytes), start=1):
        if line is None:
            reason = f"is longer than {file.bounds.line_bytes:,} bytes (SEGUE_INGEST_MAX_LINE_BYTES)"
            broken.append(file.rejected("too_long_line", reason, number))
            yield "\n"
            continue
        try:
            yield line.decode() + "\n"
        except UnicodeDecodeError:
            broken.append(file.rejected("not_utf8", "is not UTF-8, which the file began as", number))
            yield "\n"
