"""Listeners' tokens: whose, how long, by which secret, with which rights."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest

from api.access.tokens import Tokens
from segue.errors import ConfigurationError
from tests.unit.api.access.conftest import bearer
from tests.unit.api.conftest import TOKEN_SECRETS, World

pytestmark = pytest.mark.anyio

EVENT = {"type": "play", "user_id": "ada", "track_id": "t1"}


async def issued(client: httpx.AsyncClient, key: str, user_id: str = "ada", **more: object) -> str:
    answer = await client.post("/tokens", json={"user_id": user_id, **more}, headers=bearer(key))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


def claims(world: World, issuer: str, /, **changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    sound = {
        "iss": "segue", "aud": "segue-api", "sub": "ada", "iat": now, "exp": now + timedelta(hours=1), "scope": "read events",
        "key": issuer.split("_")[1],
    }  # fmt: skip
    return {name: value for name, value in (sound | changes).items() if value is not None}


def signed(content: dict[str, Any], kid: str | None = "new", secret: str | None = None, algorithm: str = "HS256") -> str:
    return jwt.encode(content, secret or TOKEN_SECRETS[kid or "new"], algorithm, headers={"kid": kid} if kid else None)


async def code_of(client: httpx.AsyncClient, token: str) -> str:
    answer = await client.post("/recommend/user/", json={"user_id": "ada"}, headers=bearer(token))
    return str(answer.json().get("code", answer.status_code))


async def test_a_token_opens_its_own_data_and_nobody_elses(world: World, client: httpx.AsyncClient) -> None:
    headers = bearer(await issued(client, world.postgres.keys.add("read", "events")))
    assert (await client.post("/recommend/user/", json={"user_id": "ada"}, headers=headers)).status_code == 200
    assert (await client.post("/events", json=EVENT, headers=headers)).status_code == 202
    refused = await client.post("/events", json={"events": [EVENT, EVENT | {"user_id": "bob"}]}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_your_data")
    assert [event.user_id for event in world.kafka.taken] == ["ada"]
    assert (await client.get("/users/bob", headers=headers)).status_code == 403
    assert (await client.get("/users/%62ob", headers=headers)).status_code == 403


async def test_a_token_has_no_more_rights_than_the_key_that_issued_it(world: World, client: httpx.AsyncClient) -> None:
    headers = bearer(await issued(client, world.postgres.keys.add("events")))
    assert (await client.post("/events", json=EVENT, headers=headers)).status_code == 202
    refused = await client.post("/recommend/user/", json={"user_id": "ada"}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")


async def test_a_token_ends_with_the_key_that_issued_it(world: World, client: httpx.AsyncClient) -> None:
    key = world.postgres.keys.add("admin")
    token = await issued(client, key)
    assert await code_of(client, token) == "200"
    world.postgres.keys.revoke(key)
    world.now_s += world.settings.api_key_cache_s
    assert await code_of(client, token) == "revoked_key"


async def test_a_token_lives_no_longer_than_its_key_nor_than_the_setting(world: World, client: httpx.AsyncClient) -> None:
    ends = (datetime.now(UTC) + timedelta(minutes=5)).replace(microsecond=0)
    key = world.postgres.keys.add("admin", expires_at=ends)
    short = jwt.decode(await issued(client, key), options={"verify_signature": False})
    assert short["exp"] == int(ends.timestamp())
    long = await issued(client, world.postgres.keys.add("admin"), expires_s=10**9)
    decoded = jwt.decode(long, options={"verify_signature": False})
    assert decoded["exp"] - decoded["iat"] == world.settings.api_token_max_s


async def test_a_token_issues_no_token(world: World, client: httpx.AsyncClient) -> None:
    token = await issued(client, world.postgres.keys.add("admin"))
    answer = await client.post("/tokens", json={"user_id": "ada"}, headers=bearer(token))
    assert (answer.status_code, answer.json()["code"]) == (403, "token_not_accepted")


async def test_tokens_of_the_older_secret_live_out_and_new_ones_use_the_newer(world: World, client: httpx.AsyncClient) -> None:
    key = world.postgres.keys.add("admin")
    assert jwt.get_unverified_header(await issued(client, key))["kid"] == "new"
    assert await code_of(client, signed(claims(world, key), kid="old")) == "200"


async def test_what_is_forged_or_incomplete_opens_nothing(world: World, client: httpx.AsyncClient) -> None:
    key = world.postgres.keys.add("admin")
    sound = claims(world, key)
    none = ".".join(
        base64.urlsafe_b64encode(json.dumps(part, default=str).encode()).decode().rstrip("=")
        for part in ({"alg": "none", "typ": "JWT", "kid": "new"}, sound | {"iat": 1, "exp": 4_000_000_000})
    )
    assert await code_of(client, signed(sound)) == "200"
    for forged in (
        none + ".",
        signed(sound, algorithm="HS512"),
        signed(sound, secret="x" * 64),
        signed(sound, kid="other", secret=TOKEN_SECRETS["new"]),
        signed(sound, kid=None),
        signed(sound)[:-3],
        signed(claims(world, key, aud="another")),
        signed(claims(world, key, iss="another")),
        signed(claims(world, key, sub="")),
        signed(claims(world, key, iat=datetime.now(UTC) + timedelta(hours=1))),
        *(signed(claims(world, key, **{name: None})) for name in ("exp", "iat", "iss", "aud", "sub", "scope", "key")),
        "a.b.c",
        "..",
    ):
        assert await code_of(client, forged) == "invalid_token", forged
    assert await code_of(client, signed(claims(world, key, exp=datetime.now(UTC) - timedelta(minutes=1)))) == "expired_token"
    assert await code_of(client, signed(claims(world, key, key="000000000000"))) == "unknown_key"


async def test_a_scope_of_admin_in_a_token_is_not_heard(world: World, client: httpx.AsyncClient) -> None:
    token = signed(claims(world, world.postgres.keys.add("admin"), scope="admin"))
    assert await code_of(client, token) == "insufficient_scope"


async def test_without_a_signing_secret_there_are_no_tokens(world: World) -> None:
    world.tokens = Tokens({})
    async with world.serving() as client:
        answer = await client.post("/tokens", json={"user_id": "ada"}, headers=bearer(world.postgres.keys.add("admin")))
        assert (answer.status_code, answer.json()["code"]) == (409, "tokens_not_configured")
        assert await code_of(client, signed(claims(world, world.postgres.keys.add("admin")))) == "invalid_token"


def test_signing_secrets_are_read_from_one_setting() -> None:
    assert Tokens.from_setting(None).__dict__ == Tokens({}).__dict__
    assert Tokens.from_setting(f"a:{'x' * 32}, b:{'y' * 32}").__dict__ == Tokens({"a": "x" * 32, "b": "y" * 32}).__dict__


@pytest.mark.parametrize("text", ["secret", "a:short", f":{'x' * 32}", f"a:{'x' * 32},a:{'y' * 32}", f"a b:{'x' * 32}"])
def test_weak_or_double_secrets_are_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(ConfigurationError, match="SEGUE_API_TOKEN_KEYS: entry") as refused:
        Tokens.from_setting(text)
    assert "short" not in str(refused.value)
    assert "xxx" not in str(refused.value)
