"""What a listener played, as players read it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from segue.events import ListeningType
from segue.stores.postgres.history import PastEvent
from tests.unit.api.conftest import World
from tests.unit.api.listenbrainz.conftest import token
from tests.unit.api.made import track

pytestmark = pytest.mark.anyio

MBID = "7e4bb014-51d5-4943-adb1-683e066a5220"
AT = 1_763_000_000


def past(at: float, track_id: str = "t1", kind: ListeningType = "play") -> PastEvent:
    return PastEvent(uuid.uuid4(), kind, track_id, datetime.fromtimestamp(at, UTC), None, None, None, None, "listenbrainz")


async def read(client: httpx.AsyncClient, headers: dict[str, str], **params: Any) -> dict[str, Any]:
    answer = await client.get("/1/user/alice/listens", headers=headers, params=params)
    assert answer.status_code == 200, answer.text
    payload: dict[str, Any] = answer.json()["payload"]
    return payload


def times(payload: dict[str, Any]) -> list[int]:
    return [listen["listened_at"] - AT for listen in payload["listens"]]


async def test_a_listen_is_shown_with_what_the_catalogue_says(
    world: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    world.postgres.histories["alice"] = [past(AT, "t1")]
    payload = await read(client, alice)
    (listen,) = payload.pop("listens")
    assert payload == {"count": 1, "user_id": "alice", "latest_listen_ts": AT, "oldest_listen_ts": AT}
    assert (listen["listened_at"], listen["user_name"]) == (AT, "alice")
    metadata = listen["track_metadata"]
    assert (metadata["track_name"], metadata["artist_name"], metadata["release_name"]) == ("Song b", "Artist 1", "Album")
    assert metadata["additional_info"]["duration_ms"] == 180_000
    assert uuid.UUID(listen["recording_msid"]) == uuid.UUID(metadata["additional_info"]["recording_msid"])


@pytest.mark.parametrize(
    ("track_id", "info"),
    [
        (f"lb:{MBID}", {"recording_mbid": MBID}),
        (MBID, {"recording_mbid": MBID}),
        ("4uLU6hMCjMI75M1A2tKUQC", {"spotify_id": "https://open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC"}),
        ("lb:0123456789abcdef0123456789abcdef", {}),
    ],
)
async def test_ids_of_others_are_shown_as_theirs(
    world: World, alice: dict[str, str], track_id: str, info: dict[str, str]
) -> None:
    world.postgres.add(track(20, "jazz", track_id=track_id))
    world.postgres.histories["alice"] = [past(AT, track_id)]
    async with world.serving() as client:
        (listen,) = (await read(client, alice))["listens"]
    shown = listen["track_metadata"]["additional_info"]
    assert {name: shown.get(name) for name in ("recording_mbid", "spotify_id") if name in shown} == info
    assert listen["track_metadata"].get("mbid_mapping", {}).get("recording_mbid") == info.get("recording_mbid")


async def test_a_track_without_a_name_yet_is_shown_too(world: World, client: httpx.AsyncClient, alice: dict[str, str]) -> None:
    world.postgres.histories["alice"] = [past(AT, "lb:unnamed")]
    (listen,) = (await read(client, alice))["listens"]
    assert listen["track_metadata"]["track_name"] == "lb:unnamed"
    assert listen["track_metadata"]["artist_name"] == "[unknown]"


async def test_pages_go_back_and_forth_by_whole_seconds(world: World, client: httpx.AsyncClient, alice: dict[str, str]) -> None:
    world.postgres.histories["alice"] = [past(AT + at) for at in (0, 1, 2.7, 3, 4.2)]
    world.postgres.histories["alice"] += [past(AT + 9, kind="like"), past(AT + 9, kind="skip")]
    assert times(await read(client, alice)) == [4, 3, 2, 1, 0]
    assert times(await read(client, alice, count=2)) == [4, 3]
    assert times(await read(client, alice, max_ts=AT + 3, count=2)) == [2, 1]
    assert times(await read(client, alice, min_ts=AT, count=2)) == [2, 1]
    # 2.7 is shown as 2, and what is after 2 does not show it again.
    assert times(await read(client, alice, min_ts=AT + 2)) == [4, 3]
    assert times(await read(client, alice, min_ts=AT, max_ts=AT + 3)) == [2, 1]
    assert times(await read(client, alice, min_ts=AT + 100)) == []
    page = await read(client, alice, count=0)
    assert (page["count"], page["latest_listen_ts"], page["oldest_listen_ts"]) == (0, AT + 4, AT)


@pytest.mark.parametrize(
    "params",
    [{"min_ts": 5, "max_ts": 5}, {"min_ts": "x"}, {"max_ts": -1}, {"max_ts": 10**20}, {"count": -1}, {"count": "many"}],
)
async def test_impossible_pages_are_refused(client: httpx.AsyncClient, alice: dict[str, str], params: dict[str, Any]) -> None:
    answer = await client.get("/1/user/alice/listens", headers=alice, params=params)
    assert (answer.status_code, answer.json()["code"]) == (400, 400)


async def test_plays_are_counted(world: World, client: httpx.AsyncClient, alice: dict[str, str]) -> None:
    world.postgres.histories["alice"] = [past(AT), past(AT + 1), past(AT + 2, kind="like")]
    answer = await client.get("/1/user/alice/listen-count", headers=alice)
    assert answer.json() == {"payload": {"count": 2}}


async def test_a_listener_is_known_before_the_first_listen_and_nobody_else_is(
    world: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    payload = await read(client, alice)
    assert payload == {"count": 0, "user_id": "alice", "listens": [], "latest_listen_ts": 0, "oldest_listen_ts": 0}
    assert (await client.get("/1/user/alice/listen-count", headers=alice)).json() == {"payload": {"count": 0}}
    program = token(world.postgres.keys.add("read"))
    for path in ("listens", "listen-count"):
        answer = await client.get(f"/1/user/alice/{path}", headers=program)
        assert answer.json() == {"code": 404, "error": "Cannot find user: alice", "problem": "not_found"}


async def test_without_postgres_nobody_seems_to_have_no_listens(
    world: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    await read(client, alice)
    world.postgres.away = True
    for path in ("listens", "listen-count"):
        assert (await client.get(f"/1/user/alice/{path}", headers=alice)).json()["code"] == 503


async def test_what_is_playing_now_is_shown_as_it_came(world: World, client: httpx.AsyncClient, alice: dict[str, str]) -> None:
    nothing = {"payload": {"count": 0, "user_id": "alice", "listens": [], "playing_now": True}}
    assert (await client.get("/1/user/alice/playing-now", headers=alice)).json() == nothing
    metadata = {"track_name": "Song b", "artist_name": "Artist 1", "additional_info": {"odd": [1, {}]}}
    sent = {"listen_type": "playing_now", "payload": [{"track_metadata": metadata}]}
    assert (await client.post("/1/submit-listens", headers=alice, json=sent)).status_code == 200
    payload = (await client.get("/1/user/alice/playing-now", headers=alice)).json()["payload"]
    assert (payload["count"], payload["listens"]) == (1, [{"track_metadata": metadata}])
    assert (await client.get("/1/user/bob/playing-now", headers=alice)).json()["problem"] == "not_your_data"
    world.players.away = True
    assert (await client.get("/1/user/alice/playing-now", headers=alice)).json()["code"] == 503


async def test_recordings_are_noted_with_the_tracks_that_they_are(
    world: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    metadata = {"track_name": "Song b", "artist_name": "Artist 1", "additional_info": {"recording_mbid": MBID}}
    sent = {"listen_type": "single", "payload": [{"listened_at": AT, "track_metadata": metadata}]}
    assert (await client.post("/1/submit-listens", headers=alice, json=sent)).status_code == 200
    assert world.players.recordings == {("alice", MBID): "t1"}
