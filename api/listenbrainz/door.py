"""What the routes of the door are given beside the other services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from api.listenbrainz.tracks import Tracks


class Playing(Protocol):
    """What listeners are playing; `segue.stores.redis.playing.PlayingNow` is one. Every call may raise RedisUnavailable."""

    async def put(self, user_id: str, playing: bytes, ttl_s: int) -> None:
        """Note it for so long."""

    async def get(self, user_id: str) -> bytes | None:
        """What it is, or None."""


@dataclass(frozen=True)
class Door:
    """The parts of the door in one API process."""

    tracks: Tracks
    playing: Playing
