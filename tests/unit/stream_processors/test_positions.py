"""Where a partition is read from."""

from __future__ import annotations

import pytest

from stream_processors.positions import Start, start_of

LISTENS, TRACKS = "listening-events", "catalogue"


STARTS = {
    "equal": (LISTENS, 50, 50, 0, Start(50, is_rewind=False, lost=0)),
    "mark ahead": (LISTENS, 60, 50, 0, Start(50, is_rewind=False, lost=0)),
    "mark behind": (LISTENS, 20, 50, 0, Start(20, is_rewind=True, lost=0)),
    "empty Postgres": (LISTENS, 0, 50, 0, Start(0, is_rewind=True, lost=0)),
    "part expired": (LISTENS, 20, 50, 30, Start(30, is_rewind=True, lost=10)),
    "all expired": (LISTENS, 20, 50, 50, Start(50, is_rewind=False, lost=30)),
    "position expired": (LISTENS, 20, 20, 40, Start(40, is_rewind=False, lost=20)),
    "compacted": (TRACKS, 20, 50, 0, Start(20, is_rewind=True, lost=0)),
    "compacted away": (TRACKS, 20, 50, 30, Start(30, is_rewind=True, lost=0)),
}


@pytest.mark.parametrize(("topic", "mark", "position", "earliest", "start"), STARTS.values(), ids=STARTS)
def test_the_lower_of_mark_and_position_as_far_as_the_log_goes(
    topic: str, mark: int, position: int, earliest: int, start: Start
) -> None:
    assert start_of(topic, mark, position, earliest) == start
