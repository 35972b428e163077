"""What the API answers while one of its servers is away: docs/guide/degraded.md."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.conftest import Road

pytestmark = pytest.mark.stack


def event(user_id: str, track_id: str) -> dict[str, str]:
    return {"event_id": str(uuid.uuid4()), "type": "play", "user_id": user_id, "track_id": track_id}


@pytest.fixture
def listener(road: Road, wait_until: Callable[..., None]) -> str:
    """Someone with a history that both stores hold."""
    user_id = f"steady-{uuid.uuid4().hex[:8]}"
    road.post(event(user_id, "jazz-001"), event(user_id, "jazz-004"))
    wait_until(lambda: road.recommend(user_id)["state"]["events"] == 2, 20, "the history in the state")
    return user_id


@pytest.fixture
def without(road: Road, wait_until: Callable[..., None]) -> Iterator[Callable[[str], None]]:
    """Stop a server; it is started again, and everything is back, when the test ends."""
    stopped: list[str] = []

    def stop(server: str) -> None:
        road.stack.stop(server)
        stopped.append(server)

    yield stop
    for server in stopped:
        road.stack.start(server)
        road.stack.wait_ready(server, 60)
    wait_until(lambda: road.client.get("/readyz").json()["status"] == "ok", 60, "readiness")


def test_without_redis_the_history_comes_from_postgres(road: Road, listener: str, without: Callable[[str], None]) -> None:
    without("redis")
    answer = road.recommend(listener)
    assert answer["degraded"] == ["redis"]
    assert (answer["state"]["source"], answer["state"]["events"]) == ("postgres", 2)
    assert "jazz-001" not in {item["track_id"] for item in answer["items"]}


def test_without_postgres_live_rows_go_on_answering(road: Road, listener: str, without: Callable[[str], None]) -> None:
    without("postgres")
    answer = road.recommend(listener)
    assert (answer["state"]["source"], answer["state"]["events"]) == ("redis", 2)
    assert len(road.recommend("never-seen-before")["items"]) == 10
    assert road.client.get("/tracks/jazz-001").json()["name"] == "Jazz Song 1"


def test_without_kafka_events_are_refused_with_a_time_to_retry(road: Road, listener: str, without: Callable[[str], None]) -> None:
    without("kafka")
    response = road.client.post("/events", json=event(listener, "jazz-002"))
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert response.headers["Content-Type"] == "application/problem+json"
    assert len(road.recommend(listener)["items"]) == 10


def test_an_event_after_an_outage_arrives(
    road: Road, listener: str, without: Callable[[str], None], wait_until: Callable[..., None]
) -> None:
    without("redis")
    road.post(event(listener, "jazz-007"))
    road.stack.start("redis")
    wait_until(lambda: road.recommend(listener)["state"]["events"] == 3, 60, "the event sent while Redis was away")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{not json", 400),
        (b'{"user_id": 7}', 422),
        (b'{"user_id": "ada", "n": -1}', 422),
        (b'{"user_id": "ada", "n": 1000000000}', 422),
        (b'{"user_id": "ada", "n": true}', 422),
        (b'{"user_id": "ada", "filters": {"genre": ["rock"]}}', 422),
    ],
)
def test_bad_requests_get_a_problem_document(road: Road, body: bytes, status: int) -> None:
    response = road.client.post("/recommend/user/", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"]


def test_an_event_of_the_future_is_refused_by_name(road: Road) -> None:
    late = event("hank", "rock-001") | {"occurred_at": "2999-01-01T00:00:00Z"}
    response = road.client.post("/events", json={"events": [late, event("hank", "rock-001")]})
    assert response.status_code == 202
    verdicts = response.json()["events"]
    assert (verdicts[0]["status"], verdicts[0]["code"], verdicts[1]["status"]) == ("rejected", "invalid_time", "accepted")
