"""Love and hate of recordings, by the ids that players know."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from segue.events import ListeningType
from segue.stores.postgres.history import PastEvent
from tests.unit.api.conftest import World
from tests.unit.api.made import track

pytestmark = pytest.mark.anyio

MBID = "7e4bb014-51d5-4943-adb1-683e066a5220"
FEEDBACK = "/1/feedback/recording-feedback"


def past(at: int, track_id: str, kind: ListeningType) -> PastEvent:
    return PastEvent(uuid4(), kind, track_id, datetime.fromtimestamp(at, UTC), None, None, None, None, None)


async def give(client: httpx.AsyncClient, headers: dict[str, str], **said: Any) -> httpx.Response:
    return await client.post(FEEDBACK, headers=headers, json=said)


async def test_a_word_is_about_the_track_that_the_recording_was(
    world: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    world.players.recordings[("alice", MBID)] = "t1"
    world.players.recordings[("bob", MBID)] = "t2"
    for score in (1, -1, 0):
        # As Kotlin writes it: what there is not is null.
        answer = await give(client, alice, score=score, recording_mbid=MBID.upper(), recording_msid=None)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert [(event.type, event.track_id) for event in world.kafka.taken] == [("like", "t1"), ("dislike", "t1"), ("unlike", "t1")]
    assert {event.user_id for event in world.kafka.taken} == {"alice"}


@pytest.mark.parametrize(("known", "track_id"), [(MBID, MBID), (f"lb:{MBID}", f"lb:{MBID}"), ("other", f"lb:{MBID}")])
async def test_without_a_listen_it_is_the_track_of_that_id_now_or_later(
    world: World, alice: dict[str, str], known: str, track_id: str
) -> None:
    world.postgres.add(track(20, "rock", track_id=known))
    async with world.serving() as client:
        assert (await give(client, alice, score=1, recording_mbid=MBID)).status_code == 200
    assert world.kafka.taken[0].track_id == track_id


async def test_ids_that_were_read_from_listens_are_understood(
    world: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    world.postgres.histories["alice"] = [past(1_763_000_000, "t3", "play"), past(1_763_000_001, "t4", "play")]
    listens = (await client.get("/1/user/alice/listens", headers=alice)).json()["payload"]["listens"]
    assert (await give(client, alice, score=1, recording_msid=listens[1]["recording_msid"])).status_code == 200
    assert world.kafka.taken[0].track_id == "t3"
    unknown = await give(client, alice, score=1, recording_msid=str(uuid4()))
    assert (unknown.status_code, unknown.json()["problem"]) == (400, "unknown_recording")
    assert (await give(client, alice, score=1, recording_msid=str(uuid4()), recording_mbid=MBID)).status_code == 200


@pytest.mark.parametrize(
    "said",
    [{}, {"score": 1}, {"score": 2, "recording_mbid": MBID}, {"recording_mbid": MBID}, {"score": 1, "recording_mbid": "x"},
     {"score": "1", "recording_mbid": MBID}, {"score": 1, "recording_mbid": ""}],
)  # fmt: skip
async def test_what_says_nothing_is_refused(
    world: World, client: httpx.AsyncClient, alice: dict[str, str], said: dict[str, Any]
) -> None:
    answer = await give(client, alice, **said)
    assert (answer.status_code, answer.json()["code"]) == (400, 400)
    assert world.kafka.taken == []


async def test_a_word_is_ok_only_when_kafka_has_it_and_about_the_right_track(
    world: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    world.kafka.refused = {"alice"}
    assert (await give(client, alice, score=1, recording_mbid=MBID)).json()["code"] == 503
    world.kafka.refused = set()
    world.players.away = True
    assert (await give(client, alice, score=1, recording_mbid=MBID)).json()["problem"] == "redis_unavailable"


async def test_last_words_are_listed_newest_first(world: World, client: httpx.AsyncClient, alice: dict[str, str]) -> None:
    words: list[tuple[str, ListeningType]] = [
        ("t1", "like"), ("t2", "dislike"), ("t3", "like"), ("t1", "dislike"), ("t3", "unlike"), ("t4", "like"), ("t4", "like"),
    ]  # fmt: skip
    world.postgres.histories["alice"] = [past(1_763_000_000 + at, *word) for at, word in enumerate(words)]

    async def read(**params: Any) -> dict[str, Any]:
        body: dict[str, Any] = (await client.get("/1/feedback/user/alice/get-feedback", headers=alice, params=params)).json()
        return body

    everything = await read(metadata="True", count=100)
    assert [(one["track_metadata"]["track_name"], one["score"]) for one in everything["feedback"]] == [
        ("Song e", 1), ("Song b", -1), ("Song c", -1),
    ]  # fmt: skip
    assert everything["feedback"][0]["created"] == 1_763_000_006
    assert (everything["count"], everything["total_count"], everything["offset"]) == (3, 3, 0)
    hated = await read(score=-1, offset=1, count=1)
    assert (hated["count"], hated["total_count"], hated["feedback"][0]["track_metadata"]["track_name"]) == (1, 2, "Song c")
    assert (await read(score=7))["code"] == 400
