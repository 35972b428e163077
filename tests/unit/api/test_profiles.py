"""Profiles over the API: what is published and seen of one, what is refused, and what becomes of somebody who was deleted."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from segue.events import UserRecord
from segue.topics import USERS
from tests.unit.api.access.conftest import bearer
from tests.unit.api.conftest import World

pytestmark = pytest.mark.anyio


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_profile_is_a_record_in_kafka_and_is_seen_when_it_is_answered(world: World, client: httpx.AsyncClient) -> None:
    put = await client.put("/users/ann", json={"display_name": "  Ann Öz ", "genres": ["Jazz", "rock"]})
    assert put.status_code == 200
    assert put.json() == {
        "user_id": "ann", "display_name": "Ann Öz", "genres": ["Jazz", "rock"], "applied": True,
        "created_at": "2026-01-01T00:00:00Z", "returned_at": None, "notes": [],
    }  # fmt: skip
    assert world.kafka.records == [(USERS, "ann", UserRecord(user_id="ann", display_name="Ann Öz", genres=("Jazz", "rock")))]
    read = (await client.get("/users/ann")).json()
    assert (read["display_name"], read["genres"]) == ("Ann Öz", ["Jazz", "rock"])


async def test_a_profile_is_replaced_as_a_whole(client: httpx.AsyncClient) -> None:
    await client.put("/users/ann", json={"display_name": "Ann", "genres": ["jazz"]})
    await client.put("/users/ann", json={"genres": ["rock"]})
    read = (await client.get("/users/ann")).json()
    assert (read["display_name"], read["genres"]) == (None, ["rock"])


async def test_its_genres_lead_the_first_answer(client: httpx.AsyncClient) -> None:
    await client.put("/users/ann", json={"genres": ["rock"]})
    answer = (await client.post("/recommend/user/", json={"user_id": "ann", "n": 3})).json()
    assert [item["reason"]["code"] for item in answer["items"]] == ["popular_in_genre"] * 3


async def test_genres_that_no_track_has_are_kept_and_told(client: httpx.AsyncClient) -> None:
    put = (await client.put("/users/ann", json={"genres": ["jazz", "yodel"]})).json()
    assert put["genres"] == ["jazz", "yodel"]
    assert put["notes"] == [{"code": "unknown_genres", "text": "Kept: 1 genres that no track has", "fields": ["genres.1"]}]


@pytest.mark.parametrize(
    ("profile", "field"),
    [
        ({"display_name": " "}, "display_name"),
        ({"display_name": "a\nb"}, "display_name"),
        ({"display_name": "a\u0000"}, "display_name"),
        ({"display_name": "x" * 201}, "display_name"),
        ({"display_name": 7}, "display_name"),
        ({"genres": ["g"] * 51}, "genres"),
        ({"genres": [""]}, "genres.0"),
        ({"genres": ["jazz", "x" * 201]}, "genres.1"),
        ({"genres": "jazz"}, "genres"),
        ({"user_id": "bob"}, "user_id"),
    ],
)
async def test_what_a_profile_cannot_be(world: World, client: httpx.AsyncClient, profile: dict[str, Any], field: str) -> None:
    refused = await client.put("/users/ann", json=profile)
    assert problem(refused) == (422, "invalid_request")
    assert [error["field"] for error in refused.json()["errors"]] == [field]
    assert world.kafka.records == []


async def test_a_lone_surrogate_is_refused_before_it_is_in_the_log(world: World, client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    refused = await client.put("/users/ann", content=rb'{"display_name": "\ud800"}', headers=headers)
    assert refused.status_code in (400, 422)
    assert world.kafka.records == []


async def test_an_id_that_no_event_could_have_is_refused(world: World, client: httpx.AsyncClient) -> None:
    assert problem(await client.put("/users/%20ann", json={})) == (422, "invalid_id")
    assert world.kafka.records == []


async def test_who_was_deleted_comes_back_with_a_new_beginning(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.deleted.add("ann")
    put = (await client.put("/users/ann", json={"display_name": "Ann"})).json()
    assert (put["applied"], put["returned_at"]) == (True, "2026-01-01T00:00:00Z")


async def test_a_deletion_a_moment_later_is_told(world: World, client: httpx.AsyncClient) -> None:
    world.kafka.then[USERS] = [(USERS, "ann", None)]
    assert problem(await client.put("/users/ann", json={"display_name": "Ann"})) == (409, "user_deleted")
    assert (await client.get("/users/ann")).status_code == 404


@pytest.mark.parametrize("missing", ["processors", "postgres"])
async def test_a_profile_that_is_not_seen_yet_is_stored_all_the_same(
    world: World, client: httpx.AsyncClient, missing: str
) -> None:
    world.postgres.stopped, world.postgres.away = missing == "processors", missing == "postgres"
    put = await client.put("/users/ann", json={"display_name": "Ann"})
    assert (put.status_code, put.json()["applied"], put.json()["created_at"]) == (202, False, None)
    assert world.kafka.records == [(USERS, "ann", UserRecord(user_id="ann", display_name="Ann"))]


async def test_without_kafka_nothing_is_promised(world: World, client: httpx.AsyncClient) -> None:
    world.kafka.away = True
    assert problem(await client.put("/users/ann", json={})) == (503, "kafka_unavailable")


async def test_listeners_put_their_own_profile_and_programs_any(world: World) -> None:
    world.settings = world.settings.model_copy(update={"api_keys_required": True})
    program, reader = world.postgres.keys.add("read", "events"), world.postgres.keys.add("read")
    async with world.serving() as client:
        token = (await client.post("/tokens", json={"user_id": "ann"}, headers=bearer(program))).json()["token"]
        statuses = [
            (await client.put(f"/users/{user_id}", json={}, headers=bearer(credential))).status_code
            for user_id, credential in [("ann", token), ("bob", token), ("bob", program), ("bob", reader)]
        ]
    assert statuses == [200, 403, 200, 403]
