"""What the routes of the door are given beside the other services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from api.listenbrainz.tracks import Tracks
from api.listenbrainz.weekly import WeeklyLists


class Players(Protocol):
    """What players said that is no event; `segue.stores.redis.players.PlayerNotes` is one. Calls may raise RedisUnavailable."""

    async def put_playing(self, user_id: str, playing: bytes, ttl_s: int) -> None:
        """Note what a listener is playing, for so long."""

    async def playing(self, user_id: str) -> bytes | None:
        """What the listener is playing, or None."""

    async def put_recordings(self, user_id: str, tracks: Mapping[str, str]) -> None:
        """Note which tracks recordings are: track ids by MusicBrainz id."""

    async def recording(self, user_id: str, mbid: str) -> str | None:
        """The id of the track that a recording was, the last time; None if that is not noted."""


@dataclass(frozen=True)
class Door:
    """The parts of the door in one API process."""

    tracks: Tracks
    players: Players
    weekly: WeeklyLists
