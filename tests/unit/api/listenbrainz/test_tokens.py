"""Whose token it is, and what is said in the words of ListenBrainz."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import httpx
import pytest
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Receive, Scope, Send

from api.listenbrainz.dialect import Dialect
from api.problems import Problem
from tests.unit.api.access.conftest import bearer
from tests.unit.api.conftest import SETTINGS, World
from tests.unit.api.listenbrainz.conftest import token

pytestmark = pytest.mark.anyio

VALIDATE = "/1/validate-token"


async def test_a_listeners_key_is_valid(client: httpx.AsyncClient, alice: dict[str, str]) -> None:
    answer = await client.get(VALIDATE, headers=alice)
    assert answer.status_code == 200
    assert answer.json() == {"code": 200, "message": "Token valid.", "valid": True, "user_name": "alice"}


async def test_a_listeners_short_lived_token_is_valid(world: World, client: httpx.AsyncClient) -> None:
    issuer = bearer(world.postgres.keys.add("read", "events"))
    issued = (await client.post("/tokens", json={"user_id": "bob"}, headers=issuer)).json()["token"]
    assert (await client.get(VALIDATE, headers=token(issued))).json()["user_name"] == "bob"


async def test_older_clients_send_it_in_the_query(client: httpx.AsyncClient, alice: dict[str, str]) -> None:
    key = alice["Authorization"].removeprefix("Token ")
    assert (await client.get(VALIDATE, params={"token": key})).json()["user_name"] == "alice"
    for wrong in ("nonsense", "\u00e9", "\U000fb47c", "%00", "a\nb"):
        assert (await client.get(VALIDATE, params={"token": wrong})).json()["valid"] is False


async def test_what_is_no_listeners_is_invalid_and_says_why(world: World, client: httpx.AsyncClient) -> None:
    revoked = world.postgres.keys.add("read", user_id="alice", revoked_at=datetime(2026, 1, 1, tzinfo=UTC))
    for credential, reason in (
        ("nonsense", "neither a key"),
        (revoked, "revoked"),
        (world.postgres.keys.add("admin"), "nobody's"),
    ):
        answer = await client.get(VALIDATE, headers=token(credential))
        assert (answer.status_code, answer.json()["valid"], answer.json()["code"]) == (200, False, 200)
        assert reason in answer.json()["message"]
        assert "user_name" not in answer.json()


async def test_no_token_at_all_is_an_error(client: httpx.AsyncClient) -> None:
    answer = await client.get(VALIDATE)
    assert (answer.status_code, answer.json()["code"], answer.json()["problem"]) == (400, 400, "no_token")


async def test_a_token_is_not_called_invalid_while_nobody_can_tell(world: World, client: httpx.AsyncClient) -> None:
    key = world.postgres.keys.add("read", user_id="alice")
    world.postgres.away = True
    for answer in (await client.get(VALIDATE, headers=token(key)), await client.get(VALIDATE, params={"token": key})):
        assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, 503, "5")


async def test_errors_are_those_of_listenbrainz(client: httpx.AsyncClient) -> None:
    answer = await client.get("/1/no-such-route")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    assert answer.json() == {"code": 404, "error": "no such route: GET / lists what there is", "problem": "no_such_route"}
    assert (await client.get("/no-such-route")).headers["content-type"] == "application/problem+json"


async def test_the_rate_is_told_as_listenbrainz_does(world: World, alice: dict[str, str]) -> None:
    world.settings = world.settings.model_copy(update={"api_client_rate_per_s": 1, "api_client_burst": 3})
    async with world.serving() as client:
        await client.get(VALIDATE, headers=alice)
        answer = await client.get(VALIDATE, headers=alice)
        shown = {name: answer.headers[f"x-ratelimit-{name}"] for name in ("limit", "remaining", "reset-in")}
        assert shown == {"limit": "3", "remaining": "2", "reset-in": "1"}
        assert abs(int(answer.headers["x-ratelimit-reset"]) - time.time()) < 60
        refused = [await client.get(VALIDATE, headers=alice) for _ in range(3)][-1]
        assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (429, 429, "1")
        assert refused.headers["x-ratelimit-remaining"] == "0"


async def test_a_listener_is_counted_once_whatever_key_comes(world: World) -> None:
    world.settings = world.settings.model_copy(update={"api_client_rate_per_s": 1, "api_client_burst": 3})
    keys = [token(world.postgres.keys.add("read", user_id="alice")) for _ in range(2)]
    async with world.serving() as client:
        for key in keys:
            await client.get(VALIDATE, headers=key)
        assert [(await client.get(VALIDATE, headers=keys[at % 2])).status_code for at in range(4)] == [200, 200, 200, 429]


async def test_without_keys_the_token_is_the_listeners_name(world: World) -> None:
    world.settings = SETTINGS
    async with world.serving() as client:
        assert (await client.get(VALIDATE, headers=token("alice"))).json()["user_name"] == "alice"
        assert (await client.get(VALIDATE, params={"token": "bob"})).json()["user_name"] == "bob"
        # As Go writes it: UTF-8, not the Latin-1 of HTTP.
        raw = [(b"authorization", "Token Jörg".encode())]
        assert (await client.get(VALIDATE, headers=raw)).json()["user_name"] == "Jörg"
        assert (await client.get(VALIDATE)).json()["code"] == 400


@pytest.mark.parametrize(
    "secret",
    [
        "b3a1c7a2-8f0e-4b43-9d0e-2f4f2a1b9c77",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln",
        f"segue_{'0' * 12}_{'A' * 43}",
        "x" * 129,
    ],
)
async def test_without_keys_no_secret_becomes_a_name(world: World, secret: str) -> None:
    world.settings = SETTINGS
    async with world.serving() as client:
        answer = await client.get(VALIDATE, headers=token(secret))
    assert answer.json()["valid"] is False
    assert secret not in answer.text


async def test_a_long_error_that_was_compressed_is_translated_too() -> None:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        await Problem(422, "wrong", "long " * 1_000).response("r-1")(scope, receive, send)

    transport = httpx.ASGITransport(Dialect(GZipMiddleware(refuse)))
    async with httpx.AsyncClient(transport=transport, base_url="http://segue.test") as opened:
        answer = await opened.get("/1/listens", headers={"accept-encoding": "gzip"})
    assert answer.json() == {"code": 400, "error": "long " * 1_000, "problem": "wrong"}
    assert "content-encoding" not in answer.headers
