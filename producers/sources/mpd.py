"""Slices of the Million Playlist Dataset: playlists with their tracks, from a folder, a zip archive or one file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from producers.ingestion.contract import Item, Page, Rejected, Skipped
from producers.ingestion.known_tracks import KnownTracks
from producers.reading.bounds import Bounds
from producers.reading.json_arrays import json_elements
from producers.reading.members import Found, Member, find_members
from producers.reading.streams import Text
from producers.sources.fingerprints import fingerprint
from segue.errors import InvalidFile, InvalidInput
from segue.events import CatalogueTrack, PlaylistRecord

SOURCE = "mpd"
PAGE_TRACKS = 3_000
"""Entries of playlists in a page, about."""

_SLICE = re.compile(r"mpd\.slice\.(\d+)-(\d+)\.json")
_TRACK, _ALBUM = "spotify:track:", "spotify:album:"
_OTHER = {"spotify:local:": "local_file", "spotify:episode:": "podcast"}


class _Entry(msgspec.Struct):
    track_uri: str
    track_name: str
    artist_name: str
    album_name: str | None = None
    album_uri: str | None = None
    duration_ms: int | None = None


class _Playlist(msgspec.Struct):
    pid: int
    tracks: list[_Entry]
    name: str | None = None


@dataclass
class _Open:
    """A page that is being filled."""

    items: list[Item] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    entries: int = 0
    read: int = 0

    def close(self, position: dict[str, Any]) -> Page:
        """The page; what is read next opens another."""
        page = Page(self.items, self.rejected, self.skipped, position, self.read)
        self.items, self.rejected, self.skipped, self.entries, self.read = [], [], [], 0, 0
        return page


class MpdSource:
    """Every playlist is public and nobody's. `known`: tracks that are in the catalogue already are not replaced."""

    name = SOURCE

    def __init__(self, path: Path, known: KnownTracks, bounds: Bounds) -> None:
        found = find_members(path, bounds)
        self._slices = _slices(found, path)
        self._known, self._bounds = known, bounds
        self._unreadable = found.rejected
        self.label = path.name or str(path)
        self.fingerprint = fingerprint(self._slices, SOURCE)

    def total(self) -> int | None:
        """Playlists, as far as the slices' names say it."""
        ranges = [_SLICE.search(member.name) for member in self._slices]
        return sum(int(one[2]) - int(one[1]) + 1 for one in ranges if one) if all(ranges) else None

    def pages(self, position: dict[str, Any] | None) -> Iterator[Page]:
        """Playlists, each behind the tracks of its that are new. Raises InvalidInput for a position of something else."""
        first, done = _begin(position, len(self._slices))
        page = _Open(rejected=list(self._unreadable) if position is None else [])
        for number in range(first, len(self._slices)):
            yield from self._slice(number, done if number == first else 0, page)
        yield page.close({"slice": len(self._slices), "playlists": 0})

    def _slice(self, number: int, done: int, page: _Open) -> Iterator[Page]:
        member = self._slices[number]
        place = done
        try:
            with closing(Text(member.open())) as text:
                for element in islice(json_elements(text, "playlists.item", self._bounds.line_bytes), done, None):
                    self._add(page, element, f"{member.name}, playlist {place + 1:,}")
                    place += 1
                    if page.entries >= PAGE_TRACKS:
                        yield page.close({"slice": number, "playlists": place})
        except InvalidFile as error:
            page.rejected.append(Rejected(error.code, member.name, str(error)))

    def _add(self, page: _Open, element: object, where: str) -> None:
        page.read += 1
        try:
            playlist = msgspec.convert(element, _Playlist)
        except msgspec.ValidationError as error:
            page.rejected.append(Rejected("bad_playlist", where, f"is no playlist ({error}): the others are taken"))
            return
        tracks = [entry for entry in playlist.tracks if entry.track_uri.startswith(_TRACK)]
        page.skipped += [Skipped(_left_out(entry)) for entry in playlist.tracks if not entry.track_uri.startswith(_TRACK)]
        page.entries += max(1, len(playlist.tracks))
        page.items += self._known.new({record.track_id: record for record in map(_track, tracks)})
        page.items.append(_record(playlist, tracks))


def _slices(found: Found, path: Path) -> list[Member]:
    """In the order of their numbers; a single file is one whatever it is called. Raises InvalidInput where there are none."""
    members = found.members
    if path.is_file() and len(members) == 1:
        return members
    slices = [member for member in members if _SLICE.fullmatch(PurePosixPath(member.name).name)]
    if not slices:
        raise InvalidInput(
            f"{path} holds no mpd.slice.….json: give the folder or archive of the dataset, or one slice", "no_slices"
        )
    return sorted(slices, key=_first_playlist)


def _first_playlist(member: Member) -> tuple[int, str]:
    found = _SLICE.search(member.name)
    return int(found[1]) if found else 0, member.name


def _begin(position: dict[str, Any] | None, slices: int) -> tuple[int, int]:
    if position is None:
        return 0, 0
    first, done = position.get("slice"), position.get("playlists")
    if not isinstance(first, int) or not isinstance(done, int) or not 0 <= first <= slices or done < 0:
        raise InvalidInput("the position is none of these slices: import them from the start with --restart", "invalid_position")
    return first, done


def _left_out(entry: _Entry) -> str:
    return next((code for prefix, code in _OTHER.items() if entry.track_uri.startswith(prefix)), "no_track")


def _track(entry: _Entry) -> CatalogueTrack:
    return CatalogueTrack(
        track_id=entry.track_uri.removeprefix(_TRACK), name=entry.track_name, artists=(entry.artist_name,),
        album=entry.album_name, album_id=entry.album_uri and entry.album_uri.removeprefix(_ALBUM),
        duration_ms=entry.duration_ms, source=SOURCE,
    )  # fmt: skip


def _record(playlist: _Playlist, tracks: list[_Entry]) -> PlaylistRecord:
    track_ids = tuple(entry.track_uri.removeprefix(_TRACK) for entry in tracks)
    name = playlist.name or f"Playlist {playlist.pid}"
    return PlaylistRecord(playlist_id=f"mpd:{playlist.pid}", name=name, track_ids=track_ids, public=True, source=SOURCE)
