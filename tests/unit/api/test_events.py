"""POST /events: what is taken in, what is refused, what is said when Kafka is away."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.unit.api.conftest import World

pytestmark = pytest.mark.anyio

PLAY = {"type": "play", "user_id": "ann", "track_id": "t1"}
EVENT_ID = "019aaf6a-5d1c-7b43-8f0e-2f4f2a1b9c77"


async def test_the_server_fills_in_id_and_time(world: World, client: httpx.AsyncClient) -> None:
    answer = await client.post("/events", json=PLAY)
    assert answer.status_code == 202
    (taken,) = world.kafka.taken
    assert answer.json() == {
        "accepted": 1,
        "rejected": 0,
        "events": [{"index": 0, "status": "accepted", "event_id": str(taken.event_id)}],
    }
    assert taken.event_id.version == 7
    assert abs(datetime.now(UTC) - taken.occurred_at) < timedelta(seconds=60)


async def test_what_the_client_says_is_kept(world: World, client: httpx.AsyncClient) -> None:
    sent = {
        **PLAY, "type": "skip", "event_id": EVENT_ID, "occurred_at": "2026-01-02T03:04:05Z", "ms_played": 1200, "session_id": "s",
        "rec_id": EVENT_ID, "position": 3, "source": "test",
    }  # fmt: skip
    assert (await client.post("/events", json=sent)).status_code == 202
    (taken,) = world.kafka.taken
    assert (taken.type, taken.event_id, taken.rec_id) == ("skip", uuid.UUID(EVENT_ID), uuid.UUID(EVENT_ID))
    assert taken.occurred_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (taken.ms_played, taken.session_id, taken.position, taken.source) == (1200, "s", 3, "test")


async def test_an_unknown_track_is_accepted(client: httpx.AsyncClient) -> None:
    assert (await client.post("/events", json={**PLAY, "track_id": "never-heard-of"})).status_code == 202


async def test_a_batch_is_taken_in_order(world: World, client: httpx.AsyncClient) -> None:
    answer = await client.post("/events", json={"events": [{**PLAY, "track_id": f"t{number}"} for number in range(5)]})
    assert (answer.status_code, answer.json()["accepted"]) == (202, 5)
    assert [event.track_id for event in world.kafka.taken] == ["t0", "t1", "t2", "t3", "t4"]


async def test_the_good_events_of_a_batch_are_accepted(world: World, client: httpx.AsyncClient) -> None:
    answer = await client.post("/events", json={"events": [PLAY, {**PLAY, "type": "hum"}, {**PLAY, "user_id": ""}]})
    assert answer.status_code == 202
    body = answer.json()
    assert (body["accepted"], body["rejected"]) == (1, 2)
    assert [event["status"] for event in body["events"]] == ["accepted", "rejected", "rejected"]
    assert [event.get("code") for event in body["events"]] == [None, "invalid_field", "invalid_id"]
    assert body["events"][2]["message"] == "user_id is empty"
    assert len(world.kafka.taken) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": "hum"}, "invalid_field"),
        ({"type": None}, "invalid_field"),
        ({"user_id": ""}, "invalid_id"),
        ({"user_id": "x" * 129}, "invalid_id"),
        ({"track_id": " t1"}, "invalid_id"),
        ({"track_id": 5}, "invalid_field"),
        ({"event_id": "no-uuid"}, "invalid_field"),
        ({"occurred_at": "2026-01-02T03:04:05"}, "invalid_time"),
        ({"occurred_at": "1999-01-01T00:00:00Z"}, "invalid_time"),
        ({"occurred_at": "2999-01-01T00:00:00Z"}, "invalid_time"),
        ({"occurred_at": "yesterday"}, "invalid_field"),
        ({"ms_played": -1}, "invalid_ms_played"),
        ({"ms_played": 1.5}, "invalid_field"),
        ({"position": 40_000}, "invalid_position"),
        ({"artist": "a" * 201}, "text_too_long"),
        ({"v": 2}, "invalid_field"),
    ],
)
async def test_a_wrong_event_is_refused_with_its_code(
    world: World, client: httpx.AsyncClient, change: dict[str, object], code: str
) -> None:
    answer = await client.post("/events", json={**PLAY, **change})
    assert (answer.status_code, answer.json()["code"]) == (422, "all_events_rejected")
    assert [event["code"] for event in answer.json()["events"]] == [code]
    assert answer.json()["errors"][0]["field"] == "events.0"
    assert world.kafka.taken == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed_json"),
        (b"{", 400, "malformed_json"),
        (b'{"events": [{"type": "play"', 400, "malformed_json"),
        (b"\xff\xfe", 400, "malformed_json"),
        (b"[" * 5_000, 400, "json_too_deep"),
        (b'{"events": [' + b"[" * 4_000 + b"]" * 4_000 + b"]}", 400, "json_too_deep"),
        (b'{"a":' * 1_500 + b"1" + b"}" * 1_500, 400, "json_too_deep"),
        (b"[]", 422, "invalid_request"),
        (b'"play"', 422, "invalid_request"),
        (b'{"events": []}', 422, "invalid_request"),
        (b'{"events": 5}', 422, "invalid_request"),
        (b'{"events": [1, 2, 3, 4, 5, 6]}', 413, "too_many_events"),
        (b'{"user_id": "' + b"x" * 10_000 + b'"}', 413, "body_too_large"),
    ],
)
async def test_bodies_that_cannot_be_read(client: httpx.AsyncClient, body: bytes, status: int, code: str) -> None:
    answer = await client.post("/events", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_the_body_limit_holds_without_a_content_length(client: httpx.AsyncClient) -> None:
    async def endless() -> object:
        while True:
            yield b" " * 1_000

    answer = await client.post("/events", content=endless(), headers={"content-type": "application/json"})  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
async def test_only_json_is_taken(client: httpx.AsyncClient, content_type: str) -> None:
    answer = await client.post("/events", content=b"{}", headers={"content-type": content_type})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_without_kafka_nothing_is_accepted(world: World, client: httpx.AsyncClient) -> None:
    world.kafka.away = True
    answer = await client.post("/events", json={**PLAY, "event_id": EVENT_ID})
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "kafka_unavailable", "5")
    assert (answer.json()["accepted"], answer.json()["undelivered"]) == (0, 1)
    assert [(event["event_id"], event["status"]) for event in answer.json()["events"]] == [(EVENT_ID, "undelivered")]


async def test_a_half_delivered_batch_says_which_half(world: World, client: httpx.AsyncClient) -> None:
    world.kafka.refused = {"bob"}
    answer = await client.post("/events", json={"events": [PLAY, {**PLAY, "user_id": "bob"}, {**PLAY, "type": "hum"}]})
    body = answer.json()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert (body["accepted"], body["undelivered"], body["rejected"]) == (1, 1, 1)
    assert [event["status"] for event in body["events"]] == ["accepted", "undelivered", "rejected"]
    assert "same event_id" in body["detail"]
