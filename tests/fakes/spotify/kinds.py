"""What Spotify allows an application depends on when and for whom it was made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AppKind:
    """`search_limit`, `albums_limit`: most results at once; `batch`: several ids at once; `playlist_tracks`: the old road to a
    playlist's contents, for anybody's; `others_items`: the new road for others' playlists too; `full`: popularity and
    others' fields; `features`: audio features; `entry`: the field of a playlist's entry that holds the track.
    """

    name: str
    search_limit: int
    albums_limit: int
    batch: bool
    playlist_tracks: bool
    full: bool
    features: bool
    entry: str


NEW_DEV = AppKind("NEW-DEV", 10, 10, batch=False, playlist_tracks=False, full=False, features=False, entry="item")
"""Made on or after 11 February 2026."""
OLD_DEV = AppKind("OLD-DEV", 50, 50, batch=True, playlist_tracks=True, full=True, features=False, entry="track")
"""Made before."""
EXT = AppKind("EXT", 50, 50, batch=True, playlist_tracks=True, full=True, features=False, entry="item")
"""With extended quota."""
EXT_WITH_FEATURES = AppKind("EXT", 50, 50, batch=True, playlist_tracks=True, full=True, features=True, entry="item")
"""With extended quota and audio features, since before 27 November 2024."""
