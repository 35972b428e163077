"""How long a key is believed, and what becomes of it while Postgres is away."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from segue.api_keys import SCOPES, check_name, digest_of, new_key, prefix_of, read_expiry, read_scopes
from segue.errors import InvalidInput
from tests.unit.api.access.conftest import bearer
from tests.unit.api.conftest import World

pytestmark = pytest.mark.anyio


async def test_a_key_costs_one_lookup_however_many_requests(world: World, client: httpx.AsyncClient) -> None:
    key = world.postgres.keys.add("read")
    answers = await asyncio.gather(*(client.get("/tracks/t1", headers=bearer(key)) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert world.postgres.keys.lookups == 1


async def test_a_wrong_key_costs_one_lookup_too(world: World, client: httpx.AsyncClient) -> None:
    key = new_key()
    for _ in range(5):
        assert (await client.get("/tracks/t1", headers=bearer(key))).status_code == 401
    assert world.postgres.keys.lookups == 1


async def test_a_revocation_takes_effect_within_the_cache_time(world: World, client: httpx.AsyncClient) -> None:
    key = world.postgres.keys.add("read")
    assert (await client.get("/tracks/t1", headers=bearer(key))).status_code == 200
    world.postgres.keys.revoke(key)
    world.now_s += world.settings.api_key_cache_s
    assert (await client.get("/tracks/t1", headers=bearer(key))).json()["code"] == "revoked_key"


async def test_known_keys_go_on_while_postgres_is_away_for_a_bounded_time(world: World, client: httpx.AsyncClient) -> None:
    key = world.postgres.keys.add("read")
    assert (await client.get("/tracks/t1", headers=bearer(key))).status_code == 200
    world.postgres.away = True
    world.now_s += world.settings.api_key_stale_s - 1
    assert (await client.get("/tracks/t1", headers=bearer(key))).status_code == 200
    world.now_s += 1
    answer = await client.get("/tracks/t1", headers=bearer(key))
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "postgres_unavailable", "5")
    world.postgres.away = False
    world.now_s += 5
    assert (await client.get("/tracks/t1", headers=bearer(key))).status_code == 200


async def test_guessing_does_not_push_out_the_keys_in_use(world: World, client: httpx.AsyncClient) -> None:
    world.settings = world.settings.model_copy(update={"api_key_cache_entries": 100})
    async with world.serving() as small:
        key = world.postgres.keys.add("read")
        assert (await small.get("/tracks/t1", headers=bearer(key))).status_code == 200
        for _ in range(150):
            await small.get("/tracks/t1", headers=bearer(new_key()))
        lookups = world.postgres.keys.lookups
        assert (await small.get("/tracks/t1", headers=bearer(key))).status_code == 200
        assert world.postgres.keys.lookups == lookups


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Authorization": "Basic dTpw"}, "unsupported_scheme"),
        ({"Authorization": "Bearer nonsense"}, "unknown_key"),
        ({"Authorization": "Bearer "}, "unknown_key"),
        ({"X-API-Key": "segue_000000000000_short"}, "unknown_key"),
        ({"X-API-Key": "x", "Authorization": "Bearer x"}, "two_credentials"),
    ],
)
async def test_what_is_no_key_is_said(client: httpx.AsyncClient, headers: dict[str, str], code: str) -> None:
    answer = await client.get("/tracks/t1", headers=headers)
    assert (answer.status_code, answer.json()["code"], answer.headers["www-authenticate"]) == (401, code, 'Bearer realm="segue"')


def test_a_key_is_256_random_bits_behind_a_prefix() -> None:
    keys = {new_key() for _ in range(100)}
    assert len({prefix_of(key) for key in keys}) == 100
    assert {len(base64.urlsafe_b64decode(key[-43:] + "=")) * 8 for key in keys} == {256}
    assert all(len(digest_of(key)) == 32 for key in keys)


@pytest.mark.parametrize("text", ["", "segue_", new_key() + "A", new_key()[:-1], new_key().upper(), " " + new_key()])
def test_what_is_no_key_has_no_prefix(text: str) -> None:
    assert prefix_of(text) is None


def test_scopes_are_read_from_commas_and_repetitions() -> None:
    assert read_scopes(["read,events", "admin"]) == set(SCOPES)
    for wrong in ([], [""], ["write"], ["read,root"]):
        with pytest.raises(InvalidInput, match="read, events, admin"):
            read_scopes(wrong)


def test_an_expiry_is_an_age_or_a_time_ahead() -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    assert read_expiry("90d", now) == now + timedelta(days=90)
    assert read_expiry("12h", now) == now + timedelta(hours=12)
    assert read_expiry("2027-01-31T00:00:00Z", now) == datetime(2027, 1, 31, tzinfo=UTC)
    for wrong in ("0d", "soon", "2027-01-31", "2026-11-23T00:00:00Z", "-3d"):
        with pytest.raises(InvalidInput):
            read_expiry(wrong, now)


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\nb"])
def test_a_name_is_printable(name: str) -> None:
    with pytest.raises(InvalidInput, match="printable"):
        check_name(name)
