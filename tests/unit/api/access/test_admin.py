"""What operators see and do over HTTP."""

from __future__ import annotations

import httpx
import pytest

from segue.dead_letters import Letter
from tests.unit.api.access.conftest import bearer
from tests.unit.api.conftest import World

pytestmark = pytest.mark.anyio


@pytest.fixture
def admin(world: World) -> dict[str, str]:
    return bearer(world.postgres.keys.add("admin"))


async def test_a_key_is_shown_once_opens_what_it_may_and_is_taken_back(
    world: World, client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    asked = {"name": " web player ", "scopes": ["read"], "expires": "90d"}
    made = await client.post("/admin/keys", json=asked, headers=admin)
    assert (made.status_code, made.json()["name"], made.json()["scopes"]) == (201, "web player", ["read"])
    key, prefix = made.json()["key"], made.json()["prefix"]
    assert (await client.get("/genres", headers=bearer(key))).status_code == 200
    listed = (await client.get("/admin/keys", headers=admin)).json()["items"]
    assert (listed[0]["prefix"], listed[0]["name"], listed[0]["state"]) == (prefix, "web player", "valid")
    assert key not in (await client.get("/admin/keys", headers=admin)).text
    revoked = await client.delete(f"/admin/keys/{prefix}", headers=admin)
    assert (revoked.status_code, revoked.json()["state"]) == (200, "revoked")
    world.now_s += world.settings.api_key_cache_s + 1
    assert (await client.delete("/admin/keys/0123456789ab", headers=admin)).status_code == 404


async def test_a_listeners_key_opens_their_own_data_only(client: httpx.AsyncClient, admin: dict[str, str]) -> None:
    asked = {"name": "kitchen", "scopes": ["read"], "listener": "alice"}
    key = (await client.post("/admin/keys", json=asked, headers=admin)).json()["key"]
    assert (await client.get("/admin/keys", headers=admin)).json()["items"][0]["listener"] == "alice"
    assert (await client.get("/users/alice/blocks", headers=bearer(key))).status_code == 200
    assert (await client.get("/users/bob/blocks", headers=bearer(key))).json()["code"] == "not_your_data"
    refused = await client.post("/admin/keys", json=asked | {"scopes": ["admin"]}, headers=admin)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_scope")


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"name": "x", "scopes": ["root"]}, "scopes.0"), ({"name": "x", "scopes": []}, "scopes"), ({"scopes": ["read"]}, "name"),
        ({"name": "x", "scopes": ["read"], "digest": "x"}, "digest"),
    ],
)  # fmt: skip
async def test_a_key_that_cannot_be_is_refused(
    world: World, client: httpx.AsyncClient, admin: dict[str, str], asked: dict[str, object], field: str
) -> None:
    before = len(world.postgres.keys.stored)
    answer = await client.post("/admin/keys", json=asked, headers=admin)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert len(world.postgres.keys.stored) == before


@pytest.mark.parametrize("asked", [{"name": " ", "scopes": ["read"]}, {"name": "x", "scopes": ["read"], "expires": "2020-01-01"}])
async def test_a_blank_name_and_a_past_expiry_are_refused(
    client: httpx.AsyncClient, admin: dict[str, str], asked: dict[str, object]
) -> None:
    assert (await client.post("/admin/keys", json=asked, headers=admin)).status_code == 422


async def test_without_postgres_no_key_is_made(world: World, client: httpx.AsyncClient, admin: dict[str, str]) -> None:
    await client.get("/admin/keys", headers=admin)
    world.postgres.away = True
    answer = await client.post("/admin/keys", json={"name": "x", "scopes": ["read"]}, headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (503, "postgres_unavailable")


async def test_status_says_how_far_the_processors_are_behind(
    world: World, client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    world.operations.behind = {"listening-events": 7}
    found = (await client.get("/admin/status", headers=admin)).json()
    assert (found["status"], found["lag"]["listening-events"], found["dependencies"]["model"]["version"]) == ("ok", 7, "v1")
    world.kafka.away = True
    found = (await client.get("/admin/status", headers=admin)).json()
    assert (found["status"], found["lag"]) == ("degraded", None)


async def test_only_those_with_a_key_see_why_a_server_is_away(
    world: World, client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    world.redis.away = True
    for headers, known in (({}, False), (bearer("nonsense"), False), (admin, True)):
        found = (await client.get("/readyz", headers=headers)).json()
        assert found["degraded"] == ["redis"]
        assert (found["dependencies"]["redis"]["reason"] is not None) == known


async def test_letters_come_without_their_bytes(world: World, client: httpx.AsyncClient, admin: dict[str, str]) -> None:
    letter = Letter("users/0/7/0", "users", "invalid_json", "no JSON", 1e9, 1e9, b"secret", b"key", (), (0, 1), 5_000_000)
    world.operations.kept = [letter]
    answer = await client.get("/admin/dead-letters?limit=1", headers=admin)
    (item,) = answer.json()["items"]
    assert (item["id"], item["first_seen"], item["cut_from"]) == ("users/0/7/0", "2001-09-09T01:46:40Z", 5_000_000)
    assert "secret" not in answer.text
    assert (await client.get("/admin/dead-letters?limit=201", headers=admin)).status_code == 422
