"""Every route of the app against every kind of caller; a new route is covered by being there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Response

from api.access.needs import Need, check_declared, need_of, needs
from api.app import create_app
from api.routes import routes_of
from segue.api_keys import SCOPES, Scope
from segue.errors import ConfigurationError
from segue.stores.postgres.playlists import Playlist, playlist_mbid
from tests.unit.api.access.conftest import bearer
from tests.unit.api.conftest import World
from tests.unit.api.fakes import FakePostgres
from tests.unit.api.made import CATALOGUE

pytestmark = pytest.mark.anyio

BOBS = {"type": "play", "user_id": "bob", "track_id": "t1"}
BOBS_PLAYLIST = Playlist(1, "t1", "Bob's", "bob", None, datetime(2026, 1, 1, tzinfo=UTC), ())
OWN_BODIES: dict[str, Any] = {
    "/events": BOBS, "/recommend/user/": {"user_id": "bob"}, "/recommend/user": {"user_id": "bob"},
    "/playlists": {"owner_id": "bob", "name": "Bob's"}, "/playlists/{playlist_id}": {"name": "Bob's"},
    "/playlists/generate": {"user_id": "bob"}, "/playlists/{playlist_id}/tracks": {"track_ids": ["t1"]},
    "/playlists/{playlist_id}/export": {}, "/1/playlist/{mbid}": {},
}  # fmt: skip
"""For each route that reads from its body, or from the playlist that it names, whose data it is: a body about bob."""
PAST = datetime(2020, 1, 1, tzinfo=UTC)


def declared() -> list[tuple[str, str, Need]]:
    with ThreadPoolExecutor(1) as executor:
        app = create_app(World(FakePostgres(CATALOGUE)).services(executor))
    found = [(method, route.path, need_of(route)) for route in routes_of(app) for method in sorted(route.methods or ())]
    return [(method, path, need) for method, path, need in found if need is not None]


DECLARED = declared()
GUARDED = [one for one in DECLARED if one[2].key is not None]
PATHS = [f"{method} {path}" for method, path, _ in GUARDED]
guarded = pytest.mark.parametrize(("method", "path", "need"), GUARDED, ids=PATHS)


async def ask(client: httpx.AsyncClient, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    """Status and problem code of bob's request."""
    url = path.format_map(dict.fromkeys(path_parameters(path), "t1") | {"user_id": "bob", "mbid": playlist_mbid("t1")})
    answer = await client.request(method, url, headers=headers, json=OWN_BODIES.get(path, {}) if method != "GET" else None)
    body = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    return answer.status_code, body.get("problem", body.get("code", ""))


def path_parameters(path: str) -> list[str]:
    return [part.partition("}")[0] for part in path.split("{")[1:]]


def lesser(need: Need) -> Scope:
    """A scope that does not suffice."""
    return next(scope for scope in SCOPES if scope not in (need.key, "admin"))


def test_only_these_are_open_to_everybody() -> None:
    assert {path for _, path, need in DECLARED if need.key is None} == {
        "/", "/1/validate-token", "/healthz", "/readyz", "/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json",
    }  # fmt: skip


@guarded
async def test_no_key(client: httpx.AsyncClient, method: str, path: str, need: Need) -> None:
    assert await ask(client, method, path, {}) == (401, "no_credentials")


@guarded
async def test_an_unknown_key(world: World, client: httpx.AsyncClient, method: str, path: str, need: Need) -> None:
    key = world.postgres.keys.add("admin")
    world.postgres.keys.stored.clear()
    assert await ask(client, method, path, bearer(key)) == (401, "unknown_key")


@guarded
async def test_the_prefix_of_a_key_with_another_secret(
    world: World, client: httpx.AsyncClient, method: str, path: str, need: Need
) -> None:
    key = world.postgres.keys.add("admin")
    forged = key[:-43] + "A" * 43
    assert await ask(client, method, path, bearer(forged)) == (401, "unknown_key")


@guarded
async def test_a_wrong_scope(world: World, client: httpx.AsyncClient, method: str, path: str, need: Need) -> None:
    key = world.postgres.keys.add(lesser(need))
    assert await ask(client, method, path, bearer(key)) == (403, "insufficient_scope")


