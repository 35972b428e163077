"""Recommendations: what is answered, what is left out, what is refused."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import httpx
import pytest

from segue.ids import UserNo
from segue.stores.postgres.users import User
from tests.unit.api.conftest import World, eventually, ids
from tests.unit.api.made import JAZZ, row, state, track

pytestmark = pytest.mark.anyio

JAZZ_IDS = {t.track_id for t in JAZZ}


async def recommend(client: httpx.AsyncClient, **question: object) -> httpx.Response:
    return await client.post("/recommend/user/", json={"user_id": "ann", **question})


async def test_a_listener_gets_what_fits_the_live_row(world: World, client: httpx.AsyncClient) -> None:
    world.redis.rows["ann"] = row(1, 2, 3, 4)
    answer = await recommend(client, n=4)
    assert answer.status_code == 200
    assert set(ids(answer)) == {"t5", "t6", "t7", "t8"}


async def test_an_answer_says_where_it_comes_from(world: World, client: httpx.AsyncClient) -> None:
    world.redis.rows["ann"] = row(1, 2)
    answer = (await recommend(client)).json()
    assert uuid.UUID(answer["rec_id"]).version == 7
    assert (answer["user_id"], answer["model_version"], answer["degraded"]) == ("ann", "v1", [])
    assert (answer["state"]["events"], answer["state"]["source"]) == (2, "redis")
    assert 0 <= answer["state"]["age_ms"] < 60_000


async def test_each_item_says_why(world: World, client: httpx.AsyncClient) -> None:
    world.redis.rows["ann"] = row(1)
    item = (await recommend(client, n=1)).json()["items"][0]
    assert item["reason"]["seed_track_id"] == "t1"
    assert "Song b by Artist 1" in item["reason"]["text"]
    assert item["sources"]
    assert item["name"].startswith("Song")


async def test_the_next_answer_knows_the_newest_event(world: World, client: httpx.AsyncClient) -> None:
    world.redis.rows["ann"] = row(1, 2)
    assert set(ids(await recommend(client, n=3))) <= JAZZ_IDS
    world.redis.rows["ann"] = row(9, 10, 11, 12)
    assert set(ids(await recommend(client, n=4))) == {"t13", "t14", "t15", "t16"}


async def test_the_route_answers_without_its_trailing_slash_too(client: httpx.AsyncClient) -> None:
    assert (await client.post("/recommend/user", json={"user_id": "ann"})).status_code == 200


async def test_ten_is_the_default_and_a_hundred_gets_all_there_are(client: httpx.AsyncClient) -> None:
    assert len(ids(await recommend(client))) == 10
    assert len(ids(await recommend(client, n=100))) == 16


async def test_excluded_tracks_are_left_out_and_unknown_ones_ignored(client: httpx.AsyncClient) -> None:
    found = ids(await recommend(client, n=100, exclude=["t1", "t16", "never-heard-of"]))
    assert len(found) == 14
    assert not {"t1", "t16"} & set(found)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"genres": ["rock"], "year_max": 1991}, {"t9", "t10", "t11"}),
        ({"genres": ["ROCK"], "year_min": 1995}, {"t15", "t16"}),
        ({"moods": ["happy"], "popularity_min": 90}, {"t9", "t10"}),
        ({"popularity_max": 85}, {"t15", "t16"}),
        ({"explicit": True}, set()),
    ],
)
async def test_filters_hold(client: httpx.AsyncClient, filters: dict[str, object], expected: set[str]) -> None:
    assert set(ids(await recommend(client, n=100, filters=filters))) == expected


async def test_an_unknown_listener_gets_what_is_popular(client: httpx.AsyncClient) -> None:
    answer = await recommend(client, user_id="nobody")
    assert answer.status_code == 200
    assert answer.json()["state"] == {"events": 0, "last_event_at": None, "age_ms": None, "source": "none"}
    assert answer.json()["items"][0]["reason"] == {"code": "popular_now", "text": "Popular right now", "seed_track_id": None}


async def test_liked_genres_of_the_request_lead_for_a_newcomer(client: httpx.AsyncClient) -> None:
    assert not JAZZ_IDS & set(ids(await recommend(client, n=4, genres=["rock"])))
    assert set(ids(await recommend(client, n=4, genres=["jazz"]))) <= JAZZ_IDS


async def test_chosen_genres_of_the_profile_lead_for_a_newcomer(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.users["ann"] = User(UserNo(1), "ann", None, ("rock",), 0, None, datetime(2026, 1, 1, tzinfo=UTC))
    assert not JAZZ_IDS & set(ids(await recommend(client, n=4)))


async def test_a_missing_row_is_read_from_postgres_and_put_back(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.states["ann"] = state(1, 2, 3, 4)
    answer = await recommend(client, n=4)
    assert set(ids(answer)) == {"t5", "t6", "t7", "t8"}
    assert answer.json()["state"]["source"] == "postgres"
    assert answer.json()["degraded"] == []

    async def filled() -> bool:
        return "ann" in world.redis.rows

    await eventually(filled)
    assert (await recommend(client)).json()["state"]["source"] == "redis"


@pytest.mark.parametrize("n", [0, -1, 101, 10**30, 2.5, True, "5", None])
async def test_n_must_be_a_whole_number_up_to_a_hundred(client: httpx.AsyncClient, n: object) -> None:
    answer = await recommend(client, n=n)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [error["field"] for error in answer.json()["errors"]] == ["n"]


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"user_id": ""}, "user_id"),
        ({"user_id": "x" * 129}, "user_id"),
        ({"user_id": "a\nb"}, "user_id"),
        ({"user_id": 7}, "user_id"),
        ({"excluded": []}, "excluded"),
        ({"exclude": "t1"}, "exclude"),
        ({"exclude": [1]}, "exclude.0"),
        ({"filters": {"genre": ["rock"]}}, "filters.genre"),
        ({"filters": {"moods": ["grumpy"]}}, "filters.moods.0"),
        ({"filters": {"year_min": "1990"}}, "filters.year_min"),
        ({"filters": {"explicit": 1}}, "filters.explicit"),
        ({"filters": {"popularity_min": 101}}, "filters.popularity_min"),
        ({"filters": {"genres": ["polka"]}}, "filters.genres"),
        ({"genres": ["polka"]}, "genres"),
    ],
)
async def test_a_wrong_field_is_named(client: httpx.AsyncClient, question: dict[str, object], field: str) -> None:
    answer = await recommend(client, **question)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_every_wrong_field_is_named_at_once(client: httpx.AsyncClient) -> None:
    errors = (await recommend(client, n=0, exclude=3)).json()["errors"]
    assert {error["field"] for error in errors} == {"n", "exclude"}


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_json"),
        (b"", "application/json", 400, "malformed_json"),
        (b"[" * 9_000, "application/json", 400, "json_too_deep"),
        (b'{"a":' * 1_500 + b"1" + b"}" * 1_500, "application/json", 400, "json_too_deep"),
        (b'{"user_id": "ann", "n": 1' + b"0" * 5_000 + b"}", "application/json", 400, "malformed_json"),
        (b'"ann"', "application/json", 422, "invalid_request"),
        (b" " * 10_001, "application/json", 413, "body_too_large"),
        (b'{"user_id": "ann"}', "text/plain", 415, "unsupported_media_type"),
    ],
)
async def test_bodies_that_cannot_be_read(
    client: httpx.AsyncClient, body: bytes, content_type: str, status: int, code: str
) -> None:
    answer = await client.post("/recommend/user/", content=body, headers={"content-type": content_type})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_an_unknown_genre_is_answered_with_known_ones(client: httpx.AsyncClient) -> None:
    reason = (await recommend(client, filters={"genres": ["polka"]})).json()["errors"][0]["reason"]
    assert reason == "no track has genre 'polka'; known are jazz, rock, …"


async def test_songs_like_a_song(client: httpx.AsyncClient) -> None:
    answer = await client.get("/recommend/song/t1", params={"n": 4})
    assert answer.status_code == 200
    assert set(ids(answer)) <= JAZZ_IDS - {"t1"}
    assert (answer.json()["track_id"], answer.json()["model_version"]) == ("t1", "v1")
    assert {item["reason"]["seed_track_id"] for item in answer.json()["items"]} == {"t1"}


async def test_songs_like_a_song_of_another_genre_and_mood(client: httpx.AsyncClient) -> None:
    answer = await client.get("/recommend/song/t1", params={"n": 100, "genre": "rock", "mood": ["happy", "sad"]})
    assert set(ids(answer)) == {f"t{number}" for number in range(9, 17)}


@pytest.mark.parametrize("query", ["n=0", "n=101", "n=x", "n=true", "mood=grumpy", "genre=polka"])
async def test_wrong_queries_are_refused(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/recommend/song/t1?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert {error["field"].partition(".")[0] for error in answer.json()["errors"]} == {query.partition("=")[0]}


async def test_an_unknown_song_is_not_found(client: httpx.AsyncClient) -> None:
    answer = await client.get("/recommend/song/t99")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_track_published_after_training_is_recommended_and_has_neighbours(
    world: World, client: httpx.AsyncClient
) -> None:
    world.redis.rows["ann"] = row(1, 2, 3, 4, 5, 6, 7, 8)
    world.postgres.add(track(20, "jazz"))

    async def recommended() -> bool:
        return "t20" in ids(await recommend(client, n=100))

    await eventually(recommended)
    assert set(ids(await client.get("/recommend/song/t20", params={"n": 3}))) <= JAZZ_IDS


async def test_a_deleted_track_vanishes(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.delete(JAZZ[0])

    async def vanished() -> bool:
        return (await client.get("/tracks/t1")).status_code == 404

    await eventually(vanished)
    assert "t1" not in ids(await recommend(client, n=100))
    assert (await client.get("/recommend/song/t1")).status_code == 404
