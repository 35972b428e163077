"""`min_event_id`: an answer that includes the event, or says that it does not."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any

import httpx
import pytest

from api.freshness import HEADER
from segue.ids import UserNo
from segue.stores.postgres.arrivals import Arrival
from segue.stores.redis.rows import row_of
from tests.unit.api.access.conftest import bearer
from tests.unit.api.conftest import World, eventually
from tests.unit.api.made import state

pytestmark = pytest.mark.anyio

EVENT = uuid.UUID(int=7)
READS = ["/users/ann", "/users/ann/taste", "/users/ann/blocks"]


def row_with(events: int, user_no: int = 1) -> Any:
    return row_of(state(1, 2, events=events, user_no=user_no), time.time())


def arrive(world: World, events: int, user_id: str = "ann", user_no: int = 1) -> None:
    world.postgres.arrivals[EVENT] = Arrival(user_id, UserNo(user_no), events)


async def ask(client: httpx.AsyncClient, path: str = "/recommend/user/", **more: Any) -> httpx.Response:
    """Ann's question, for which she awaits EVENT for up to 5 s."""
    asked: dict[str, Any] = {"min_event_id": str(EVENT), "max_wait_ms": 5_000} | more
    if path.startswith("/recommend/group"):
        return await client.post(path, json={"user_ids": ["bob", "ann"]} | asked)
    if path.startswith("/recommend"):
        return await client.post(path, json={"user_id": "ann"} | asked)
    return await client.get(path, params=asked)


def told(answer: httpx.Response) -> tuple[int, str | None, bool | None]:
    """Status, header, and what the state says."""
    return answer.status_code, answer.headers.get(HEADER), answer.json().get("state", {}).get("includes_event")


@pytest.mark.parametrize("path", ["/recommend/user/", *READS])
async def test_an_answer_waits_for_postgres_and_then_for_redis(world: World, client: httpx.AsyncClient, path: str) -> None:
    world.redis.rows["ann"] = row_with(events=2)
    asked = asyncio.create_task(ask(client, path))
    await eventually(lambda: _is(len(world.postgres.asked_for) > 1))
    arrive(world, events=3)
    looks, calls = len(world.postgres.asked_for), world.redis.calls
    await eventually(lambda: _is(world.redis.calls > calls + 1))
    assert not asked.done()
    world.redis.rows["ann"] = row_with(events=3)
    answer = await asked
    assert told(answer) == (200, "true", True)
    assert answer.json()["state"]["events"] == 3
    assert len(world.postgres.asked_for) <= looks + 1


async def _is(value: bool) -> bool:
    return value


@pytest.mark.parametrize("path", ["/recommend/user/", *READS])
async def test_after_the_time_the_answer_says_that_it_does_without(world: World, client: httpx.AsyncClient, path: str) -> None:
    world.redis.rows["ann"] = row_with(events=2)
    assert told(await ask(client, path, max_wait_ms=20)) == (200, "false", False)


@pytest.mark.parametrize("path", ["/recommend/user/", *READS, "/users/ann/history"])
async def test_no_answer_without_a_required_event(world: World, client: httpx.AsyncClient, path: str) -> None:
    world.redis.rows["ann"] = row_with(events=2)
    world.postgres.histories["ann"] = []
    answer = await ask(client, path, max_wait_ms=0, require_event=True)
    assert (answer.status_code, answer.json()["code"]) == (409, "event_not_included")
    assert (answer.headers[HEADER], answer.headers["Retry-After"]) == ("false", "1")


async def test_without_waiting_an_answer_still_looks_once(world: World, client: httpx.AsyncClient) -> None:
    world.redis.rows["ann"] = row_with(events=3)
    arrive(world, events=3)
    assert told(await ask(client, max_wait_ms=0)) == (200, "true", True)


async def test_a_row_of_an_earlier_life_does_not_include_it(world: World, client: httpx.AsyncClient) -> None:
    world.redis.rows["ann"] = row_with(events=9, user_no=1)
    arrive(world, events=1, user_no=2)
    assert told(await ask(client, max_wait_ms=20)) == (200, "false", False)


