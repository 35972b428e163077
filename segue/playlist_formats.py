"""Playlists as files of other players: JSPF, M3U8, CSV and a list of Spotify URIs.

Names come from anybody: none may break a line, a quote or a spreadsheet.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

import msgspec

Format = Literal["jspf", "m3u8", "csv", "spotify"]

_SPOTIFY_ID = re.compile(r"[0-9A-Za-z]{22}").fullmatch
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What spreadsheets read as the start of a formula (OWASP, CSV injection)."""


@dataclass(frozen=True)
class FileTrack:
    """A track of a file; without a name the catalogue does not have it."""

    track_id: str
    name: str | None = None
    artists: tuple[str, ...] = ()
    album: str | None = None
    duration_ms: int | None = None

    @property
    def spotify_uri(self) -> str | None:
        """None for a track that is not named by an id of Spotify's."""
        return f"spotify:track:{self.track_id}" if _SPOTIFY_ID(self.track_id) else None

    @property
    def uri(self) -> str:
        """Names the track for others; printable ASCII without spaces, so that it is one line in any file."""
        return self.spotify_uri or f"urn:segue:track:{quote(self.track_id, safe='')}"


@dataclass(frozen=True)
class PlaylistFile:
    """A file's text; `left_out` tracks could not be said in its format."""

    media_type: str
    text: str
    left_out: int = 0


def playlist_file(form: Format, title: str, tracks: Sequence[FileTrack]) -> PlaylistFile:
    """The playlist in a format."""
    return _WRITERS[form](title, tracks)


def _jspf(title: str, tracks: Sequence[FileTrack]) -> PlaylistFile:
    """https://www.xspf.org/jspf: durations in milliseconds, identifiers as arrays of URIs."""
    document = {"playlist": {"title": title, "track": [_jspf_track(track) for track in tracks]}}
    return PlaylistFile("application/jspf+json", msgspec.json.encode(document).decode())


def _jspf_track(track: FileTrack) -> dict[str, object]:
    facts = {"title": track.name, "creator": ", ".join(track.artists), "album": track.album, "duration": track.duration_ms}
    return {"identifier": [track.uri]} | {name: value for name, value in facts.items() if value}


def _m3u8(title: str, tracks: Sequence[FileTrack]) -> PlaylistFile:
    """Extended M3U in UTF-8: whole seconds, -1 where unknown; one line for each thing said."""
    lines = ["#EXTM3U", f"#PLAYLIST:{_one_line(title)}"]
    for track in tracks:
        seconds = -1 if track.duration_ms is None else round(track.duration_ms / 1000)
        lines += [f"#EXTINF:{seconds},{_one_line(_label(track))}", track.uri]
    return PlaylistFile("application/vnd.apple.mpegurl", "\n".join(lines) + "\n")


def _csv(_: str, tracks: Sequence[FileTrack]) -> PlaylistFile:
    """RFC 4180; a cell that a spreadsheet would compute begins with an apostrophe."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(("position", "track_id", "name", "artists", "album", "duration_ms", "uri"))
    for position, track in enumerate(tracks):
        texts = (track.track_id, track.name or "", ", ".join(track.artists), track.album or "")
        duration = "" if track.duration_ms is None else track.duration_ms
        table.writerow((position, *map(_inert, texts), duration, track.uri))
    return PlaylistFile("text/csv", written.getvalue())


def _spotify(_: str, tracks: Sequence[FileTrack]) -> PlaylistFile:
    """One URI a line: what Spotify's apps take from the clipboard."""
    uris = [track.spotify_uri for track in tracks]
    known = [uri for uri in uris if uri is not None]
    return PlaylistFile("text/plain", "".join(f"{uri}\n" for uri in known), len(uris) - len(known))


def _label(track: FileTrack) -> str:
    name = track.name or track.track_id
    return f"{', '.join(track.artists)} - {name}" if track.artists else name


def _one_line(text: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def _inert(text: str) -> str:
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


_WRITERS: dict[Format, Callable[[str, Sequence[FileTrack]], PlaylistFile]] = {
    "jspf": _jspf, "m3u8": _m3u8, "csv": _csv, "spotify": _spotify,
}  # fmt: skip
