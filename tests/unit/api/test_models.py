"""Genres, moods, and the registry of models."""

from __future__ import annotations

import httpx
import pytest

from tests.unit.api.conftest import World, eventually
from tests.unit.api.made import track

pytestmark = pytest.mark.anyio


async def test_genres_and_moods_are_counted(world: World, client: httpx.AsyncClient) -> None:
    genres = await client.get("/genres")
    assert genres.json() == {"tracks": 16, "items": [{"name": "jazz", "tracks": 8}, {"name": "rock", "tracks": 8}]}
    assert (await client.get("/moods")).json()["items"] == [{"name": "happy", "tracks": 8}, {"name": "sad", "tracks": 8}]
    assert (await client.get("/genres", headers={"if-none-match": genres.headers["etag"]})).status_code == 304
    assert len((await client.get("/genres", params={"limit": 1})).json()["items"]) == 1
    assert (await client.get("/genres", params={"limit": 0})).status_code == 422


async def test_counts_follow_the_catalogue(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.add(track(20, "Pop", features=None))
    world.postgres.delete(track(9, "rock"))
    expected = [{"name": "jazz", "tracks": 8}, {"name": "rock", "tracks": 7}, {"name": "pop", "tracks": 1}]

    async def counted() -> bool:
        return bool((await client.get("/genres")).json()["items"] == expected)

    await eventually(counted)
    assert (await client.get("/moods")).json()["items"] == [{"name": "sad", "tracks": 8}, {"name": "happy", "tracks": 7}]


async def test_the_registry_tells_what_answers(client: httpx.AsyncClient) -> None:
    body = (await client.get("/models")).json()
    assert (body["champion"], body["serving"]) == ("v1", "v1")
    assert [(m["version"], m["verdict"], m["champion"], m["serving"]) for m in body["items"]] == [
        ("v2", "kept", False, False),
        ("v1", "promoted", True, True),
    ]
    one = (await client.get("/models/v2")).json()
    assert (one["parameters"], one["metrics"]) == ({"factors": 4}, {"blend": {"ndcg@20": 0.1}})
    assert "files" not in one


async def test_a_promotion_is_served_and_taken_back(client: httpx.AsyncClient) -> None:
    assert (await client.post("/models/v2/promote")).json()["champion"] == "v2"

    async def serves(version: str) -> bool:
        return bool((await client.get("/models")).json()["serving"] == version)

    await eventually(lambda: serves("v2"))
    body = (await client.post("/models/rollback")).json()
    assert (body["champion"], body["items"][0]["verdict"]) == ("v1", "retired")
    await eventually(lambda: serves("v1"))


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/models/v9"), ("POST", "/models/v9/promote"), ("POST", "/models/rollback")]
)
async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_the_registry_needs_postgres(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.away = True
    assert (await client.get("/models")).status_code == 503
