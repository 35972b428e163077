"""Playlists over the API: made, changed by one after the other, deleted; what is refused, and what is told of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from segue.events import PlaylistRecord
from segue.stores.postgres.playlists import Playlist
from tests.unit.api.access.conftest import bearer
from tests.unit.api.conftest import SETTINGS, World, eventually
from tests.unit.api.made import track

pytestmark = pytest.mark.anyio

MIX: dict[str, Any] = {"playlist_id": "mix", "owner_id": "ann", "name": "Mix", "track_ids": ["t1", "t2", "t3"]}


async def make(client: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    return await client.post("/playlists", json=MIX | changes)


def tracks(answer: httpx.Response) -> list[str]:
    assert answer.status_code in (200, 201, 202), answer.text
    return [track["track_id"] for track in answer.json()["tracks"]]


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_playlist_is_a_record_in_kafka_and_is_seen_when_it_is_answered(world: World, client: httpx.AsyncClient) -> None:
    made = await make(client)
    assert (made.status_code, made.json()["version"], made.json()["applied"]) == (201, 1, True)
    record = PlaylistRecord(playlist_id="mix", name="Mix", track_ids=("t1", "t2", "t3"), owner_id="ann", source="api")
    assert world.kafka.records == [("playlists", "mix", record)]
    read = await client.get("/playlists/mix")
    assert (read.json(), read.headers["etag"]) == (made.json(), made.headers["etag"])
    assert read.json()["tracks"][0] == {
        "track_id": "t1", "name": "Song b", "artists": ["Artist 1"], "duration_ms": 180_000,
    }  # fmt: skip
    assert [one["playlist_id"] for one in (await client.get("/users/ann/playlists")).json()["items"]] == ["mix"]


async def test_without_an_id_one_is_made_up(client: httpx.AsyncClient) -> None:
    made = (await make(client, playlist_id=None)).json()
    assert (await client.get(f"/playlists/{made['playlist_id']}")).status_code == 200


async def test_a_repeated_request_finds_what_the_first_one_made(world: World, client: httpx.AsyncClient) -> None:
    first, again = await make(client), await make(client)
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(world.kafka.records) == 1


@pytest.mark.parametrize("change", [{"name": "Other"}, {"owner_id": "bob"}, {"track_ids": []}, {"public": True}])
async def test_the_id_of_another_playlist_is_taken(client: httpx.AsyncClient, change: dict[str, Any]) -> None:
    await make(client)
    assert problem(await make(client, **change)) == (409, "playlist_exists")


async def test_unknown_tracks_are_kept_and_told(client: httpx.AsyncClient) -> None:
    made = (await make(client, track_ids=["t1", "not-yet", "t1"])).json()
    assert [track["track_id"] for track in made["tracks"]] == ["t1", "not-yet", "t1"]
    assert made["tracks"][1]["name"] is None
    assert made["notes"] == [
        {"code": "unknown_tracks", "text": "Kept: 1 tracks that the catalogue lacks", "fields": ["tracks.1"]}
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\u0000"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"track_ids": [""]}, "track_ids.0"),
        ({"track_ids": ["a\n"]}, "track_ids.0"),
        ({"owner_id": " "}, "owner_id"),
        ({"playlist_id": "x" * 300}, "playlist_id"),
        ({"playlist_id": "segue:mix"}, "playlist_id"),
        ({"tracks": ["t1"]}, "tracks"),
        ({"public": "yes"}, "public"),
    ],
)
async def test_what_a_playlist_cannot_be(client: httpx.AsyncClient, change: dict[str, Any], field: str) -> None:
    refused = await make(client, **change)
    assert problem(refused) == (422, "invalid_request")
    assert [error["field"] for error in refused.json()["errors"]] == [field]


async def test_bounds_of_tracks_and_of_playlists(world: World) -> None:
    world.settings = SETTINGS.model_copy(update={"api_playlist_tracks": 3, "api_playlists_per_listener": 2})
    async with world.serving() as client:
        assert problem(await make(client, track_ids=["t1"] * 4)) == (422, "too_many_tracks")
        assert (await make(client)).status_code == 201
        assert problem(await client.post("/playlists/mix/tracks", json={"track_ids": ["t4"]})) == (422, "too_many_tracks")
        await make(client, playlist_id="second")
        assert problem(await make(client, playlist_id="third")) == (409, "too_many_playlists")
        assert (await make(client)).status_code == 200
        assert (await make(client, playlist_id="third", owner_id="bob")).status_code == 201


async def test_renaming_keeps_the_rest(client: httpx.AsyncClient) -> None:
    await make(client)
    renamed = await client.patch("/playlists/mix", json={"name": "  Blend ", "public": True})
    assert (renamed.json()["name"], renamed.json()["public"], tracks(renamed)) == ("Blend", True, ["t1", "t2", "t3"])
    assert (renamed.json()["version"], renamed.headers["etag"][:3]) == (2, '"2.')


@pytest.mark.parametrize("nothing", [{}, {"name": None}, {"public": True, "track_ids": None}])
async def test_a_patch_says_something(client: httpx.AsyncClient, nothing: dict[str, Any]) -> None:
    await make(client)
    assert problem(await client.patch("/playlists/mix", json=nothing)) == (422, "invalid_request")


async def test_tracks_come_to_the_end_or_to_a_place(client: httpx.AsyncClient) -> None:
    await make(client)
    assert tracks(await client.post("/playlists/mix/tracks", json={"track_ids": ["t9"]})) == ["t1", "t2", "t3", "t9"]
    at_front = {"track_ids": ["t8", "t7"], "position": 0}
    placed = await client.post("/playlists/mix/tracks", json=at_front, headers={"If-Match": '"2"'})
    assert tracks(placed) == ["t8", "t7", "t1", "t2", "t3", "t9"]
    beyond = {"track_ids": ["t1"], "position": 7}
    assert problem(await client.post("/playlists/mix/tracks", json=beyond, headers={"If-Match": "*"})) == (422, "invalid_request")


async def test_tracks_leave_by_position_and_by_id(client: httpx.AsyncClient) -> None:
    await make(client, track_ids=["t1", "t2", "t1", "t3", "t1"])
    url = "/playlists/mix/tracks"
    left = await client.delete(url, params={"position": [0, 3]}, headers={"If-Match": '"1"'})
    assert tracks(left) == ["t2", "t1", "t1"]
    assert tracks(await client.delete(url, params={"track_id": "t1"})) == ["t2"]
    assert problem(await client.delete(url, params={"position": 1}, headers={"If-Match": "*"})) == (422, "invalid_request")
    assert problem(await client.delete(url)) == (422, "invalid_request")


async def test_places_need_the_list_that_was_seen(client: httpx.AsyncClient) -> None:
    await make(client)
    added = {"track_ids": ["t1"], "position": 0}
    needing = (428, "if_match_required")
    assert problem(await client.patch("/playlists/mix", json={"track_ids": []})) == needing
    assert problem(await client.post("/playlists/mix/tracks", json=added)) == needing
    assert problem(await client.delete("/playlists/mix/tracks", params={"position": 0})) == needing


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/playlists/mix", {"track_ids": ["t4"]}),
        ("PATCH", "/playlists/mix", {"name": "Mine"}),
        ("POST", "/playlists/mix/tracks", {"track_ids": ["t4"]}),
        ("DELETE", "/playlists/mix/tracks?track_id=t1", None),
        ("DELETE", "/playlists/mix", None),
    ],
)
async def test_of_two_clients_that_saw_one_version_the_second_is_told(
    world: World, client: httpx.AsyncClient, method: str, path: str, body: dict[str, Any] | None
) -> None:
    seen = (await make(client)).headers["etag"]
    await client.patch("/playlists/mix", json={"name": "Theirs"}, headers={"If-Match": seen})
    late = await client.request(method, path, json=body, headers={"If-Match": seen})
    assert problem(late) == (412, "playlist_changed")
    assert (late.headers["etag"], late.json()["version"], len(world.kafka.records)) == ('"2"', 2, 2)
    again = await client.request(method, path, json=body, headers={"If-Match": late.headers["etag"]})
    assert again.status_code in (200, 204)


@pytest.mark.parametrize("listed", ["{}", "W/{}", '"0", {}', "*"])
async def test_who_has_the_playlist_is_not_sent_it_again(client: httpx.AsyncClient, listed: str) -> None:
    seen = (await make(client)).headers["etag"]
    again = await client.get("/playlists/mix", headers={"If-None-Match": listed.format(seen)})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", seen)
    assert again.headers["cache-control"] == "private, no-cache"


async def test_a_change_is_sent_to_who_has_the_playlist_of_before(client: httpx.AsyncClient) -> None:
    seen = (await make(client)).headers["etag"]
    await client.patch("/playlists/mix", json={"name": "Blend"})
    assert (await client.get("/playlists/mix", headers={"If-None-Match": seen})).json()["name"] == "Blend"


async def test_a_track_that_got_its_name_is_sent_though_the_list_is_the_same(world: World, client: httpx.AsyncClient) -> None:
    seen = (await make(client, track_ids=["t1", "new"])).headers["etag"]
    world.postgres.add(track(17, "jazz", track_id="new"))
    await eventually(lambda: _named(client, seen))
    change = await client.patch("/playlists/mix", json={"track_ids": ["new"]}, headers={"If-Match": seen})
    assert tracks(change) == ["new"]


async def _named(client: httpx.AsyncClient, seen: str) -> bool:
    answer = await client.get("/playlists/mix", headers={"If-None-Match": seen})
    return answer.status_code == 200 and answer.json()["tracks"][1]["name"] is not None


async def test_a_private_playlist_that_somebody_else_has_is_none_of_theirs(world: World) -> None:
    world.settings = world.settings.model_copy(update={"api_keys_required": True})
    ada, bob = (bearer(world.postgres.keys.add("read", "events", user_id=name)) for name in ("ada", "bob"))
    async with world.serving() as client:
        seen = (await client.post("/playlists", json={"playlist_id": "mix", "name": "Mix"}, headers=ada)).headers["etag"]
        asked = {"If-None-Match": seen}
        answers = [await client.get("/playlists/mix", headers=asked | one) for one in (ada, bob)]
    assert [answer.status_code for answer in answers] == [304, 403]


async def test_a_deleted_playlist_is_a_tombstone(world: World, client: httpx.AsyncClient) -> None:
    await make(client)
    assert (await client.delete("/playlists/mix")).status_code == 204
    assert world.kafka.records[-1] == ("playlists", "mix", None)
    for answer in (
        await client.get("/playlists/mix"),
        await client.delete("/playlists/mix"),
        await client.patch("/playlists/mix", json={"name": "x"}),
    ):
        assert problem(answer) == (404, "not_found")
    assert (await make(client)).status_code == 201


async def test_while_the_processors_stand_still_a_change_is_stored_and_said_not_to_be_seen(
    world: World, client: httpx.AsyncClient
) -> None:
    world.postgres.stopped = True
    made = await make(client)
    assert (made.status_code, made.json()["applied"], made.json()["version"]) == (202, False, 1)
    assert (await client.get("/playlists/mix")).status_code == 404
    world.postgres.stopped = False
    world.postgres.process("mix")
    assert (await client.get("/playlists/mix")).headers["etag"] == made.headers["etag"]
    world.postgres.stopped = True
    assert (await client.delete("/playlists/mix")).status_code == 202


async def test_who_does_not_get_a_turn_may_try_again(world: World, client: httpx.AsyncClient) -> None:
    await make(client)
    world.turns.busy.add("mix")
    busy = await client.patch("/playlists/mix", json={"name": "x"})
    assert (problem(busy), busy.headers["retry-after"]) == ((503, "playlist_busy"), "1")
    assert len(world.kafka.records) == 1


async def test_without_kafka_nothing_is_promised(world: World, client: httpx.AsyncClient) -> None:
    world.kafka.away = True
    refused = await make(client)
    assert (problem(refused), refused.headers["retry-after"]) == ((503, "kafka_unavailable"), "5")
    assert world.kafka.records == []


async def test_without_postgres_nothing_is_changed(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.away = True
    assert problem(await make(client)) == (503, "postgres_unavailable")
    assert world.kafka.records == []


async def test_a_deleted_owner_is_told_that_the_playlist_was_refused(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.deleted.add("ann")
    assert problem(await make(client)) == (409, "playlist_refused")


async def test_outcomes_are_counted(world: World, client: httpx.AsyncClient) -> None:
    await make(client)
    await client.patch("/playlists/mix", json={"name": "x"}, headers={"If-Match": '"9"'})
    counted = world.metrics.registry.get_sample_value
    assert counted("segue_api_playlist_changes_total", {"outcome": "applied"}) == 1
    assert counted("segue_api_playlist_changes_total", {"outcome": "conflict"}) == 1


async def test_a_playlist_of_the_catalogue_is_seen_by_all(world: World, client: httpx.AsyncClient) -> None:
    stored = Playlist(1, "top", "Top", None, "spotify", datetime(2026, 1, 1, tzinfo=UTC), ("t1",))
    world.postgres.playlists["top"] = stored
    assert (await client.get("/playlists/top")).json()["public"] is True
    await client.post("/playlists/top/tracks", json={"track_ids": ["t2"]})
    assert replace(world.postgres.playlists["top"], changed_at=stored.changed_at) == replace(
        stored, version=1, track_ids=("t1", "t2")
    )


@pytest.mark.parametrize(
    ("form", "media_type", "start"),
    [
        ("jspf", "application/jspf+json", '{"playlist":{"title":"Söng; \\"x\\"/y"'),
        ("m3u8", "application/vnd.apple.mpegurl", '#EXTM3U\n#PLAYLIST:Söng; "x"/y\n#EXTINF:180,Artist 1 - Song b\n'),
        (
            "csv",
            "text/csv; charset=utf-8",
            "position,track_id,name,artists,album,duration_ms,uri\r\n0,t1,Song b,Artist 1,Album,180000",
        ),
        ("spotify", "text/plain; charset=utf-8", ""),
    ],
)
async def test_a_playlist_as_a_file(client: httpx.AsyncClient, form: str, media_type: str, start: str) -> None:
    await make(client, name='Söng; "x"/y', track_ids=["t1", "unknown"])
    file = await client.get("/playlists/mix/export", params={"format": form})
    assert (file.status_code, file.headers["content-type"]) == (200, media_type)
    assert file.content.decode().startswith(start)
    extension = "txt" if form == "spotify" else form
    assert file.headers["content-disposition"] == f"attachment; filename*=UTF-8''S%C3%B6ng%3B%20%22x%22%2Fy.{extension}"
    assert file.headers["x-segue-left-out"] == ("2" if form == "spotify" else "0")


async def test_no_file_of_an_unknown_format_or_playlist(client: httpx.AsyncClient) -> None:
    await make(client)
    assert problem(await client.get("/playlists/mix/export", params={"format": "xspf"})) == (422, "invalid_request")
    assert problem(await client.get("/playlists/none/export")) == (404, "not_found")
