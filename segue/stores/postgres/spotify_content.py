"""What of the state came from Spotify's API only: its terms ask to treat it apart."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from segue.sources import SPOTIFY_API
from segue.stores.postgres.database import Database

_TRACKS = """
select track_id from tracks where source = %(source)s and deleted_at is null
and (%(before)s::timestamptz is null or coalesce(fetched_at, changed_at) < %(before)s)
order by coalesce(fetched_at, changed_at), track_id
"""
_PLAYLISTS = """
select playlist_id from playlists where source = %(source)s and (%(before)s::timestamptz is null or changed_at < %(before)s)
order by changed_at, playlist_id
"""
_ELSEWHERE = """
select track_id from tracks where track_id = any(%s) and name is not null and deleted_at is null and source is distinct from %s
"""


@dataclass(frozen=True)
class SpotifyListens:
    """Likes and plays that Spotify's API told, and of how many listeners."""

    events: int
    listeners: int


class SpotifyContentStore:
    """Every call may raise PostgresUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def described_elsewhere(self, track_ids: Collection[str]) -> frozenset[str]:
        """Which of these tracks another source has described last."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(_ELSEWHERE, (list(track_ids), SPOTIFY_API))
            return frozenset(track_id for (track_id,) in cursor)

    def tracks(self, before: datetime | None = None) -> list[str]:
        """Ids of the tracks that nobody else has described, fetched before a time, oldest first."""
        return self._ids(_TRACKS, before)

    def playlists(self, before: datetime | None = None) -> list[str]:
        """Ids of its playlists, stored before a time, oldest first."""
        return self._ids(_PLAYLISTS, before)

    def listens(self) -> SpotifyListens:
        """How many of its listens there are."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute("select count(*), count(distinct user_no) from listens where source = %s", (SPOTIFY_API,))
            (events, listeners) = cursor.fetchone() or (0, 0)
            return SpotifyListens(events, listeners)

    def _ids(self, query: str, before: datetime | None) -> list[str]:
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(query, {"source": SPOTIFY_API, "before": before})
            return [found for (found,) in cursor]
