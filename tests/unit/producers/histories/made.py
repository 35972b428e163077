"""Histories as services hand them out, made up."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from producers.ingestion.contract import Page, Rejected
from producers.ingestion.songs import EmptyCatalogue, Songs
from producers.reading.bounds import Bounds
from producers.sources.histories.kinds import Service
from producers.sources.histories.source import HistorySource
from segue.catalogue import Track
from segue.events import CatalogueTrack, ListeningEvent, PlaylistRecord
from segue.ids import TrackNo

NOW = datetime(2026, 11, 26, tzinfo=UTC)
BOUNDS = Bounds()
URI = "spotify:track:0fYVliAYKHuPmECRs1pbRf"


def stream(**changes: Any) -> dict[str, Any]:
    """A row of an extended streaming history."""
    return {
        "ts": "2024-05-09T15:48:14Z", "username": "somebody", "platform": "android", "ms_played": 180_000, "conn_country": "US",
        "ip_addr_decrypted": "203.0.113.9", "user_agent_decrypted": "secret-agent",
        "master_metadata_track_name": "Renegades", "master_metadata_album_artist_name": "X Ambassadors",
        "master_metadata_album_album_name": "VHS", "spotify_track_uri": URI, "episode_name": None, "episode_show_name": None,
        "spotify_episode_uri": None, "audiobook_title": None, "audiobook_uri": None, "reason_start": "clickrow",
        "reason_end": "trackdone", "shuffle": True, "skipped": False, "offline": False, "offline_timestamp": 1_715_269_693,
        "incognito_mode": False,
    } | changes  # fmt: skip


def basic(**changes: Any) -> dict[str, Any]:
    """A row of a StreamingHistory file."""
    return {"endTime": "2024-05-09 15:48", "artistName": "X Ambassadors", "trackName": "Renegades", "msPlayed": 180_000} | changes


def listen(**changes: Any) -> dict[str, Any]:
    """A line of ListenBrainz' listens; what is in `metadata` and `info` goes where it belongs."""
    metadata, info = changes.pop("metadata", {}), changes.pop("info", {})
    named = {"artist_name": "X Ambassadors", "track_name": "Renegades", "release_name": "VHS", "additional_info": info}
    return {"listened_at": 1_715_269_693, "track_metadata": named | metadata} | changes


def json_lines(rows: Sequence[object]) -> bytes:
    """One row a line."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def archive(path: Path, files: Mapping[str, object]) -> Path:
    """A zip archive of files: bytes as they are, anything else as JSON."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content if isinstance(content, bytes) else json.dumps(content, indent=2))
    return path


def source(path: Path, songs: Songs | None = None, service: Service | None = None, bounds: Bounds = BOUNDS) -> HistorySource:
    """Alice's history."""
    return HistorySource(path, "alice", songs or EmptyCatalogue(), bounds, service=service, now=NOW)


class Read:
    """All that a source says."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self.items = [item for page in pages for item in page.items]
        self.events = [item for item in self.items if isinstance(item, ListeningEvent)]
        self.tracks = [item for item in self.items if isinstance(item, CatalogueTrack)]
        self.playlists = [item for item in self.items if isinstance(item, PlaylistRecord)]
        self.rejected: list[Rejected] = [one for page in pages for one in page.rejected]
        self.skipped = [one.code for page in pages for one in page.skipped]

    @property
    def refused(self) -> list[tuple[str, str]]:
        """Code and place of what could not be taken."""
        return [(one.code, one.where) for one in self.rejected]


def read(path: Path, songs: Songs | None = None) -> Read:
    """Read a path from its start."""
    return Read(list(source(path, songs).pages(None)))


def read_rows(folder: Path, name: str, rows: object, songs: Songs | None = None) -> Read:
    """Read one file with these rows, as JSON, or bytes as they are."""
    path = folder / name
    path.write_bytes(rows if isinstance(rows, bytes) else json.dumps(rows).encode())
    return read(path, songs)


class Catalogue:
    """A catalogue in memory that counts how often it is asked."""

    def __init__(self, *tracks: Track) -> None:
        self.tracks, self.asked = tracks, 0

    def find(self, track_ids: Sequence[str], keys: Sequence[str]) -> list[Track]:
        """The tracks with one of these ids or keys."""
        self.asked += 1
        return [track for track in self.tracks if track.track_id in track_ids or track.song_key in keys]


def track(number: int, track_id: str, name: str, artist: str, album: str | None = None, popularity: int | None = None) -> Track:
    """A track of the catalogue."""
    return Track(TrackNo(number), track_id, name, (artist,), album, None, None, None, popularity, (), None)
