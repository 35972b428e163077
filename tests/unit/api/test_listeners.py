"""A listener's history, taste and playlists."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from segue.events import ListeningType
from segue.stores.postgres.history import PastEvent
from segue.stores.postgres.playlists import Playlist
from tests.unit.api.conftest import World
from tests.unit.api.made import row

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 1, tzinfo=UTC)


def past(number: int, kind: ListeningType = "play", track_id: str = "t1", seconds: int | None = None) -> PastEvent:
    at = START + timedelta(seconds=number if seconds is None else seconds)
    return PastEvent(uuid.UUID(int=number), kind, track_id, at, 1_000, None, None, None, "test")


async def pages(client: httpx.AsyncClient, path: str, **params: object) -> AsyncIterator[list[str]]:
    cursor: str | None = None
    while True:
        answer = await client.get(path, params={**params, **({"cursor": cursor} if cursor else {})})  # type: ignore[dict-item]
        assert answer.status_code == 200, answer.text
        yield [item.get("event_id") or item["playlist_id"] for item in answer.json()["items"]]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return


async def test_a_history_newest_first_with_names_where_they_are_known(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.histories["ann"] = [past(1), past(2, "skip", "unheard-of"), past(3, "impression")]
    items = (await client.get("/users/ann/history")).json()["items"]
    assert [(item["type"], item["track_id"], item["name"], item["artists"]) for item in items] == [
        ("skip", "unheard-of", None, []),
        ("play", "t1", "Song b", ["Artist 1"]),
    ]
    assert items[1]["occurred_at"] == "2026-11-01T00:00:01Z"


async def test_types_of_a_history(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.histories["ann"] = [past(1), past(2, "like"), past(3, "impression"), past(4, "skip")]
    answer = await client.get("/users/ann/history", params={"type": ["like", "impression"]})
    assert [item["type"] for item in answer.json()["items"]] == ["impression", "like"]


async def test_pages_stand_still_while_events_arrive(world: World, client: httpx.AsyncClient) -> None:
    # Three at the same second each, so that time alone would not tell them apart.
    events = [past(number, seconds=number // 3) for number in range(1, 21)]
    world.postgres.histories["ann"] = list(events)
    seen: list[str] = []
    async for page in pages(client, "/users/ann/history", limit=6):
        seen += page
        world.postgres.histories["ann"] += [past(100 + len(seen)), past(200 + len(seen), seconds=1_000)]
    assert seen == [str(event.event_id) for event in reversed(events)]


async def test_nobody_has_no_history(world: World, client: httpx.AsyncClient) -> None:
    assert (await client.get("/users/nobody/history")).status_code == 404
    world.postgres.histories["ann"] = []
    assert (await client.get("/users/ann/history")).json() == {"user_id": "ann", "items": [], "next_cursor": None}


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "type=hum", "cursor=bm9uZQ", "cursor=eyJhIjoxfQ"])
async def test_a_wrong_question_about_a_history(world: World, client: httpx.AsyncClient, query: str) -> None:
    world.postgres.histories["ann"] = []
    assert (await client.get(f"/users/ann/history?{query}")).status_code == 422


async def test_a_history_needs_postgres(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.away = True
    answer = await client.get("/users/ann/history")
    assert (answer.status_code, answer.json()["code"]) == (503, "postgres_unavailable")


async def test_a_taste_is_shares_of_what_is_liked(world: World, client: httpx.AsyncClient) -> None:
    world.redis.rows["ann"] = row(1, 2, 3, 9, 999)
    body = (await client.get("/users/ann/taste", params={"top": 2})).json()
    taste = body["taste"]
    assert (taste["tracks"], taste["plays"], taste["skips"], taste["liked"], taste["disliked"]) == (5, 5, 0, 0, 0)
    assert taste["genres"] == [{"name": "jazz", "share": 0.75}, {"name": "rock", "share": 0.25}]
    assert taste["moods"] == [{"name": "sad", "share": 0.75}, {"name": "happy", "share": 0.25}]
    assert taste["eras"] == [{"decade": 1980, "share": 1.0}]
    assert [one["name"] for one in taste["artists"]] == ["Artist 1", "Artist 2"]
    assert taste["audio"]["valence"] == {"mean": pytest.approx(0.425), "deviation": pytest.approx(0.2165)}
    assert body["state"]["source"] == "redis"


async def test_a_taste_of_nobody_is_none(client: httpx.AsyncClient) -> None:
    body = (await client.get("/users/nobody/taste")).json()
    assert (body["taste"], body["state"]["source"]) == (None, "none")


async def test_what_is_disliked_is_no_taste(world: World, client: httpx.AsyncClient) -> None:
    disliked = row(1, 9)
    cells = disliked.cells.copy()
    cells["stance"] = [-1, 1]
    world.redis.rows["ann"] = replace(disliked, cells=cells)
    taste = (await client.get("/users/ann/taste")).json()["taste"]
    assert (taste["liked"], taste["disliked"], [one["name"] for one in taste["genres"]]) == (1, 1, ["rock"])


async def test_playlists_of_a_listener(world: World, client: httpx.AsyncClient) -> None:
    for number in range(1, 6):
        owner = "ann" if number != 3 else "bob"
        world.postgres.playlists[f"p{number}"] = Playlist(
            number, f"p{number}", f"List {number}", owner, "test", START, ("t1",) * number
        )
    assert [page async for page in pages(client, "/users/ann/playlists", limit=2)] == [["p1", "p2"], ["p4", "p5"]]
    first = (await client.get("/users/ann/playlists")).json()["items"][0]
    assert (first["name"], first["tracks"], first["source"]) == ("List 1", 1, "test")
