"""A chart in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from segue.client.generated.shapes import TrendingTrack
from ui.views.playlists import counted

Window = Literal["1h", "24h", "7d", "30d"]
Order = Literal["top", "rising"]
WINDOWS: dict[Window, str] = {"1h": "Hour", "24h": "Day", "7d": "Week", "30d": "Month"}
ORDERS: dict[Order, str] = {"top": "Heard most", "rising": "Rising"}


def standing(track: TrendingTrack) -> str:
    """How many heard it, and how that compares with before."""
    growth = "" if track.growth is None else f", {track.growth:.1f} times as many as usual"
    genres = f" · {', '.join(track.genres)}" if track.genres else ""
    return f"{counted(track.listeners, 'listener')}{growth}{genres}"


def age(counted_at: datetime, now: datetime | None = None) -> str:
    """How old a count is."""
    seconds = max(0, round(((now or datetime.now(UTC)) - counted_at).total_seconds()))
    return f"Counted {counted(seconds, 'second')} ago." if seconds < 120 else f"Counted {counted(seconds // 60, 'minute')} ago."
