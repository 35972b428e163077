"""Feedback: what becomes an event, what is refused, and that blocks hold in every answer about the listener."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from segue.ids import TrackNo
from segue.listeners import MAX_BLOCKS, Blocks
from segue.stores.redis.rows import row_of
from tests.unit.api.conftest import World, empty_world, ids
from tests.unit.api.made import CATALOGUE, row, state

pytestmark = pytest.mark.anyio

EVENT_ID = "019aaf6a-5d1c-7b43-8f0e-2f4f2a1b9c77"


async def say(client: httpx.AsyncClient, **said: object) -> httpx.Response:
    return await client.post("/users/ann/feedback", json=said)


@pytest.mark.parametrize("action", ["like", "unlike", "dislike", "undislike", "block", "unblock"])
async def test_an_action_on_a_track_is_that_event(world: World, client: httpx.AsyncClient, action: str) -> None:
    answer = await say(client, action=action, track_id="t1", rec_id=EVENT_ID, position=2)
    (taken,) = world.kafka.taken
    assert answer.status_code == 202
    assert answer.json() == {"user_id": "ann", "event_id": str(taken.event_id), "action": action, "until": None}
    assert (taken.type, taken.track_id, str(taken.rec_id), taken.position) == (action, "t1", EVENT_ID, 2)


async def test_not_now_is_a_block_that_ends(world: World, client: httpx.AsyncClient) -> None:
    await say(client, action="not_now", track_id="t1")
    await say(client, action="not_now", track_id="t1", days=0.5)
    first, second = world.kafka.taken
    assert (first.type, first.until) == ("block", first.occurred_at + timedelta(days=30))
    assert second.until == second.occurred_at + timedelta(hours=12)


async def test_an_artist_is_blocked_at_one_of_their_tracks(world: World, client: httpx.AsyncClient) -> None:
    assert (await say(client, action="block_artist", artist="ARTIST 3")).status_code == 202
    (taken,) = world.kafka.taken
    assert (taken.type, taken.artist, taken.track_id) == ("block_artist", "ARTIST 3", "t3")


async def test_an_unknown_artist_can_be_unblocked_but_not_blocked(client: httpx.AsyncClient) -> None:
    refused = await say(client, action="block_artist", artist="Nobody")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "artist")
    assert (await say(client, action="unblock_artist", artist="Nobody")).status_code == 202


async def test_a_repeated_request_is_the_same_event(world: World, client: httpx.AsyncClient) -> None:
    answer = await say(client, action="like", track_id="t1", event_id=EVENT_ID)
    assert answer.json()["event_id"] == EVENT_ID == str(world.kafka.taken[0].event_id)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"action": "hum", "track_id": "t1"},
        {"action": "like"},
        {"action": "block_artist", "track_id": "t1"},
        {"action": "like", "track_id": "t1", "days": 3},
        {"action": "block", "track_id": "t1", "days": 0},
        {"action": "block", "track_id": "t1", "days": 4_000},
        {"action": "block", "track_id": " t1"},
        {"action": "block_artist", "artist": "x" * 201},
        {"action": "block_artist", "artist": " "},
        {"action": "like", "track_id": "t1", "position": -1},
        {"action": "like", "track_id": "t1", "surprise": 1},
    ],
)
async def test_feedback_that_makes_no_sense_is_refused(world: World, client: httpx.AsyncClient, said: dict[str, object]) -> None:
    assert (await say(client, **said)).status_code == 422
    assert world.kafka.taken == []


async def test_without_kafka_nothing_is_said(world: World, client: httpx.AsyncClient) -> None:
    world.kafka.refused = {"ann"}
    answer = await say(client, action="like", track_id="t1", event_id=EVENT_ID)
    assert (answer.status_code, answer.json()["code"]) == (503, "kafka_unavailable")
    assert EVENT_ID in answer.json()["detail"]


async def test_no_more_blocks_than_a_row_holds(world: World, client: httpx.AsyncClient) -> None:
    full = Blocks({}, {f"artist {number}": 0 for number in range(MAX_BLOCKS)})
    world.redis.rows["ann"] = replace(row(1), blocks=full)
    answer = await say(client, action="block", track_id="t1")
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_blocks")
    assert (await say(client, action="like", track_id="t1")).status_code == 202


async def test_the_blocks_of_this_moment(world: World, client: httpx.AsyncClient) -> None:
    soon = int(time.time()) + 1_000
    blocks = Blocks({TrackNo(1): 0, TrackNo(2): soon, TrackNo(3): 1}, {"Artist 9": 0, "Artist 4": 1})
    world.redis.rows["ann"] = replace(row(5), blocks=blocks)
    body = (await client.get("/users/ann/blocks")).json()
    assert [(track["track_id"], track["until"] is None) for track in body["tracks"]] == [("t1", True), ("t2", False)]
    assert body["artists"] == [{"artist": "Artist 9", "until": None}]


async def recommended(client: httpx.AsyncClient) -> set[str]:
    listener = await client.post("/recommend/user/", json={"user_id": "ann", "n": 100})
    group = await client.post("/recommend/group", json={"user_ids": ["bob", "ann"], "n": 100})
    assert set(ids(group)) <= {track.track_id for track in CATALOGUE}
    return {*ids(listener), *ids(group)}


@pytest.mark.parametrize("with_model", [True, False])
async def test_what_is_blocked_is_in_no_answer_about_the_listener(with_model: bool) -> None:
    world = empty_world(CATALOGUE)
    world.postgres.promoted = "v1" if with_model else None
    world.redis.rows["ann"] = row(1)
    async with world.serving() as client:
        before = await recommended(client)
        assert {"t2", "t3", "t9"} <= before
        soon = int(time.time()) + 1_000
        world.redis.rows["ann"] = replace(
            row(1), blocks=Blocks({TrackNo(2): 0, TrackNo(9): soon, TrackNo(4): 1}, {"artist 3": 0})
        )
        assert await recommended(client) == before - {"t2", "t3", "t9"}


async def test_blocks_hold_without_redis(world: World, client: httpx.AsyncClient) -> None:
    world.redis.away = True
    told = state(1)
    told.blocks = Blocks({TrackNo(2): 0}, {})
    world.postgres.states["ann"] = told
    answer = await client.post("/recommend/user/", json={"user_id": "ann", "n": 100})
    assert "t2" not in ids(answer)
    assert row_of(told, 0.0).blocks == told.blocks
