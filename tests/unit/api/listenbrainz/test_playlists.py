"""Playlists for players: what Segue makes every week, what listeners have, and either with its tracks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.listenbrainz.weekly import Origin
from segue.events import PlaylistRecord
from segue.ids import TrackNo, UserNo
from segue.listeners import Blocks
from segue.stores.postgres.playlists import Playlist, playlist_mbid
from segue.stores.postgres.users import User
from tests.unit.api.conftest import World
from tests.unit.api.fakes import FakePostgres
from tests.unit.api.listenbrainz.conftest import KEYS_REQUIRED, token
from tests.unit.api.made import CATALOGUE, JAZZ, ROCK, row, track

pytestmark = pytest.mark.anyio

CREATED, OWN = "/1/user/alice/playlists/createdfor", "/1/user/alice/playlists"
PLAYLIST = "https://musicbrainz.org/doc/jspf#playlist"
TRACK = "https://musicbrainz.org/doc/jspf#track"
MBID = "7e4bb014-51d5-4943-adb1-683e066a5220"
AT = datetime(2026, 11, 1, 12, 30, tzinfo=UTC)
WEEK_S = 7 * 86_400


def stored(number: int, playlist_id: str, owner_id: str | None = "alice", *track_ids: str, **more: Any) -> Playlist:
    return Playlist(number, playlist_id, f"List {number}", owner_id, "api", AT, track_ids, **more)


def inside(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return [one["playlist"] for one in answer.json()["playlists"]]


def patches(answer: httpx.Response) -> dict[str, dict[str, Any]]:
    """The playlists of a listing by what made them, as clients look for them."""
    found = inside(answer)
    return {one["extension"][PLAYLIST]["additional_metadata"]["algorithm_metadata"]["source_patch"]: one for one in found}


async def read(client: httpx.AsyncClient, headers: dict[str, str], listed: dict[str, Any]) -> dict[str, Any]:
    """A listed playlist with its tracks, asked for as clients do: by the last part of its identifier."""
    answer = await client.get(f"/1/playlist/{listed['identifier'].split('/')[-1]}", headers=headers)
    assert answer.status_code == 200, answer.text
    playlist: dict[str, Any] = answer.json()["playlist"]
    return playlist


def titles(playlist: dict[str, Any]) -> set[str]:
    return {one["title"] for one in playlist["track"]}


@pytest.fixture
def listening(world: World) -> World:
    """Alice played three jazz tracks."""
    world.redis.rows["alice"] = row(1, 2, 3)
    return world


async def test_a_week_has_a_list_of_what_was_never_heard_and_one_of_what_is_liked(
    listening: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    found = patches(await client.get(CREATED, headers=alice))
    assert found.keys() == {"weekly-exploration", "weekly-jams"}
    exploration, jams = [await read(client, alice, found[kind]) for kind in ("weekly-exploration", "weekly-jams")]
    assert titles(jams) == {t.name for t in JAZZ[:3]}
    assert titles(exploration) == {t.name for t in (*JAZZ, *ROCK)} - titles(jams)


async def test_a_list_is_described_as_listenbrainz_does(
    listening: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    answer = await client.get(CREATED, headers=alice)
    assert {name: answer.json()[name] for name in ("count", "offset", "playlist_count")} == {
        "count": 2, "offset": 0, "playlist_count": 2,
    }  # fmt: skip
    jams = patches(answer)["weekly-jams"]
    made_at = jams["extension"][PLAYLIST].pop("last_modified_at")
    assert datetime.fromisoformat(made_at).tzinfo is not None
    assert jams == {
        "identifier": jams["identifier"], "title": "Weekly Jams for alice, week of 2026-11-23 Mon", "creator": "segue",
        "date": "2026-11-23T00:00:00Z", "track": [],
        "extension": {
            PLAYLIST: {
                "public": False, "creator": "segue", "created_for": "alice",
                "additional_metadata": {"algorithm_metadata": {"source_patch": "weekly-jams"}},
            }
        },
    }  # fmt: skip
    base, _, mbid = jams["identifier"].rpartition("/")
    assert (base, str(UUID(mbid)), UUID(mbid).version) == ("http://segue.test/1/playlist", mbid, 3)


async def test_the_lists_of_a_week_stay_as_they_were_first_asked_for(
    listening: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    first = patches(await client.get(CREATED, headers=alice))
    before = await read(client, alice, first["weekly-exploration"])
    listening.redis.rows["alice"] = row(9, 10, 11, 12)
    listening.today_s += 3 * 86_400
    assert patches(await client.get(CREATED, headers=alice)) == first
    assert await read(client, alice, first["weekly-exploration"]) == before
    assert len(listening.kafka.records) == 2


async def test_the_same_state_makes_the_same_lists() -> None:
    made = []
    for _ in range(2):
        world = World(FakePostgres(CATALOGUE))
        world.postgres.promoted = "v1"
        world.redis.rows["alice"] = row(1, 2, 3)
        async with world.serving() as client:
            await client.get(CREATED)
        made.append(
            sorted((key, record.track_ids) for _, key, record in world.kafka.records if isinstance(record, PlaylistRecord))
        )
    assert made[0] == made[1]
    assert len(made[0]) == 2


async def test_the_next_week_has_lists_of_its_own_and_only_two_weeks_are_kept(
    listening: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    weeks = []
    for _ in range(4):
        answer = await client.get(CREATED, headers=alice)
        weeks.append(sorted({one["title"].partition("week of ")[2] for one in inside(answer)}))
        listening.today_s += WEEK_S
    assert weeks == [
        ["2026-11-23 Mon"],
        ["2026-11-23 Mon", "2026-11-30 Mon"],
        ["2026-11-30 Mon", "2026-12-07 Mon"],
        ["2026-12-07 Mon", "2026-12-14 Mon"],
    ]
    assert len(listening.postgres.playlists) == 4


async def test_sundays_and_mondays_are_of_different_weeks(
    listening: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    listening.today_s = datetime(2026, 11, 29, 23, 59, 59, tzinfo=UTC).timestamp()
    assert {one["date"] for one in inside(await client.get(CREATED, headers=alice))} == {"2026-11-23T00:00:00Z"}
    listening.today_s += 1
    assert inside(await client.get(CREATED, headers=alice))[0]["date"] == "2026-11-30T00:00:00Z"


async def test_many_who_ask_at_once_find_one_list_of_each_kind(
    listening: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    answers = await asyncio.gather(*(client.get(CREATED, headers=alice) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(listening.kafka.records) == 2
    assert patches(await client.get(CREATED, headers=alice)).keys() == {"weekly-exploration", "weekly-jams"}


async def test_nothing_is_made_for_names_that_never_listened(world: World, client: httpx.AsyncClient) -> None:
    program = token(world.postgres.keys.add("read"))
    for name in ("mallory-1", "mallory-2"):
        answer = await client.get(f"/1/user/{name}/playlists/createdfor", headers=program)
        assert (answer.status_code, answer.json()["error"]) == (404, f"Cannot find user: {name}")
    assert world.kafka.records == []


async def test_a_listener_who_never_listened_has_no_lists(world: World, client: httpx.AsyncClient, alice: dict[str, str]) -> None:
    assert inside(await client.get(CREATED, headers=alice)) == []
    world.postgres.users["bob"] = User(UserNo(1), "bob", None, (), 0, None, AT)
    program = token(world.postgres.keys.add("read"))
    assert inside(await client.get("/1/user/bob/playlists/createdfor", headers=program)) == []


async def test_a_listener_of_whom_too_little_is_known_has_none_yet(
    world: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    world.redis.rows["alice"] = row(1, 2)
    assert inside(await client.get(CREATED, headers=alice)) == []
    world.redis.rows["alice"] = row(1, 2, 3)
    assert len(inside(await client.get(CREATED, headers=alice))) == 2


async def test_without_a_model_no_list_is_made_that_would_stand_for_a_week(listening: World, alice: dict[str, str]) -> None:
    listening.postgres.promoted = None
    async with listening.serving() as client:
        assert inside(await client.get(CREATED, headers=alice)) == []
    assert listening.kafka.records == []


async def test_what_the_listener_blocked_is_in_no_list(
    listening: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    blocks = Blocks(tracks={TrackNo(1): 0, TrackNo(7): 0})
    listening.redis.rows["alice"] = replace(row(1, 2, 3), blocks=blocks)
    for listed in patches(await client.get(CREATED, headers=alice)).values():
        assert not titles(await read(client, alice, listed)) & {JAZZ[0].name, JAZZ[6].name}


async def test_while_kafka_is_away_last_week_s_lists_are_shown(
    listening: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    listening.kafka.away = True
    refused = await client.get(CREATED, headers=alice)
    assert (refused.status_code, refused.json()["problem"]) == (503, "kafka_unavailable")
    listening.kafka.away = False
    await client.get(CREATED, headers=alice)
    listening.kafka.away = True
    listening.today_s += WEEK_S
    assert {one["date"] for one in inside(await client.get(CREATED, headers=alice))} == {"2026-11-23T00:00:00Z"}


async def test_while_postgres_is_away_nothing_is_claimed(
    listening: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    await client.get(CREATED, headers=alice)
    listening.postgres.away = True
    for url in (CREATED, OWN, f"/1/playlist/{playlist_mbid('mix')}"):
        answer = await client.get(url, headers=alice)
        assert (answer.status_code, answer.json()["problem"]) == (503, "postgres_unavailable")


async def test_a_list_that_somebody_put_in_the_place_of_one_is_neither_shown_nor_deleted(
    listening: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    taken = Origin("weekly-jams", datetime(2026, 11, 23, tzinfo=UTC).date()).playlist_id("alice")
    listening.postgres.playlists[taken] = stored(1, taken, "mallory", "t16")
    for _ in range(4):
        assert all(one["title"] != "List 1" for one in inside(await client.get(CREATED, headers=alice)))
        listening.today_s += WEEK_S
    assert listening.postgres.playlists[taken].owner_id == "mallory"


async def test_nobody_can_take_the_place_of_another_listener_s_next_list(
    listening: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    next_id = Origin("weekly-jams", datetime(2026, 11, 23, tzinfo=UTC).date()).playlist_id("alice")
    taken = await client.post("/playlists", json={"playlist_id": next_id, "name": "Mine"}, headers=alice)
    assert (taken.status_code, taken.json()["errors"][0]["field"]) == (422, "playlist_id")
    assert listening.postgres.playlists == {}


async def test_a_listener_s_own_playlists_page_by_page(world: World, client: httpx.AsyncClient, alice: dict[str, str]) -> None:
    world.redis.rows["alice"] = row(1, 2, 3)
    for number in range(1, 6):
        world.postgres.playlists[f"p{number}"] = stored(number, f"p{number}")
    world.postgres.playlists["others"] = stored(9, "others", "bob")
    await client.get(CREATED, headers=alice)
    first = await client.get(OWN, headers=alice, params={"count": 2})
    last = await client.get(OWN, headers=alice, params={"count": 2, "offset": 4})
    assert [one["title"] for one in inside(first) + inside(last)] == ["List 5", "List 4", "List 1"]
    for answer, expected in ((first, (2, 0, 5)), (last, (1, 4, 5))):
        assert tuple(answer.json()[name] for name in ("count", "offset", "playlist_count")) == expected
    beyond = await client.get(OWN, headers=alice, params={"offset": 99})
    assert (inside(beyond), beyond.json()["playlist_count"]) == ([], 5)
    assert len(inside(await client.get(OWN, headers=alice, params={"count": 10**9}))) == 5


@pytest.mark.parametrize("params", [{"count": -1}, {"offset": -1}, {"count": "x"}, {"offset": 2**31}])
async def test_pages_that_there_cannot_be(client: httpx.AsyncClient, alice: dict[str, str], params: dict[str, Any]) -> None:
    answer = await client.get(OWN, headers=alice, params=params)
    assert (answer.status_code, answer.json()["code"]) == (400, 400)


async def test_tracks_have_what_players_look_for(world: World, alice: dict[str, str]) -> None:
    known = f"lb:{MBID}"
    world.postgres.add(track(20, "rock", track_id=known, name="Known", artists=("One", "Two"), album=None))
    world.postgres.playlists["mix"] = stored(1, "mix", "alice", known, "t1", "4uLU6hMCjMI75M1A2tKUQC", public=True)
    async with world.serving() as client:
        answer = await client.get(f"/1/playlist/{playlist_mbid('mix')}", headers=alice)
        bare = await client.get(f"/1/playlist/{playlist_mbid('mix')}", headers=alice, params={"fetch_metadata": "false"})
    playlist = answer.json()["playlist"]
    assert (playlist["creator"], playlist["date"]) == ("alice", "2026-11-01T12:30:00Z")
    assert playlist["extension"] == {PLAYLIST: {"public": True, "creator": "alice", "last_modified_at": "2026-11-01T12:30:00Z"}}
    added = {"added_by": "alice", "added_at": "2026-11-01T12:30:00Z", "artist_identifiers": []}
    artists = [{"artist_credit_name": "One", "join_phrase": ", "}, {"artist_credit_name": "Two", "join_phrase": ""}]
    assert playlist["track"][0] == {
        "identifier": [f"https://musicbrainz.org/recording/{MBID}"], "title": "Known", "creator": "One, Two", "duration": 180_000,
        "extension": {TRACK: {**added, "additional_metadata": {"artists": artists}}},
    }  # fmt: skip
    assert [one["identifier"] for one in playlist["track"][1:]] == [
        ["urn:segue:track:t1"], ["https://open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC"],
    ]  # fmt: skip
    assert (playlist["track"][1]["album"], playlist["track"][2]["title"]) == ("Album", "4uLU6hMCjMI75M1A2tKUQC")
    assert bare.json()["playlist"]["track"] == [{"identifier": one["identifier"]} for one in playlist["track"]]


async def test_an_id_may_be_written_in_capitals(world: World, client: httpx.AsyncClient, alice: dict[str, str]) -> None:
    world.postgres.playlists["mix"] = stored(1, "mix")
    assert (await client.get(f"/1/playlist/{playlist_mbid('mix').upper()}", headers=alice)).status_code == 200


async def test_ids_that_name_no_playlist(client: httpx.AsyncClient, alice: dict[str, str]) -> None:
    wrong = await client.get("/1/playlist/mix", headers=alice)
    assert (wrong.status_code, wrong.json()["problem"]) == (400, "invalid_mbid")
    unknown = await client.get(f"/1/playlist/{MBID}", headers=alice)
    assert (unknown.status_code, unknown.json()["code"]) == (404, 404)


async def test_a_playlist_named_like_the_uuid_of_another_is_not_taken_for_it(
    world: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    world.postgres.playlists["mix"] = stored(2, "mix", "alice", "t1")
    forged = playlist_mbid("mix")
    world.postgres.playlists[forged] = stored(1, forged, "mallory", "t16", public=True)
    assert (await client.get(f"/1/playlist/{forged}", headers=alice)).json()["playlist"]["title"] == "List 2"


async def test_private_playlists_are_their_owner_s_and_public_ones_everybody_s(
    world: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    world.postgres.playlists = {
        "private": stored(1, "private", "bob"),
        "public": stored(2, "public", "bob", public=True),
        "nobodys": stored(3, "nobodys", None),
    }
    statuses = [
        (await client.get(f"/1/playlist/{playlist_mbid(name)}", headers=alice)).status_code for name in world.postgres.playlists
    ]
    assert statuses == [403, 200, 200]


async def test_where_no_keys_are_asked_for_lists_are_read_by_name(listening: World) -> None:
    listening.settings = KEYS_REQUIRED.model_copy(update={"api_keys_required": False})
    async with listening.serving() as client:
        assert len(inside(await client.get(CREATED))) == 2


def test_a_source_that_is_of_no_week() -> None:
    monday = datetime(2026, 11, 23, tzinfo=UTC).date()
    assert Origin.of("segue:weekly-jams/2026-11-23") == Origin("weekly-jams", monday)
    for source in (
        None,
        "api",
        "weekly-jams/2026-11-23",
        "segue:generated",
        "segue:weekly-jams",
        "segue:weekly-jams/x",
        "segue:weekly-other/2026-11-23",
    ):
        assert Origin.of(source) is None
    assert Origin("weekly-jams", monday).playlist_id("a") != Origin("weekly-jams", monday + timedelta(weeks=1)).playlist_id("a")