async def test_a_listener_without_a_row_is_answered_from_postgres(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.states["ann"] = state(1, events=1)
    arrive(world, events=1)
    answer = await ask(client)
    assert told(answer) == (200, "true", True)
    assert answer.json()["state"]["source"] == "postgres"


async def test_redis_away_does_not_keep_the_answer(world: World, client: httpx.AsyncClient) -> None:
    world.redis.away = True
    world.postgres.states["ann"] = state(1, events=1)
    arrive(world, events=1)
    answer = await ask(client)
    assert told(answer) == (200, "true", True)
    assert answer.json()["degraded"] == ["redis"]


async def test_postgres_away_is_said_at_once(world: World, client: httpx.AsyncClient) -> None:
    world.redis.rows["ann"] = row_with(events=3)
    world.postgres.away = True
    answer = await ask(client)
    assert told(answer) == (200, "false", False)
    assert answer.json()["degraded"] == ["postgres"]
    required = await ask(client, require_event=True)
    assert (required.status_code, required.json()["code"]) == (503, "postgres_unavailable")


async def test_a_history_waits_for_postgres_alone(world: World, client: httpx.AsyncClient) -> None:
    world.redis.away = True
    world.postgres.histories["ann"] = []
    asked = asyncio.create_task(ask(client, "/users/ann/history"))
    await eventually(lambda: _is(len(world.postgres.asked_for) > 1))
    arrive(world, events=1)
    answer = await asked
    assert (answer.headers[HEADER], answer.json()["includes_event"]) == ("true", True)


async def test_in_a_group_the_event_may_be_of_any_member(world: World, client: httpx.AsyncClient) -> None:
    world.redis.rows |= {"ann": row_with(events=3), "bob": row_with(events=1, user_no=2)}
    arrive(world, events=3)
    answer = await ask(client, "/recommend/group")
    shown = {member["user_id"]: member["state"].get("includes_event") for member in answer.json()["members"]}
    assert (answer.headers[HEADER], shown) == ("true", {"bob": None, "ann": True})


async def test_somebody_elses_event_is_as_good_as_none(world: World) -> None:
    world.settings = world.settings.model_copy(update={"api_keys_required": True})
    world.redis.rows["ann"] = row_with(events=9)
    key = world.postgres.keys.add("read", "events")
    async with world.serving() as client:
        token = (await client.post("/tokens", json={"user_id": "ann"}, headers=bearer(key))).json()["token"]
        client.headers = httpx.Headers(bearer(token))
        arrive(world, events=1, user_id="bob", user_no=2)
        theirs = await ask(client, max_wait_ms=20)
        world.postgres.arrivals.clear()
        nobodys = await ask(client, max_wait_ms=20)
    assert told(theirs) == told(nobodys) == (200, "false", False)


async def test_a_thousand_who_wait_cost_one_query_a_tick(world: World, client: httpx.AsyncClient) -> None:
    world.redis.rows["ann"] = row_with(events=1)
    wanted = [uuid.UUID(int=number) for number in range(1_000)]
    # As long as may be: a busy machine needs longer than the usual second to take in a thousand.
    questions = (ask(client, "/users/ann/blocks", min_event_id=str(one), max_wait_ms=10_000) for one in wanted)
    asked = [asyncio.create_task(question) for question in questions]
    await eventually(lambda: _is(1_000 in world.postgres.asked_for), 30)
    waiting = world.metrics.registry.get_sample_value("segue_api_event_waits")
    before = len(world.postgres.asked_for)
    world.postgres.arrivals = {one: Arrival("ann", UserNo(1), 1) for one in wanted}
    answers = await asyncio.gather(*asked)
    assert {told(answer) for answer in answers} == {(200, "true", True)}
    assert waiting == 1_000
    assert len(world.postgres.asked_for) <= before + 1
    assert world.metrics.registry.get_sample_value("segue_api_event_waits") == 0
    assert world.metrics.registry.get_sample_value("segue_api_events_awaited_total", {"outcome": "included"}) == 1_000


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"min_event_id": "soon"}, "min_event_id"),
        ({"max_wait_ms": -1}, "max_wait_ms"),
        ({"max_wait_ms": 10_001}, "max_wait_ms"),
        ({"min_event_id": None, "max_wait_ms": 5}, "max_wait_ms"),
        ({"min_event_id": None, "max_wait_ms": None, "require_event": True}, "require_event"),
    ],
)
@pytest.mark.parametrize("path", ["/recommend/user/", "/users/ann/taste"])
async def test_what_makes_no_sense_is_refused(client: httpx.AsyncClient, path: str, wrong: dict[str, Any], field: str) -> None:
    asked: dict[str, Any] = {"min_event_id": str(EVENT), "max_wait_ms": 5_000} | wrong
    given = {name: value for name, value in asked.items() if value is not None}
    if path.startswith("/recommend"):
        answer = await client.post(path, json={"user_id": "ann", **given})
    else:
        answer = await client.get(path, params=given)
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])


async def test_without_an_event_an_answer_says_nothing_of_it(world: World, client: httpx.AsyncClient) -> None:
    world.redis.rows["ann"] = row_with(events=1)
    answer = await client.get("/users/ann/taste")
    assert HEADER not in answer.headers
    assert "includes_event" not in answer.json()["state"]
    assert world.postgres.asked_for == []
