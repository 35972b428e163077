"""A listener's state: totals, and the absolute value of each track's cell."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from segue.ids import TrackNo, UserNo


class Cell(msgspec.Struct, gc=False):
    """The absolute state of one listener and one track after a write."""

    track_no: TrackNo
    weight: float
    plays: int
    skips: int
    saves: int
    statement: int
    last_at_s: float

    @property
    def stance(self) -> int:
        """1 liked, 0 nothing, -1 disliked."""
        return (self.statement & 3) - 1


@dataclass(slots=True)
class ListenerState:
    """The absolute state of one listener: totals, and the cells that a write touched or, for a rebuild, the heaviest."""

    user_no: UserNo
    events: int
    last_event_at_s: float
    cells: list[Cell]
    is_new: bool = False
    """True if the listener had no event before this write, so that these cells are all there are."""
