"""What listeners play stands in the chart a moment later."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from segue.topics import USERS
from tests.e2e.conftest import Road
from tests.publishing import publish_raw

pytestmark = pytest.mark.stack


def plays(track_id: str, listeners: int, ago_s: float = 0, times: int = 1) -> list[dict[str, Any]]:
    """Of listeners of their own."""
    occurred_at = (datetime.now(UTC) - timedelta(seconds=ago_s)).isoformat()
    return [
        {
            "event_id": str(uuid.uuid4()), "type": "play", "user_id": f"fan-{track_id}-{number}", "track_id": track_id,
            "occurred_at": occurred_at, "ms_played": 180_000,
        }
        for number in range(listeners)
        for _ in range(times)
    ]  # fmt: skip


def chart(road: Road, **asked: Any) -> dict[str, int]:
    """Listeners by track, in the order of the chart."""
    response = road.client.get("/trending", params=asked)
    assert response.status_code == 200, response.text
    return {item["track_id"]: item["listeners"] for item in response.json()["items"]}


def test_plays_change_the_chart_of_the_hour_within_moments(road: Road, wait_until: Callable[..., None]) -> None:
    before = chart(road, window="1h", limit=200).get("pop-055", 0)
    road.post(*plays("pop-055", 30))
    wait_until(lambda: chart(road, window="1h", limit=200).get("pop-055") == before + 30, 10, "thirty listeners in the chart")
    assert "pop-055" in chart(road, window="1h", genre="pop")
    assert "pop-055" not in chart(road, window="1h", genre="jazz")


def test_neither_a_bot_nor_an_import_makes_a_trend(road: Road, wait_until: Callable[..., None]) -> None:
    def rock() -> dict[str, int]:
        return {f"rock-{number:03d}": 0 for number in (56, 57, 58)} | chart(road, window="1h", genre="rock", limit=200)

    before, week_s = rock(), 86_400 * 7
    road.post(*plays("rock-058", 1, times=400), *plays("rock-057", 100, ago_s=5 * week_s), *plays("rock-056", 3))
    wait_until(lambda: rock()["rock-056"] == before["rock-056"] + 3, 10, "the last of the events in the chart")
    after = rock()
    assert after["rock-058"] == before["rock-058"] + 1
    assert after["rock-057"] == before["rock-057"]


def test_what_is_played_more_than_usual_rises(road: Road, wait_until: Callable[..., None]) -> None:
    road.post(*plays("jazz-055", 60))
    wait_until(lambda: "jazz-055" in chart(road, window="24h", order="rising"), 60, "the track in the chart of what rises")


def test_a_deleted_listener_leaves_the_chart(road: Road, wait_until: Callable[..., None]) -> None:
    road.post(*plays("jazz-058", 2))
    wait_until(lambda: chart(road, window="1h", genre="jazz", limit=200).get("jazz-058") == 2, 10, "two listeners in the chart")
    publish_raw(road.settings, [None], b"fan-jazz-058-0", USERS)
    wait_until(lambda: chart(road, window="1h", genre="jazz", limit=200).get("jazz-058") == 1, 20, "one listener in the chart")
