"""What the made-up Spotify holds: tracks with plain names, an account's saved tracks and playlists."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.fakes.spotify.kinds import AppKind

Json = dict[str, Any]


def spotify_id(kind: str, number: int) -> str:
    """An id of 22 letters and digits, as Spotify's: `track000000000000000007`."""
    return f"{kind}{number:0{22 - len(kind)}d}"


def track(number: int, kind: AppKind) -> Json:
    """The full track of a number: every third is by two artists."""
    artists = [artist(number % 5)] + ([artist(9)] if number % 3 == 0 else [])
    found: Json = simple_track(number) | {
        "artists": artists,
        "album": album(number // 10),
        "external_ids": {"isrc": f"XX{number:010d}"},
        "is_playable": True,
    }
    return found | ({"popularity": number % 101, "available_markets": ["DE"]} if kind.full else {})


def simple_track(number: int) -> Json:
    """A track as an album's list has it."""
    track_id = spotify_id("track", number)
    return {
        "type": "track", "id": track_id, "uri": f"spotify:track:{track_id}", "name": f"Song {number}", "is_local": False,
        "explicit": number % 2 == 1, "duration_ms": 180_000 + number, "track_number": number % 10 + 1, "preview_url": None,
        "artists": [artist(number % 5)],
    }  # fmt: skip


def artist(number: int) -> Json:
    """An artist as tracks name them."""
    return {"type": "artist", "id": spotify_id("artist", number), "name": f"Artist {number}"}


def album(number: int) -> Json:
    """An album as tracks name it; it holds the tracks from ten times its number on."""
    return {
        "type": "album", "id": spotify_id("album", number), "name": f"Album {number}", "album_type": "album",
        "release_date": f"{1990 + number % 30}-05-0{number % 9 + 1}", "release_date_precision": "day", "total_tracks": 10,
    }  # fmt: skip


def features(number: int) -> Json:
    """The audio features of a track."""
    return {
        "type": "audio_features", "id": spotify_id("track", number), "danceability": 0.5, "energy": 0.25, "key": number % 12,
        "loudness": -6.5, "mode": 1, "speechiness": 0.05, "acousticness": 0.125, "instrumentalness": 0.0, "liveness": 0.1,
        "valence": 0.75, "tempo": 120.0, "duration_ms": 180_000, "time_signature": 4,
    }  # fmt: skip


LOCAL_FILE: Json = {
    "type": "track", "id": None, "uri": "spotify:local:Me:Home:Demo:120", "name": "Demo", "is_local": True,
    "duration_ms": 120_000,
    "artists": [{"type": "artist", "id": None, "name": "Me"}], "album": {"type": "album", "id": None, "name": "Home"},
}  # fmt: skip
EPISODE: Json = {
    "type": "episode",
    "id": spotify_id("episode", 1),
    "name": "Talk",
    "duration_ms": 3_600_000,
    "show": {"name": "Show"},
}


@dataclass
class FakePlaylist:
    """`entries`: tracks by number, or an entry's track as it is (None: one that was removed)."""

    playlist_id: str
    name: str
    owner: str
    entries: list[int | Json | None]
    snapshot: str = "s1"
    public: bool = True
    collaborative: bool = False


@dataclass
class Account:
    """The person who logs in."""

    user_id: str = "wizzler"
    saved: list[tuple[int, str]] = field(default_factory=list)
    """Track number and when it was saved, newest first."""
    top: dict[str, list[int]] = field(default_factory=dict)
    """Track numbers by time range."""
    recent: list[tuple[int, str]] = field(default_factory=list)
    """Track number and when it was played, newest first."""
    playlists: list[FakePlaylist] = field(default_factory=list)
    """What the account's list shows; Spotify-owned ones are known by it and by nothing else."""


@dataclass
class Library:
    """Tracks 0 to `tracks` - 1, ten on an album; one account."""

    tracks: int = 1_000
    account: Account = field(default_factory=Account)
    elsewhere: list[FakePlaylist] = field(default_factory=list)
    """Playlists that the account does not follow."""

    def playlist(self, playlist_id: str) -> FakePlaylist | None:
        """The playlist of an id."""
        return next((p for p in (*self.account.playlists, *self.elsewhere) if p.playlist_id == playlist_id), None)

    def number(self, kind: str, wanted: str) -> int | None:
        """The number of an id, None if there is none."""
        count = {"track": self.tracks, "album": (self.tracks + 9) // 10, "artist": 10}[kind]
        digits = wanted.removeprefix(kind)
        return int(digits) if len(wanted) == 22 and digits.isdecimal() and int(digits) < count else None
