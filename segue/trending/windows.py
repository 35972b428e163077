"""The spans of time that charts look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

WindowName = Literal["1h", "24h", "7d", "30d"]
WINDOW_NAMES: tuple[WindowName, ...] = get_args(WindowName)


@dataclass(frozen=True)
class Window:
    """The last `seconds`, and the `past` windows of the same length right before them, which tell what is usual."""

    name: WindowName
    seconds: int
    past: int

    @property
    def half_life_s(self) -> float:
        """Half a window: what was heard at its beginning counts a quarter, so that nothing drops out of a chart at a stroke."""
        return self.seconds / 2


_HOUR_S, _DAY_S = 3_600, 86_400
WINDOWS: dict[WindowName, Window] = {
    "1h": Window("1h", _HOUR_S, 24),
    "24h": Window("24h", _DAY_S, 7),
    "7d": Window("7d", 7 * _DAY_S, 4),
    "30d": Window("30d", 30 * _DAY_S, 1),
}
"""Shortest first. The past of an hour is a day and that of a day a week, so that the hour of day and the day of week even out."""
