"""What is answered while a server is away: docs/guide/degraded.md, line by line."""

from __future__ import annotations

import httpx
import pytest

from tests.unit.api.conftest import World, empty_world, eventually, ids
from tests.unit.api.made import CATALOGUE, JAZZ, row, state

pytestmark = pytest.mark.anyio


async def recommend(client: httpx.AsyncClient, **question: object) -> httpx.Response:
    return await client.post("/recommend/user/", json={"user_id": "ann", **question})


async def test_without_redis_the_history_comes_from_postgres(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.states["ann"] = state(1, 2, 3, 4)
    world.redis.away = True
    answer = await recommend(client, n=4)
    assert set(ids(answer)) == {"t5", "t6", "t7", "t8"}
    assert (answer.json()["degraded"], answer.json()["state"]["source"]) == (["redis"], "postgres")


async def test_without_postgres_rows_are_enough(world: World, client: httpx.AsyncClient) -> None:
    world.redis.rows["ann"] = row(1, 2, 3, 4)
    world.postgres.away = True
    answer = await recommend(client, n=4)
    assert set(ids(answer)) == {"t5", "t6", "t7", "t8"}
    assert answer.json()["degraded"] == []


async def test_without_postgres_a_missing_row_is_answered_by_popularity(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.away = True
    answer = await recommend(client)
    assert (answer.status_code, answer.json()["degraded"], answer.json()["state"]["source"]) == (200, ["postgres"], "none")
    assert len(ids(answer)) == 10


async def test_without_both_the_answer_is_what_is_popular(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.away = world.redis.away = True
    answer = await recommend(client)
    assert (answer.status_code, answer.json()["degraded"]) == (200, ["redis", "postgres"])
    assert answer.json()["items"][0]["reason"]["code"] == "popular_now"


async def test_without_postgres_tracks_are_served_from_memory(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.away = True
    assert (await client.get("/tracks/t1")).json()["name"] == "Song b"
    found = await client.get("/tracks/search", params={"q": "ARTIST song"})
    assert ids(found)[:2] == ["t1", "t2"]


async def test_without_postgres_a_user_is_shown_from_the_live_row(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.away = True
    world.redis.rows["ann"] = row(1)
    body = (await client.get("/users/ann")).json()
    assert (body["degraded"], body["display_name"], [top["track_id"] for top in body["top_tracks"]]) == (
        ["postgres"],
        None,
        ["t1"],
    )
    missing = await client.get("/users/bob")
    assert (missing.status_code, missing.json()["code"], missing.headers["retry-after"]) == (503, "postgres_unavailable", "5")


async def test_an_outage_is_not_paid_for_by_each_request(world: World, client: httpx.AsyncClient) -> None:
    world.redis.away = True
    for _ in range(5):
        await recommend(client)
    assert world.redis.calls == 1


async def test_a_server_that_is_back_is_used_again(world: World, client: httpx.AsyncClient) -> None:
    world.redis.rows["ann"] = row(1)
    world.redis.away = True
    assert (await recommend(client)).json()["degraded"] == ["redis"]
    world.redis.away = False
    world.now_s += 1.0
    assert (await recommend(client)).json()["state"]["source"] == "redis"


async def test_without_a_model_the_catalogue_is_ranked_by_popularity() -> None:
    world = empty_world(CATALOGUE)
    world.redis.rows["ann"] = row(1, 3)
    async with world.serving() as client:
        answer = await recommend(client, n=3)
        assert ids(answer) == ["t2", "t4", "t5"]
        assert (answer.json()["model_version"], answer.json()["degraded"]) == (None, ["model"])
        assert ids(await recommend(client, n=2, genres=["rock"])) == ["t9", "t10"]
        filters = {"genres": ["rock"], "moods": ["happy"], "year_min": 1991, "explicit": False, "popularity_max": 88}
        assert ids(await recommend(client, n=2, filters=filters, exclude=["t13"])) == ["t12", "t14"]
        assert ids(await client.get("/recommend/song/t9", params={"n": 2})) == ["t10", "t11"]
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["degraded"]) == (200, ["model"])


async def test_without_a_model_what_is_heard_now_leads() -> None:
    world = empty_world(CATALOGUE)
    world.counts.now = {"24h": {7: 30, 12: 40, 99: 50}, "1h": {12: 3}}
    async with world.serving() as client:

        async def counted() -> bool:
            windows = [await client.get("/trending", params={"window": window}) for window in ("1h", "24h")]
            return all(answer.status_code == 200 for answer in windows)

        await eventually(counted)
        answer = await recommend(client, n=4)
        assert ids(answer) == ["t12", "t7", "t1", "t2"]
        scores = [item["score"] for item in answer.json()["items"]]
        assert scores == sorted(scores, reverse=True)
        assert ids(await recommend(client, n=2, genres=["jazz"])) == ["t7", "t1"]
        assert ids(await recommend(client, n=3, exclude=["t12"], filters={"genres": ["rock"]})) == ["t9", "t10", "t11"]


async def test_an_empty_catalogue_says_what_to_do() -> None:
    async with empty_world().serving() as client:
        for answer in (await recommend(client), await client.get("/recommend/song/t1")):
            assert (answer.status_code, answer.json()["code"]) == (503, "empty_catalogue")
            assert "segue ingest catalogue" in answer.json()["detail"]
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200


async def test_the_api_starts_without_postgres_and_catches_up() -> None:
    world = empty_world(CATALOGUE)
    world.postgres.promoted = "v1"
    world.postgres.away = True
    async with world.serving() as client:
        answer = await recommend(client)
        assert (answer.status_code, answer.json()["code"]) == (503, "empty_catalogue")
        assert "connection refused" in answer.json()["detail"]
        world.postgres.away = False

        async def caught_up() -> bool:
            ready = (await client.get("/readyz")).json()
            return bool(
                ready["dependencies"]["model"].get("version") == "v1" and ready["dependencies"]["catalogue"]["tracks"] == 16
            )

        await eventually(caught_up)
        assert (await recommend(client)).json()["model_version"] == "v1"


async def test_readiness_names_what_is_away(world: World, client: httpx.AsyncClient) -> None:
    world.redis.away = world.kafka.away = True
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["status"], answer.json()["degraded"]) == (200, "degraded", ["redis", "kafka"])
    assert answer.json()["dependencies"]["kafka"] == {"status": "unavailable", "reason": "no Kafka broker answers"}


async def test_degraded_answers_are_counted(world: World, client: httpx.AsyncClient) -> None:
    world.redis.away = True
    await recommend(client)
    assert 'segue_api_degraded_total{service="redis"} 1.0' in (await client.get("/metrics")).text


async def test_a_deletion_is_honoured_without_a_model() -> None:
    world = empty_world(CATALOGUE)
    async with world.serving() as client:
        world.postgres.delete(JAZZ[0])

        async def vanished() -> bool:
            return "t1" not in ids(await recommend(client, n=100))

        await eventually(vanished)
