"""Playlists as they are shown and taken along."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from segue.client.generated.shapes import PlaylistBrief, PlaylistShown, PlaylistTrack
from ui.views.text import duration

Format = Literal["jspf", "m3u8", "csv", "spotify"]


@dataclass(frozen=True)
class Export:
    """A format: what it is for, and the ending and type of its file."""

    label: str
    ending: str
    mime: str


EXPORTS: dict[Format, Export] = {
    "jspf": Export("JSPF", "jspf", "application/jspf+json"),
    "m3u8": Export("M3U8", "m3u8", "application/vnd.apple.mpegurl"),
    "csv": Export("CSV", "csv", "text/csv"),
    "spotify": Export("Spotify URIs", "txt", "text/plain"),
}
_UNSAFE = re.compile(r"[^\w\- ]+")
MAX_NAME = 80


def file_name(playlist: PlaylistShown, export: Export) -> str:
    """A name that every file system takes."""
    return f"{_UNSAFE.sub('', playlist.name).strip()[:MAX_NAME] or 'playlist'}.{export.ending}"


def brief(playlist: PlaylistBrief) -> str:
    """One line of a list of playlists."""
    return f"{playlist.name} ({counted(playlist.tracks, 'track')})"


def counted(number: int, thing: str) -> str:
    """`1 track`, `2 tracks`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def summary(playlist: PlaylistShown) -> str:
    """How many tracks, how long, and who sees it."""
    known = [track.duration_ms for track in playlist.tracks if track.duration_ms is not None]
    length = f", {duration(sum(known))}" if known else ""
    missing = (
        f" without {counted(len(playlist.tracks) - len(known), 'unknown length')}"
        if 0 < len(known) < len(playlist.tracks)
        else ""
    )
    return f"{counted(len(playlist.tracks), 'track')}{length}{missing}; {'public' if playlist.public else 'private'}"


def name_of(track: PlaylistTrack) -> str:
    """Its title, or its id while the catalogue does not have it."""
    return track.name or f"{track.track_id} (not in the catalogue)"


def page_of(tracks: Sequence[PlaylistTrack], number: int, size: int) -> Sequence[PlaylistTrack]:
    """The tracks of a page, counted from 1."""
    return tracks[(number - 1) * size : number * size]


def pages(tracks: int, size: int) -> int:
    """How many pages there are, 1 at least."""
    return max(1, -(-tracks // size))
