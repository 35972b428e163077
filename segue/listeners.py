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


MAX_BLOCKS = 1_000
"""Blocked tracks and artists in a listener's state: the newest. The API refuses to add more; Postgres keeps all."""


class Blocks(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a listener shut out: tracks by number and artists by name, each with the Unix time at which it ends, 0 for never."""

    tracks: dict[TrackNo, int] = {}
    artists: dict[str, int] = {}

    def at(self, now_s: float) -> Blocks:
        """Without what has ended."""
        return Blocks(
            {number: until for number, until in self.tracks.items() if not until or until > now_s},
            {artist: until for artist, until in self.artists.items() if not until or until > now_s},
        )

    def __len__(self) -> int:
        return len(self.tracks) + len(self.artists)


@dataclass(slots=True)
class ListenerState:
    """The absolute state of one listener: totals, and the cells that a write touched or, for a rebuild, the heaviest."""

    user_no: UserNo
    events: int
    last_event_at_s: float
    cells: list[Cell]
    is_new: bool = False
    """True if the listener had no event before this write, so that these cells are all there are."""
    blocks: Blocks | None = None
    """All blocks; None after a write that did not touch them."""