@guarded
async def test_a_revoked_key(world: World, client: httpx.AsyncClient, method: str, path: str, need: Need) -> None:
    key = world.postgres.keys.add("admin", revoked_at=PAST)
    assert await ask(client, method, path, bearer(key)) == (401, "revoked_key")


@guarded
async def test_an_expired_key(world: World, client: httpx.AsyncClient, method: str, path: str, need: Need) -> None:
    key = world.postgres.keys.add("admin", expires_at=PAST)
    assert await ask(client, method, path, bearer(key)) == (401, "expired_key")


@guarded
@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
async def test_the_right_key(world: World, client: httpx.AsyncClient, method: str, path: str, need: Need, header: str) -> None:
    key = world.postgres.keys.add(need.key or "admin")
    status, code = await ask(client, method, path, {header: f"Bearer {key}" if header == "Authorization" else key})
    if need.own == "caller":
        assert (status, code) == (403, "no_listener")
    else:
        assert (status not in (401, 403), code) == (True, code)


@guarded
async def test_another_listeners_token(world: World, client: httpx.AsyncClient, method: str, path: str, need: Need) -> None:
    token = await token_of("ada", world, client)
    world.postgres.playlists["t1"] = BOBS_PLAYLIST
    status, code = await ask(client, method, path, bearer(token))
    if need.token is None:
        assert (status, code) == (403, "token_not_accepted")
    elif need.own in ("path", "body"):
        assert path in OWN_BODIES or need.own == "path", f"{path} needs a body about bob in OWN_BODIES"
        assert (status, code) == (403, "not_your_data")
    else:
        assert status not in (401, 403)


@guarded
async def test_ones_own_token(world: World, client: httpx.AsyncClient, method: str, path: str, need: Need) -> None:
    token = await token_of("bob", world, client)
    status, _ = await ask(client, method, path, bearer(token))
    assert (status == 403) == (need.token is None)
    assert status not in (401, 500)


@guarded
async def test_ones_own_key(world: World, client: httpx.AsyncClient, method: str, path: str, need: Need) -> None:
    key = world.postgres.keys.add("read", "events", user_id="bob")
    status, _ = await ask(client, method, path, bearer(key))
    assert (status == 403) == (need.token is None)
    assert status not in (401, 500)


@guarded
async def test_another_listeners_key(world: World, client: httpx.AsyncClient, method: str, path: str, need: Need) -> None:
    key = world.postgres.keys.add("read", "events", user_id="ada")
    world.postgres.playlists["t1"] = BOBS_PLAYLIST
    status, code = await ask(client, method, path, bearer(key))
    if need.token is None:
        assert (status, code) == (403, "token_not_accepted")
    elif need.own in ("path", "body"):
        assert (status, code) == (403, "not_your_data")
    else:
        assert status not in (401, 403)


@guarded
async def test_postgres_away_lets_no_unknown_key_in(
    world: World, client: httpx.AsyncClient, method: str, path: str, need: Need
) -> None:
    key = world.postgres.keys.add("admin")
    world.postgres.away = True
    assert await ask(client, method, path, bearer(key)) == (503, "postgres_unavailable")


async def test_public_routes_answer_with_a_bad_key_too(client: httpx.AsyncClient) -> None:
    for path in ("/", "/healthz", "/readyz", "/openapi.json"):
        assert (await client.get(path, headers=bearer("nonsense"))).status_code == 200


def test_a_route_without_a_declaration_keeps_the_service_from_starting() -> None:
    app = FastAPI(openapi_url=None)

    @app.get("/forgotten")
    async def forgotten() -> Response:
        return Response()

    with pytest.raises(ConfigurationError, match="/forgotten does not say who may ask it"):
        check_declared(app)


def test_own_data_needs_its_owner_in_the_path() -> None:
    app = FastAPI(openapi_url=None)

    @app.get("/diary")
    @needs(Need("read", "read", "path"))
    async def diary() -> Response:
        return Response()

    with pytest.raises(ConfigurationError, match="/diary"):
        check_declared(app)


async def token_of(user_id: str, world: World, client: httpx.AsyncClient) -> str:
    """A token with all rights that a token may have."""
    key = world.postgres.keys.add("read", "events")
    answer = await client.post("/tokens", json={"user_id": user_id}, headers=bearer(key))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])
