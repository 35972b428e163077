"""How long a request may take, and what pages of other origins may ask."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import httpx
import pytest

from segue.events import ListeningEvent
from tests.unit.api.conftest import SETTINGS, World

pytestmark = pytest.mark.anyio

EVENT = {"type": "play", "user_id": "ann", "track_id": "t1"}


async def test_a_request_that_takes_too_long_is_given_up(world: World) -> None:
    async def never(events: Sequence[ListeningEvent]) -> list[str | None]:
        await asyncio.Event().wait()
        return []

    world.kafka.publish = never  # type: ignore[method-assign]
    world.settings = SETTINGS.model_copy(update={"api_request_timeout_s": 0.05})
    async with world.serving() as client:
        answer = await client.post("/events", json=EVENT, headers={"x-request-id": "r-1"})
        assert (answer.status_code, answer.json()["code"], answer.json()["request_id"]) == (503, "request_timeout", "r-1")
        assert answer.headers["retry-after"] == "5"
        assert (await client.get("/healthz")).status_code == 200


async def test_pages_of_other_origins_may_not_ask(client: httpx.AsyncClient) -> None:
    answer = await client.get("/tracks/t1", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    assert (await client.options("/events", headers=asked)).status_code == 405


async def test_pages_of_named_origins_may(world: World) -> None:
    origins = "https://radio.example, https://other.example"
    world.settings = SETTINGS.model_copy(update={"api_cors_origins": origins, "api_keys_required": True})
    async with world.serving() as client:
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
        granted = await client.options("/events", headers={"Origin": "https://radio.example", **asked})
        assert (granted.status_code, granted.headers["access-control-allow-origin"]) == (200, "https://radio.example")
        assert "access-control-allow-credentials" not in granted.headers
        refused = await client.options("/events", headers={"Origin": "https://evil.example", **asked})
        assert "access-control-allow-origin" not in refused.headers
        unauthorised = await client.get("/tracks/t1", headers={"Origin": "https://radio.example"})
        assert (unauthorised.status_code, unauthorised.headers["access-control-allow-origin"]) == (401, "https://radio.example")


async def test_answers_say_that_nothing_in_them_is_to_be_run(client: httpx.AsyncClient) -> None:
    headers = (await client.get("/tracks/t1")).headers
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["x-frame-options"] == "DENY"
    assert "content-security-policy" not in (await client.get("/docs")).headers
    assert "strict-transport-security" not in headers
    assert (await client.get("https://segue.test/tracks/t1")).headers["strict-transport-security"] == "max-age=31536000"


async def test_long_answers_are_compressed_where_the_client_takes_it(client: httpx.AsyncClient) -> None:
    plain = await client.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    packed = await client.get("/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["vary"]
    assert packed.json() == plain.json()
    assert int(packed.headers["content-length"]) < len(plain.content) / 2


async def test_a_compressed_answer_has_a_weak_tag_and_is_known_by_it(client: httpx.AsyncClient) -> None:
    path = "/tracks?" + "&".join(f"id=t{number}" for number in range(1, 17))
    answer = await client.get(path, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip", "the answer is too short for this test"
    assert answer.headers["etag"].startswith('W/"')
    assert (await client.get(path, headers={"If-None-Match": answer.headers["etag"]})).status_code == 304
