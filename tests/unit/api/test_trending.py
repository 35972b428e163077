"""Charts over HTTP: who stands in them, what is told with them, and what happens while Postgres is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from segue.listeners import Blocks
from tests.unit.api.access.conftest import bearer
from tests.unit.api.conftest import World, empty_world, eventually, ids
from tests.unit.api.fakes import FakePostgres
from tests.unit.api.made import JAZZ, ROCK, row

pytestmark = pytest.mark.anyio


@pytest.fixture
def world(world: World) -> World:
    """t9 (rock) is heard most, t2 (jazz) more than usual; tracks 1 to 10 are heard within a day."""
    listeners = {number: number for number in range(1, 11)} | {2: 8, 9: 90}
    world.counts.now = {"24h": listeners, "1h": {3: 5}}
    world.counts.before = {"24h": {number: 7 * number for number in range(3, 9)} | {9: 800}}
    return world


async def settled(client: httpx.AsyncClient) -> None:
    """Everything has been counted: of the long spans, 30 days come last."""

    async def counted() -> bool:
        answers = [await client.get("/trending", params={"window": window}) for window in ("1h", "24h", "30d")]
        return all(answer.status_code == 200 for answer in answers)

    await eventually(counted)


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with world.serving() as opened:
        await settled(opened)
        yield opened


async def chart(client: httpx.AsyncClient, **asked: Any) -> httpx.Response:
    return await client.get("/trending", params=asked)


async def test_the_most_heard_come_first_with_what_was_counted(client: httpx.AsyncClient) -> None:
    answer = await chart(client, limit=3)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["window"], body["order"], body["degraded"], body["notes"]) == ("24h", "top", [], [])
    assert ids(answer) == ["t9", "t10", "t2"]
    first = body["items"][0]
    assert (first["place"], first["name"], first["listeners"], first["score"]) == (1, "Song j", 90, 90.0)
    assert (first["genres"], first["mood"]) == (["rock"], "happy")


async def test_what_rises_is_heard_more_than_usual(client: httpx.AsyncClient) -> None:
    items = (await chart(client, order="rising")).json()["items"]
    assert [item["track_id"] for item in items] == ["t10", "t2"]
    assert all(item["growth"] > item["score"] > 1 for item in items)


async def test_a_chart_has_an_age_and_a_tag(client: httpx.AsyncClient) -> None:
    answer = await chart(client)
    assert 0 <= int(answer.headers["age"]) < 60
    again = await client.get("/trending", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_genres_and_moods_narrow_a_chart_and_places_stay(client: httpx.AsyncClient) -> None:
    rock = (await chart(client, genre="ROCK")).json()["items"]
    assert [(item["place"], item["track_id"]) for item in rock] == [(1, "t9"), (2, "t10")]
    assert ids(await chart(client, genre=["rock", "jazz"], mood="sad", limit=2)) == ["t2", "t8"]
    none = (await chart(client, genre="rock", mood="sad")).json()
    assert (none["items"], [note["code"] for note in none["notes"]]) == ([], ["filters_match_nothing"])


async def test_one_version_of_a_song(world: World) -> None:
    remaster = replace(ROCK[0], track_no=JAZZ[2].track_no, track_id="t3", name=f"{ROCK[0].name} - Remastered 2011")
    world.postgres.add(remaster)
    async with world.serving() as client:
        await settled(client)
        assert "t3" not in ids(await chart(client))
        assert ids(await chart(client, window="1h")) == ["t3"]


async def test_blocks_of_the_asking_listener_are_left_out(world: World, client: httpx.AsyncClient) -> None:
    blocks = Blocks(tracks={JAZZ[1].track_no: 0}, artists={"artist 9": 0})
    world.redis.rows["ann"] = replace(row(1), blocks=blocks)
    left = ids(await chart(client, user_id="ann"))
    assert set(ids(await chart(client))) - set(left) == {"t2", "t9"}
    assert ids(await chart(client, user_id="bob")) == ids(await chart(client))


async def test_a_token_asks_for_its_own_listener_only(world: World) -> None:
    world.settings = world.settings.model_copy(update={"api_keys_required": True})
    key = world.postgres.keys.add("read", "events")
    async with world.serving() as client:
        token = bearer((await client.post("/tokens", json={"user_id": "ann"}, headers=bearer(key))).json()["token"])

        async def answered() -> bool:
            return (await client.get("/trending", params={"user_id": "ann"}, headers=token)).status_code == 200

        await eventually(answered)
        refused = await client.get("/trending", params={"user_id": "bob"}, headers=token)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_your_data")


@pytest.mark.parametrize(
    ("window", "order", "note"),
    [("30d", "top", "nothing_heard"), ("30d", "rising", "nothing_heard"), ("1h", "rising", "nothing_to_compare_with")],
)
async def test_an_empty_chart_says_why(client: httpx.AsyncClient, window: str, order: str, note: str) -> None:
    answer = await chart(client, window=window, order=order)
    body = answer.json()
    assert (answer.status_code, body["items"], [told["code"] for told in body["notes"]]) == (200, [], [note])


async def test_nothing_rises_where_all_is_as_usual(world: World) -> None:
    world.counts.before = {"24h": {number: 7 * listeners for number, listeners in world.counts.now["24h"].items()}}
    async with world.serving() as client:
        await settled(client)
        notes = (await chart(client, order="rising")).json()["notes"]
    assert [note["code"] for note in notes] == ["nothing_rises"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"window": "2h"}, "window"), ({"order": "best"}, "order"), ({"limit": 0}, "limit"), ({"limit": 201}, "limit"),
        ({"mood": "angry"}, "mood.0"), ({"genre": "polka"}, "genre"), ({"user_id": " "}, "user_id"),
    ],
)  # fmt: skip
async def test_a_wrong_field_is_named(client: httpx.AsyncClient, asked: dict[str, Any], field: str) -> None:
    answer = await chart(client, **asked)
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])


async def test_without_postgres_the_last_chart_is_marked(world: World, client: httpx.AsyncClient) -> None:
    before = await chart(client)
    world.postgres.away = True

    async def noticed() -> bool:
        return bool((await client.get("/trending")).json()["degraded"] == ["postgres"])

    await eventually(noticed)
    answer = await client.get("/trending")
    assert (answer.status_code, ids(answer)) == (200, ids(before))
    assert [note["code"] for note in answer.json()["notes"]] == ["stale"]
    world.postgres.away = False

    async def back() -> bool:
        return bool((await client.get("/trending")).json()["degraded"] == [])

    await eventually(back)


async def test_a_window_that_was_never_counted_is_refused_while_postgres_is_away(world: World) -> None:
    world.counts.postgres = FakePostgres(())
    world.counts.postgres.away = True
    async with world.serving() as client:

        async def refused() -> bool:
            return bool((await chart(client)).json()["code"] == "postgres_unavailable")

        await eventually(refused)
        answer = await chart(client)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_an_empty_catalogue_has_no_chart() -> None:
    async with empty_world().serving() as client:
        answer = await client.get("/trending")
        assert (answer.status_code, answer.json()["code"]) == (503, "empty_catalogue")


async def test_what_is_stored_changes_the_chart(world: World, client: httpx.AsyncClient) -> None:
    assert ids(await chart(client, window="1h")) == ["t3"]
    world.counts.now = {"1h": {4: 6}}
    world.counts.stored += 1
    world.now_s += 1.0

    async def changed() -> bool:
        return ids(await chart(client, window="1h")) == ["t4"]

    await eventually(changed)


async def test_a_newcomer_gets_what_is_heard_now_within_the_chosen_genres(world: World) -> None:
    world.counts.now = {"24h": {9: 90, 8: 60}}
    async with world.serving() as client:
        await settled(client)
        plain = await client.post("/recommend/user/", json={"user_id": "new", "n": 2})
        jazz = await client.post("/recommend/user/", json={"user_id": "new", "n": 1, "genres": ["jazz"]})
    assert ids(plain) == ["t9", "t8"]
    assert ids(jazz) == ["t8"]
