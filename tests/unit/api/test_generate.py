"""Playlists from prompts over the API: what comes, what is noted, what is refused, what is kept."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import httpx
import pytest

from segue.events import PlaylistRecord
from segue.ids import TrackNo
from tests.unit.api.conftest import SETTINGS, World, empty_world, eventually, ids
from tests.unit.api.made import JAZZ, ROCK, row, track

pytestmark = pytest.mark.anyio

JAZZ_IDS, ROCK_IDS = {t.track_id for t in JAZZ}, {t.track_id for t in ROCK}
SAVED: dict[str, Any] = {"seeds": {"genres": ["jazz"]}, "length": 3, "title": "Late", "save": True, "playlist_id": "late"}


async def generate(client: httpx.AsyncClient, **prompt: Any) -> httpx.Response:
    return await client.post("/playlists/generate", json=prompt)


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def refused_fields(answer: httpx.Response) -> list[str]:
    assert problem(answer) == (422, "invalid_request"), answer.text
    return [error["field"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("seeds", "expected"),
    [
        ({"tracks": ["t1", "t2"]}, JAZZ_IDS - {"t1", "t2"}),
        ({"artists": ["artist 9"]}, ROCK_IDS),
        ({"genres": ["Rock"]}, ROCK_IDS),
        ({"moods": ["sad"]}, JAZZ_IDS),
    ],
)
async def test_a_list_is_of_the_kind_of_its_seeds(client: httpx.AsyncClient, seeds: dict[str, Any], expected: set[str]) -> None:
    answer = await generate(client, seeds=seeds, length=6)
    assert answer.status_code == 200
    assert set(ids(answer)) <= expected
    assert len(ids(answer)) == 6


async def test_each_track_says_why_and_how_long_it_lasts(client: httpx.AsyncClient) -> None:
    answer = (await generate(client, seeds={"tracks": ["t1"]}, length=2)).json()
    first = answer["items"][0]
    assert first["reason"] == {"code": "chosen_track", "text": "Because you chose Song b by Artist 1", "seed_track_id": "t1"}
    assert (first["duration_ms"], answer["duration_ms"], answer["model_version"]) == (180_000, 360_000, "v1")
    assert (answer["user_id"], answer["state"], answer["saved"], answer["notes"]) == (None, None, None, [])


async def test_the_same_prompt_and_state_make_the_same_list(world: World, client: httpx.AsyncClient) -> None:
    world.redis.rows["ann"] = row(9, 10)
    prompt = {"seeds": {"tracks": ["t1"], "moods": ["happy"]}, "user_id": "ann", "length": 9, "ordering": "smooth"}
    first, again = await generate(client, **prompt), await generate(client, **prompt)
    assert first.json()["items"] == again.json()["items"]
    assert first.json()["rec_id"] != again.json()["rec_id"]


async def test_a_listener_s_taste_decides_where_nothing_is_chosen(world: World, client: httpx.AsyncClient) -> None:
    world.redis.rows["ann"] = row(9, 10, 11)
    answer = await generate(client, user_id="ann", length=5)
    assert set(ids(answer)) == ROCK_IDS - {"t9", "t10", "t11"}
    assert answer.json()["state"]["events"] == 3


async def test_what_the_listener_heard_or_blocked_is_left_out_of_a_chosen_kind_too(
    world: World, client: httpx.AsyncClient
) -> None:
    world.redis.rows["ann"] = row(1, 2)
    chosen = {"seeds": {"genres": ["jazz"]}, "filters": {"genres": ["jazz"]}, "user_id": "ann", "length": 100}
    assert set(ids(await generate(client, **chosen))) == JAZZ_IDS - {"t1", "t2"}
    assert set(ids(await generate(client, **chosen, heard_days=0))) == JAZZ_IDS
    kept = await generate(client, **chosen, heard_days=0, blocks={"artists": ["Artist 3"]}, exclude=["t4"])
    assert set(ids(kept)) == JAZZ_IDS - {"t3", "t4"}


async def test_a_list_lasts_as_long_as_was_asked(client: httpx.AsyncClient) -> None:
    answer = await generate(client, seeds={"genres": ["jazz"]}, duration_ms=720_000)
    assert (len(ids(answer)), answer.json()["duration_ms"], answer.json()["notes"]) == (4, 720_000, [])


async def test_a_list_that_cannot_last_so_long_says_so(client: httpx.AsyncClient) -> None:
    answer = (await generate(client, filters={"genres": ["jazz"]}, duration_ms=3_600_000)).json()
    assert [(note["code"], note["text"], note["fields"]) for note in answer["notes"]] == [
        ("fewer_than_asked", "24 of 60 minutes: no more of what passes fits", ["duration_ms"])
    ]


async def test_a_list_with_fewer_tracks_than_asked_says_so(client: httpx.AsyncClient) -> None:
    answer = (await generate(client, filters={"genres": ["jazz"], "year_max": 1982}, length=5)).json()
    assert [(note["code"], note["fields"]) for note in answer["notes"]] == [("fewer_than_asked", ["length"])]


async def test_without_a_word_about_its_length_a_list_has_twenty_five(world: World) -> None:
    for number in range(26):
        named = {"track_no": TrackNo(200 + number), "track_id": f"more-{number}", "artists": (f"Other {number}",)}
        world.postgres.add(track(number, "jazz", **named))
    async with world.serving() as client:
        assert len(ids(await generate(client))) == 25


async def test_a_smooth_list_goes_through_the_tempos_in_short_steps(client: httpx.AsyncClient) -> None:
    seeds = {"seeds": {"tracks": ["t1"]}, "filters": {"genres": ["jazz"]}, "length": 7}
    scored, smooth = ids(await generate(client, **seeds)), ids(await generate(client, **seeds, ordering="smooth"))
    assert (smooth[0], set(smooth)) == (scored[0], set(scored))

    def way(order: list[str]) -> int:
        numbers = [int(track_id[1:]) for track_id in order]
        return sum(abs(a - b) for a, b in pairwise(numbers))

    assert way(list(smooth)) <= way(list(scored))
    assert way(list(smooth)) <= 2 * 7


async def test_unknown_tracks_are_passed_over_and_noted(client: httpx.AsyncClient) -> None:
    answer = (await generate(client, seeds={"tracks": ["t1", "gone", "t1"]}, length=3)).json()
    assert [(note["code"], note["fields"]) for note in answer["notes"]] == [("unknown_tracks", ["seeds.tracks.1"])]
    assert len(answer["items"]) == 3


@pytest.mark.parametrize(
    ("prompt", "field"),
    [
        ({"seeds": {"genres": ["polka"]}}, "seeds.genres"),
        ({"seeds": {"artists": ["Nobody"]}}, "seeds.artists"),
        ({"seeds": {"moods": ["bored"]}}, "seeds.moods.0"),
        ({"seeds": {"tracks": [""]}}, "seeds.tracks.0"),
        ({"seeds": {"words": ["x"]}}, "seeds.words"),
        ({"filters": {"genres": ["polka"]}}, "filters.genres"),
        ({"length": 0}, "length"),
        ({"length": 251}, "length"),
        ({"n": 3}, "n"),
        ({"duration_ms": 59_999}, "duration_ms"),
        ({"duration_ms": 43_200_001}, "duration_ms"),
        ({"ordering": "random"}, "ordering"),
        ({"title": " "}, "title"),
        ({"length": 3, "duration_ms": 60_000}, "body"),
        ({"save": True}, "body"),
        ({"public": True}, "body"),
        ({"playlist_id": "x"}, "body"),
        ({"playlist_id": "segue:x", "title": "X", "save": True}, "playlist_id"),
        ({"heard_days": 3}, "body"),
        ({"user_id": "ann", "max_wait_ms": 5}, "max_wait_ms"),
    ],
)
async def test_what_a_prompt_cannot_be(client: httpx.AsyncClient, prompt: dict[str, Any], field: str) -> None:
    assert refused_fields(await generate(client, **prompt)) == [field]


async def test_contradictory_filters_are_named(client: httpx.AsyncClient) -> None:
    crossed = await generate(client, filters={"year_min": 2000, "year_max": 1990})
    assert refused_fields(crossed) == ["filters.year_min", "filters.year_max"]


async def test_without_save_nothing_is_stored(world: World, client: httpx.AsyncClient) -> None:
    await generate(client, seeds={"genres": ["jazz"]}, user_id="ann", title="Late")
    assert world.kafka.records == []


async def test_a_saved_list_is_a_playlist_of_the_listener(world: World, client: httpx.AsyncClient) -> None:
    made = await generate(client, **SAVED, user_id="ann")
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    assert made.json()["saved"] == {"playlist_id": "late", "owner_id": "ann", "public": False, "version": 1, "applied": True}
    record = PlaylistRecord(playlist_id="late", name="Late", track_ids=tuple(ids(made)), owner_id="ann", source="segue:generated")
    assert world.kafka.records == [("playlists", "late", record)]
    read = await client.get("/playlists/late")
    assert [one["track_id"] for one in read.json()["tracks"]] == ids(made)
    renamed = await client.patch("/playlists/late", json={"name": "Later"}, headers={"If-Match": made.headers["etag"]})
    assert (renamed.status_code, renamed.json()["version"]) == (200, 2)


async def test_a_repeated_save_finds_what_the_first_one_made(world: World, client: httpx.AsyncClient) -> None:
    assert (await generate(client, **SAVED)).status_code == 201
    assert (await generate(client, **SAVED)).status_code == 200
    assert len(world.kafka.records) == 1
    assert problem(await generate(client, **SAVED | {"length": 2})) == (409, "playlist_exists")


async def test_an_id_is_made_up(client: httpx.AsyncClient) -> None:
    made = (await generate(client, **{name: said for name, said in SAVED.items() if name != "playlist_id"})).json()
    assert (await client.get(f"/playlists/{made['saved']['playlist_id']}")).json()["name"] == "Late"


async def test_an_empty_list_is_not_saved_and_says_so(world: World, client: httpx.AsyncClient) -> None:
    made = await generate(client, **SAVED, filters={"year_min": 2020})
    assert (made.status_code, made.json()["saved"], world.kafka.records) == (200, None, [])
    assert [note["code"] for note in made.json()["notes"]] == ["filters_match_nothing", "not_saved"]


async def test_while_the_processors_stand_still_a_saved_list_is_stored_and_not_seen(
    world: World, client: httpx.AsyncClient
) -> None:
    world.postgres.stopped = True
    made = await generate(client, **SAVED)
    assert (made.status_code, made.json()["saved"]["applied"]) == (202, False)


async def test_without_kafka_nothing_is_promised(world: World, client: httpx.AsyncClient) -> None:
    world.kafka.away = True
    assert problem(await generate(client, **SAVED)) == (503, "kafka_unavailable")
    assert (await generate(client, seeds={"genres": ["jazz"]})).status_code == 200


async def test_a_listener_may_have_no_more_playlists_than_by_hand(world: World) -> None:
    world.settings = SETTINGS.model_copy(update={"api_playlists_per_listener": 1, "api_playlist_tracks": 5})
    async with world.serving() as client:
        assert (await generate(client, **SAVED, user_id="ann")).status_code == 201
        assert problem(await generate(client, **SAVED | {"playlist_id": "two"}, user_id="ann")) == (409, "too_many_playlists")
        assert problem(await generate(client, **SAVED | {"length": 6, "playlist_id": "long"})) == (422, "too_many_tracks")


async def test_without_a_model_chosen_kinds_of_what_is_popular_come_first(world: World) -> None:
    world.postgres.promoted = None
    async with world.serving() as client:
        for seeds in ({"moods": ["happy"]}, {"genres": ["rock"]}, {"artists": ["Artist 9"]}, {"tracks": ["t10"]}):
            answer = await generate(client, seeds=seeds, length=1)
            assert (ids(answer), answer.json()["degraded"]) == (["t9"], ["model"])
        lasting = await generate(client, seeds={"tracks": ["t9"]}, duration_ms=540_000, ordering="smooth")
        assert ids(lasting) == ["t10", "t11", "t12"]


async def test_while_redis_is_away_the_list_says_so(world: World, client: httpx.AsyncClient) -> None:
    world.redis.away = True
    answer = (await generate(client, user_id="ann", length=3)).json()
    assert (answer["degraded"], len(answer["items"])) == (["redis"], 3)


async def test_an_empty_catalogue_is_said() -> None:
    async with empty_world().serving() as client:
        assert problem(await generate(client, seeds={"genres": ["jazz"]})) == (503, "empty_catalogue")


async def test_an_artist_who_came_a_moment_ago_is_a_seed(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.add(replace(JAZZ[0], track_no=TrackNo(50), track_id="new", name="Brand New", artists=("Newcomer",)))

    async def known() -> bool:
        found = await generate(client, seeds={"artists": ["Newcomer"]}, filters={"genres": ["jazz"]}, length=100)
        return found.status_code == 200 and "new" in ids(found)

    await eventually(known)


async def test_a_track_that_came_a_moment_ago_is_a_seed_as_soon_as_it_is_known(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.add(replace(JAZZ[0], track_no=TrackNo(50), track_id="new", name="Brand New", artists=("Newcomer",)))
    answers: list[dict[str, Any]] = []

    async def known() -> bool:
        answers.append((await generate(client, seeds={"tracks": ["new"]}, length=3)).json())
        return not any(note["code"] == "unknown_tracks" for note in answers[-1]["notes"])

    await eventually(known)
    assert {item["reason"]["code"] for item in answers[-1]["items"]} == {"chosen_track"}
