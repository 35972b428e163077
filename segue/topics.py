"""The map of topics: their names, keys and whether Kafka compacts them."""

from __future__ import annotations

from dataclasses import dataclass

LISTENING_EVENTS = "listening-events"
CATALOGUE = "catalogue"
PLAYLISTS = "playlists"
USERS = "users"
DEAD_LETTERS = "dead-letters"


@dataclass(frozen=True)
class Topic:
    """One topic. `retention_ms` -1 keeps everything: the log is what a replay rebuilds the state from."""

    name: str
    key: str
    compacted: bool
    retention_ms: int = -1


TOPICS: tuple[Topic, ...] = (
    Topic(LISTENING_EVENTS, key="user_id", compacted=False),
    Topic(CATALOGUE, key="track_id", compacted=True),
    Topic(PLAYLISTS, key="playlist_id", compacted=True),
    Topic(USERS, key="user_id", compacted=True),
    Topic(DEAD_LETTERS, key="origin", compacted=False, retention_ms=30 * 24 * 3600 * 1000),
)
