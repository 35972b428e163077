"""How often keys, listeners and addresses may ask, and what becomes of it while Redis is away."""

from __future__ import annotations

import httpx
import pytest

from api.access.rates import OwnBuckets
from segue.settings import Settings
from tests.unit.api.access.conftest import bearer
from tests.unit.api.conftest import World

pytestmark = pytest.mark.anyio

LIMITS: dict[str, float] = {"api_key_rate_per_s": 2.0, "api_key_burst": 4, "api_client_rate_per_s": 1.0, "api_client_burst": 3}


@pytest.fixture
def world(world: World) -> World:
    world.settings = limited(world.settings)
    return world


def limited(settings: Settings, **changes: object) -> Settings:
    return settings.model_copy(update={**LIMITS, **changes})


async def statuses(client: httpx.AsyncClient, count: int, headers: dict[str, str], path: str = "/tracks/t1") -> list[int]:
    return [(await client.get(path, headers=headers)).status_code for _ in range(count)]


async def test_a_key_may_ask_its_burst_at_once_and_then_at_its_rate(world: World, client: httpx.AsyncClient) -> None:
    headers = bearer(world.postgres.keys.add("read"))
    # The first use is counted for the address: this process does not know the key yet.
    assert await statuses(client, 6, headers) == [200] * 5 + [429]
    world.now_s += 1
    assert await statuses(client, 3, headers) == [200, 200, 429]


async def test_the_headers_say_what_is_left_and_when_to_ask_again(world: World, client: httpx.AsyncClient) -> None:
    headers = bearer(world.postgres.keys.add("read"))
    await statuses(client, 1, headers)
    answer = await client.get("/tracks/t1", headers=headers)
    assert answer.headers["ratelimit-policy"] == '"key";q=4;w=2;segue-store="redis"'
    assert answer.headers["ratelimit"] == '"key";r=3;t=1'
    assert "retry-after" not in answer.headers
    await statuses(client, 3, headers)
    refused = await client.get("/tracks/t1", headers=headers | {"x-request-id": "r-1"})
    assert (refused.status_code, refused.json()["code"], refused.json()["request_id"]) == (429, "rate_limited", "r-1")
    assert (refused.headers["retry-after"], refused.headers["ratelimit"]) == ("1", '"key";r=0;t=2')
    assert refused.headers["content-type"] == "application/problem+json"


async def test_one_key_does_not_use_up_anothers_rate(world: World, client: httpx.AsyncClient) -> None:
    busy, calm = (bearer(world.postgres.keys.add("read")) for _ in range(2))
    await statuses(client, 1, calm)
    assert (await statuses(client, 6, busy))[-1] == 429
    assert await statuses(client, 4, calm) == [200] * 4


async def test_guessing_keys_is_limited_by_address_before_it_costs_a_lookup(world: World, client: httpx.AsyncClient) -> None:
    key = world.postgres.keys.add("read")
    guesses = [bearer(f"{key[:-43]}{letter * 43}") for letter in "ABCDE"]
    world.postgres.keys.stored.clear()
    assert [(await client.get("/tracks/t1", headers=guess)).status_code for guess in guesses] == [401, 401, 401, 429, 429]
    assert await statuses(client, 1, {}, "/no/such/route") == [429]


async def test_listeners_are_counted_each_for_themselves(world: World, client: httpx.AsyncClient) -> None:
    key = world.postgres.keys.add("admin")
    tokens = [
        (await client.post("/tokens", json={"user_id": name}, headers=bearer(key))).json()["token"] for name in ("ada", "bob")
    ]
    assert await statuses(client, 4, bearer(tokens[0])) == [200, 200, 200, 429]
    assert await statuses(client, 1, bearer(tokens[1])) == [200]


async def test_while_redis_is_away_each_process_counts_by_itself_and_says_so(world: World, client: httpx.AsyncClient) -> None:
    headers = bearer(world.postgres.keys.add("read"))
    await statuses(client, 1, headers)
    world.rates.away = True
    answer = await client.get("/tracks/t1", headers=headers)
    assert answer.headers["ratelimit-policy"].endswith('segue-store="process"')
    assert await statuses(client, 4, headers) == [200, 200, 200, 429]
    world.rates.away = False
    world.now_s += 2
    assert (await client.get("/tracks/t1", headers=headers)).headers["ratelimit-policy"].endswith('segue-store="redis"')
    text = (await client.get("/metrics", headers=headers)).text
    assert 'segue_api_rate_decisions_total{outcome="refused",policy="key",store="process"} 1.0' in text


async def test_the_processes_life_is_never_limited(client: httpx.AsyncClient) -> None:
    assert await statuses(client, 10, {}, "/healthz") == [200] * 10
    assert await statuses(client, 4, {}, "/") == [200, 200, 200, 429]


async def test_without_keys_this_machine_is_not_limited_and_others_are(world: World) -> None:
    world.settings = limited(world.settings, api_keys_required=False)
    async with world.serving() as here, world.serving(client_address="203.0.113.9") as there:
        assert await statuses(here, 10, {}) == [200] * 10
        assert await statuses(there, 4, {}) == [200, 200, 200, 429]


async def test_ipv6_clients_are_counted_by_their_network(world: World) -> None:
    async with world.serving(client_address="2001:db8::1") as one, world.serving(client_address="2001:db8::2") as two:
        assert await statuses(one, 3, {}, "/") == [200] * 3
        assert await statuses(two, 1, {}, "/") == [429]


async def test_a_rate_of_zero_is_no_limit(world: World) -> None:
    world.settings = limited(world.settings, api_client_rate_per_s=0.0)
    async with world.serving() as client:
        assert await statuses(client, 10, {}, "/") == [200] * 10
        assert "ratelimit" not in (await client.get("/")).headers


def test_buckets_of_a_process_are_bounded_and_keep_those_in_use() -> None:
    buckets = OwnBuckets(2, clock=lambda: 0.0)
    for caller in ("a", "b", "a", "c", "a"):
        last = buckets.take(caller, 1.0, 3)
    assert last == (True, 0.0)
    assert buckets.take("b", 1.0, 3) == (True, 2.0)
