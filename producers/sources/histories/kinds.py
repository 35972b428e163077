"""What a file of a history is, told by what it holds: people rename files."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TypeAlias, get_args

import ijson

from producers.reading.json_arrays import MAX_DEPTH
from producers.sources.histories.lastfm import API_PREFIXES, SCROBBLES_PREFIX, column_of, minute_of

Service = Literal["spotify", "listenbrainz", "lastfm"]
SERVICES: tuple[Service, ...] = get_args(Service)
Shape = Literal[
    "spotify-extended", "spotify-basic", "spotify-library", "spotify-playlists", "listenbrainz-listens", "listenbrainz-array",
    "listenbrainz-feedback", "lastfm-table", "lastfm-headless", "lastfm-scrobbles", "lastfm-api",
]  # fmt: skip

HEAD_LINES = 10
HEAD_EVENTS = 5_000
"""Parts of a JSON text that are looked at."""

Keys: TypeAlias = Mapping[str, set[str]]


@dataclass(frozen=True)
class Kind:
    """The shape of a file; `prefix` is where a JSON text has its elements, where that differs."""

    shape: Shape
    label: str
    prefix: str = ""

    @property
    def service(self) -> Service:
        """Whose it is."""
        return next(service for service in SERVICES if self.shape.startswith(service))


_EXTENDED = Kind("spotify-extended", "Spotify's extended streaming history")
_BASIC = Kind("spotify-basic", "streams of Spotify's account data")
_LIBRARY = Kind("spotify-library", "the library of Spotify's account data")
_PLAYLISTS = Kind("spotify-playlists", "playlists of Spotify's account data")
_LISTENS = Kind("listenbrainz-listens", "listens of ListenBrainz")
_ARRAY = Kind("listenbrainz-array", "listens of ListenBrainz")
_FEEDBACK = Kind("listenbrainz-feedback", "feedback of ListenBrainz")
_TABLE = Kind("lastfm-table", "scrobbles of Last.fm as a table")
_HEADLESS = Kind("lastfm-headless", "scrobbles of Last.fm as a table without column names")
_SCROBBLES = Kind("lastfm-scrobbles", "scrobbles of Last.fm as JSON", SCROBBLES_PREFIX)

_BY_KEYS: tuple[tuple[str, frozenset[str], Kind], ...] = (
    ("item", frozenset({"ts", "ms_played"}), _EXTENDED),
    ("item", frozenset({"endTime", "msPlayed"}), _BASIC),
    ("tracks.item", frozenset({"artist", "track", "uri"}), _LIBRARY),
    ("bannedTracks.item", frozenset({"artist", "track", "uri"}), _LIBRARY),
    ("playlists.item", frozenset({"name", "items"}), _PLAYLISTS),
    ("item", frozenset({"listened_at", "track_metadata"}), _ARRAY),
    ("", frozenset({"listened_at", "track_metadata"}), _LISTENS),
    ("", frozenset({"score", "recording_msid"}), _FEEDBACK),
    ("", frozenset({"score", "recording_mbid"}), _FEEDBACK),
    (SCROBBLES_PREFIX, frozenset({"track", "artist", "date"}), _SCROBBLES),
    *(
        (prefix, frozenset({"artist", "name", told}), Kind("lastfm-api", "answers of Last.fm", prefix))
        for prefix in API_PREFIXES
        for told in ("date", "@attr")
    ),
)


_BY_NAME: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"(endsong_\d+|Streaming_History_(Audio|Video)_[^/]*)\.json$"), _EXTENDED),
    (re.compile(r"StreamingHistory[^/]*\.json$"), _BASIC),
    (re.compile(r"YourLibrary\.json$"), _LIBRARY),
    (re.compile(r"Playlist\d+\.json$"), _PLAYLISTS),
    (re.compile(r"listens/\d{4}/\d{1,2}\.jsonl$"), _LISTENS),
    (re.compile(r"feedback\.jsonl$"), _FEEDBACK),
)


def kind_of(head: bytes, name: str) -> Kind | str:
    """The kind of a file that begins so (UTF-8), or what it looks like, for people.

    Its name decides where it begins with something broken: then reading it says what.
    """
    found = _kind_of_content(head)
    if isinstance(found, str):
        return next((kind for pattern, kind in _BY_NAME if pattern.search(name)), found)
    return found


def _kind_of_content(head: bytes) -> Kind | str:
    text = head.lstrip()
    if not text:
        return "is empty"
    if b"\0" in head:
        return "is no text"
    if text[:1] not in b"[{":
        return _kind_of_table(text)
    # JSON Lines may begin with a broken one.
    kinds = (_kind_of_json(part) for part in (text, *text.split(b"\n", HEAD_LINES)[1:HEAD_LINES]))
    first = next(kinds)
    return first if isinstance(first, Kind) else next((kind for kind in kinds if kind in (_LISTENS, _FEEDBACK)), first)


def _kind_of_json(head: bytes) -> Kind | str:
    keys = _keys(head)
    for prefix, needed, kind in _BY_KEYS:
        if needed <= keys[prefix]:
            return kind
    found = sorted(keys["item"] or keys[""])[:8]
    return f"is JSON with {', '.join(name[:40] for name in found)}" if found else "is JSON without listens"


def _keys(head: bytes) -> defaultdict[str, set[str]]:
    """The names of the fields at each place."""
    keys: defaultdict[str, set[str]] = defaultdict(set)
    for prefix, event, value in islice(_events(head), HEAD_EVENTS):
        if prefix.count(".") > MAX_DEPTH:
            break
        if event == "map_key":
            keys[prefix].add(value)
    return keys


def _events(head: bytes) -> Iterator[tuple[str, str, str]]:
    """The head ends somewhere; JSON Lines end after the first."""
    try:
        yield from ijson.parse(io.BytesIO(head), buf_size=4_096, use_float=True)
    except (ijson.JSONError, ValueError, ArithmeticError):
        return


def _kind_of_table(head: bytes) -> Kind | str:
    lines = [line.decode(errors="replace").rstrip("\r") for line in head.split(b"\n", HEAD_LINES)[:HEAD_LINES]]
    columns = {column_of(cell) for cell in _cells(lines[0])}
    if {"artist", "track"} <= columns and columns & {"uts", "date"}:
        return _TABLE
    # Without column names, and perhaps with something broken first.
    if any(len(cells) == 4 and minute_of(cells[3]) is not None for cells in map(_cells, lines)):
        return _HEADLESS
    return "is neither JSON nor a table of scrobbles"


def _cells(line: str) -> list[str]:
    delimiter = max(",;\t", key=line.count)
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []
