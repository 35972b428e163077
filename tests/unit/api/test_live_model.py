"""Swapping models while requests are answered."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.unit.api.conftest import World, eventually, ids
from tests.unit.api.made import row, track

pytestmark = pytest.mark.anyio


def version_of(answer: httpx.Response) -> str:
    return str(answer.json()["model_version"])


async def version(client: httpx.AsyncClient) -> str:
    return version_of(await client.post("/recommend/user/", json={"user_id": "ann"}))


async def test_a_promoted_model_is_picked_up_without_a_failed_request(world: World, client: httpx.AsyncClient) -> None:
    world.redis.rows["ann"] = row(1, 2)
    statuses: list[int] = []
    versions: list[str] = []

    async def ask_until_new() -> None:
        while not versions or versions[-1] != "v2":
            answer = await client.post("/recommend/user/", json={"user_id": "ann"})
            statuses.append(answer.status_code)
            versions.append(answer.json()["model_version"])

    asking = asyncio.gather(*(ask_until_new() for _ in range(4)))
    world.postgres.promoted = "v2"
    await asyncio.wait_for(asking, 5.0)
    assert set(statuses) == {200}
    assert set(versions) == {"v1", "v2"}


async def test_a_rollback_is_followed(world: World, client: httpx.AsyncClient) -> None:
    for promoted in ("v2", "v1"):
        world.postgres.promoted = promoted

        async def followed(wanted: str = promoted) -> bool:
            return await version(client) == wanted

        await eventually(followed)


async def test_a_corrupt_snapshot_leaves_the_old_model_and_is_told(world: World, client: httpx.AsyncClient) -> None:
    world.snapshots.corrupt = {"v2"}
    world.postgres.promoted = "v2"

    async def told() -> bool:
        return "model" in (await client.get("/readyz")).json()["degraded"]

    await eventually(told)
    ready = await client.get("/readyz")
    assert ready.status_code == 200
    assert "item_factors.npy changed" in ready.json()["dependencies"]["model"]["reason"]
    assert ready.json()["dependencies"]["model"]["version"] == "v1"
    assert await version(client) == "v1"
    assert "segue_api_model_load_failures_total 1.0" in (await client.get("/metrics")).text


async def test_a_corrupt_snapshot_is_not_read_over_and_over(world: World, client: httpx.AsyncClient) -> None:
    world.snapshots.corrupt = {"v2"}
    world.postgres.promoted = "v2"

    async def looked_often() -> bool:
        return "v2" in world.snapshots.loads and world.postgres.calls > calls + 20

    calls = world.postgres.calls
    await eventually(looked_often)
    assert world.snapshots.loads.count("v2") == 1


async def test_the_next_good_model_ends_the_trouble(world: World, client: httpx.AsyncClient) -> None:
    world.snapshots.corrupt = {"v2"}
    world.postgres.promoted = "v2"

    async def tried() -> bool:
        return "v2" in world.snapshots.loads

    await eventually(tried)
    world.postgres.promoted = "v3"

    async def mended() -> bool:
        return bool((await client.get("/readyz")).json()["degraded"] == [])

    await eventually(mended)
    assert await version(client) == "v3"


async def test_a_new_model_knows_tracks_that_came_before_it(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.add(track(20, "rock"))
    world.postgres.promoted = "v2"

    async def both() -> bool:
        response = await client.post("/recommend/user/", json={"user_id": "ann", "n": 100})
        return version_of(response) == "v2" and "t20" in ids(response)

    await eventually(both)
