from __future__ import annotations

from datetime import UTC, datetime

import pytest

from producers.simulator.command import parse_duration, parse_time, simulate
from segue.errors import InvalidInput


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("60s", 60), ("5m", 300), ("1.5h", 5_400), ("2d", 172_800)])
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-5s", "5 weeks"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="write 60s, 5m, 2h or 1d"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-23T18:00:00Z", datetime(2026, 11, 23, 18, tzinfo=UTC)),
        ("2026-11-23T18:00:00+02:00", datetime(2026, 11, 23, 16, tzinfo=UTC)),
    ],
)
def test_times_are_utc_unless_they_say_otherwise(text: str, time: datetime) -> None:
    assert parse_time(text) == time


def test_what_is_no_time_is_refused() -> None:
    with pytest.raises(InvalidInput, match="is not a time: write 2026-11-23"):
        parse_time("yesterday")


def test_a_simulation_of_nothing_says_what_to_add() -> None:
    with pytest.raises(InvalidInput, match="add --backlog-days 30, --live, or both"):
        simulate()


def test_a_history_that_starts_after_its_end_is_refused() -> None:
    with pytest.raises(InvalidInput, match="lies after the end of the history"):
        simulate(backlog_days=3, start="2026-11-02", now="2026-11-01")
