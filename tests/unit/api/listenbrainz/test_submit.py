"""Listens become plays; what is wrong with one is said, and then nothing of the request is stored."""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from segue.events import CatalogueTrack
from tests.unit.api.conftest import SETTINGS, World, eventually
from tests.unit.api.listenbrainz.conftest import token
from tests.unit.api.made import track

pytestmark = pytest.mark.anyio

SUBMIT = "/1/submit-listens"
MBID = "7e4bb014-51d5-4943-adb1-683e066a5220"
AT = 1_763_000_000


def listen(title: str = "Song a", artist: str = "Artist 1", at: Any = AT, **info: Any) -> dict[str, Any]:
    """Of the catalogue's track t1 unless it says otherwise."""
    return {"listened_at": at, "track_metadata": {"track_name": title, "artist_name": artist, "additional_info": info}}


def song(title: str, artist: str, **info: Any) -> dict[str, Any]:
    return listen(title, artist, **info)


async def submit(
    client: httpx.AsyncClient, headers: dict[str, str], *listens: dict[str, Any], kind: str = "import"
) -> httpx.Response:
    return await client.post(SUBMIT, headers=headers, json={"listen_type": kind, "payload": list(listens)})


def played(world: World) -> list[str]:
    return [event.track_id for event in world.kafka.taken]


def published(world: World) -> list[CatalogueTrack]:
    return [record for _, _, record in world.kafka.records if isinstance(record, CatalogueTrack)]


async def test_a_listen_becomes_a_play_of_the_track_that_has_its_name(
    world: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    answer = await submit(client, alice, listen("Song b", "Artist 1", duration_played=42), kind="single")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    (event,) = world.kafka.taken
    assert (event.type, event.user_id, event.track_id) == ("play", "alice", "t1")
    assert (event.occurred_at, event.ms_played) == (datetime.fromtimestamp(AT, UTC), 42_000)
    assert event.source == "listenbrainz"


async def test_a_listen_that_is_sent_again_is_the_same_event(
    world: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    await submit(client, alice, listen("Nobody Knows It", "Nobody", at=AT))
    world.postgres.add(track(20, "jazz", name="Nobody Knows It", artists=("Nobody",)))
    await submit(client, alice, listen("nobody knows it", "NOBODY", at=str(AT)))
    first, again = world.kafka.taken
    assert first.event_id == again.event_id
    assert first.event_id.version == 7


async def test_other_times_songs_and_listeners_are_other_events(
    world: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    bob = token(world.postgres.keys.add("events", user_id="bob"))
    await submit(client, alice, listen(at=AT), listen(at=AT + 1), listen("Song c", "Artist 2", at=AT))
    await submit(client, bob, listen(at=AT))
    assert len({event.event_id for event in world.kafka.taken}) == 4


@pytest.mark.parametrize(
    ("sent", "track_id"),
    [
        (song("Song b (2011 Remaster)", "Artist 1"), "t1"),
        (song("SÓNG B", "ARTIST 1"), "t1"),
        (song("Song b", "Artist 1 feat. Somebody Else"), "t1"),
        (song("Song b feat. Somebody Else", "Artist 1"), "t1"),
        (song("Song b", "Artist 1, Artist 2"), "t1"),
        (song("Song b", "Someone & Else", artist_names=["Artist 1", "Else"]), "t1"),
        (
            song("No Matter", "What", spotify_id="https://open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC?si=1"),
            "4uLU6hMCjMI75M1A2tKUQC",
        ),
        (song("No Matter", "What", spotify_id="spotify:track:4uLU6hMCjMI75M1A2tKUQC"), "4uLU6hMCjMI75M1A2tKUQC"),
        (song("No Matter", "What", recording_mbid=MBID.upper()), MBID),
        (song("Simon", "Earth, Wind & Fire"), "whole"),
    ],
)
async def test_songs_are_found_by_id_and_by_name(
    world: World, alice: dict[str, str], sent: dict[str, Any], track_id: str
) -> None:
    for number, known in enumerate(("4uLU6hMCjMI75M1A2tKUQC", MBID), 20):
        world.postgres.add(track(number, "jazz", track_id=known))
    world.postgres.add(track(22, "jazz", track_id="whole", name="Simon", artists=("Earth, Wind & Fire",)))
    world.postgres.add(track(23, "jazz", track_id="part", name="Simon", artists=("Earth",)))
    async with world.serving() as client:
        assert (await submit(client, alice, sent)).status_code == 200
    assert played(world) == [track_id]
    assert world.kafka.records == []


async def test_of_several_versions_the_named_one_is_meant_then_the_album_then_the_best_known(
    world: World, alice: dict[str, str]
) -> None:
    for number, title, album, popularity in ((20, "Go", "First", 10), (21, "Go", "Hits", 50), (22, "Go (Live)", "Stage", 90)):
        world.postgres.add(track(number, "rock", name=title, artists=("Who",), album=album, popularity=popularity))
    async with world.serving() as client:
        live, plain, first = song("Go (Live)", "Who"), song("Go", "Who"), song("Go", "Who")
        first["track_metadata"]["release_name"] = "first"
        await submit(client, alice, live, plain, first, song("Go (Demo)", "Who"))
    assert played(world) == ["t22", "t21", "t20", "t22"]


async def test_a_renamed_track_is_found_by_its_new_name_only(world: World, alice: dict[str, str]) -> None:
    world.postgres.add(track(20, "rock", name="Before", artists=("Who",)))
    async with world.serving() as client:
        await submit(client, alice, song("Before", "Who"))
        world.postgres.add(track(20, "rock", name="After", artists=("Who",)))

        async def found() -> bool:
            await submit(client, alice, song("After", "Who"))
            return played(world)[-1] == "t20"

        await eventually(found)
        await submit(client, alice, song("Before", "Who"))
    assert played(world)[-1] != "t20"


async def test_an_unknown_song_becomes_a_track_before_its_listen_is_sent(
    world: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    sent = song("New", "Newcomer", artist_names=["Newcomer", "Guest"], recording_mbid=MBID, duration=200)
    sent["track_metadata"]["release_name"] = "Debut"
    await submit(client, alice, sent)
    (record,) = published(world)
    assert world.kafka.records[0][:2] == ("catalogue", f"lb:{MBID}")
    assert (record.track_id, record.name, record.artists) == (f"lb:{MBID}", "New", ("Newcomer", "Guest"))
    assert (record.album, record.duration_ms, record.source) == ("Debut", 200_000, "listenbrainz")
    assert played(world) == [f"lb:{MBID}"]


async def test_an_unknown_song_is_one_track_whoever_names_it_and_is_published_once(
    world: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    bob = token(world.postgres.keys.add("events", user_id="bob"))
    await submit(client, alice, *(song("New", "Newcomer", at=AT + number) for number in range(3)))
    await submit(client, bob, song("NEW", "newcomer", recording_mbid=MBID))
    assert len(set(played(world))) == 1
    assert len(published(world)) == 1


async def test_songs_without_a_word_are_told_apart(world: World, client: httpx.AsyncClient, alice: dict[str, str]) -> None:
    await submit(client, alice, song("???", "!!!"), song("...", "!!!"), song("???", "***"))
    assert len(set(played(world))) == 3
    assert len({event.event_id for event in world.kafka.taken}) == 3


async def test_a_listener_adds_so_many_tracks_a_day_and_the_listens_of_others_wait_for_their_names(
    world: World, alice: dict[str, str]
) -> None:
    world.settings = world.settings.model_copy(update={"listenbrainz_new_tracks_per_day": 2})
    async with world.serving() as client:
        await submit(client, alice, *(song(f"Unheard {number}", "Of") for number in range(5)))
        assert [record.name for record in published(world)] == ["Unheard 0", "Unheard 1"]
        assert len(set(played(world))) == 5
        world.now_s += 86_400
        await submit(client, alice, song("Unheard 4", "Of", at=AT + 1))
        assert published(world)[-1].track_id == played(world)[-1] == played(world)[4]
        text = (await client.get("/metrics", headers=token(world.postgres.keys.add("admin")))).text
    assert 'segue_api_listened_songs_total{outcome="unnamed"} 3.0' in text
    assert 'segue_api_listened_songs_total{outcome="new"} 3.0' in text


async def test_the_catalogue_learns_so_many_tracks_in_all(world: World, alice: dict[str, str]) -> None:
    world.settings = world.settings.model_copy(update={"listenbrainz_tracks": 1})
    world.postgres.add(track(20, "rock", track_id="lb:0"))
    async with world.serving() as client:
        assert (await submit(client, alice, song("Unheard", "Of"))).status_code == 200
    assert world.kafka.records == []
    assert len(world.kafka.taken) == 1


async def test_nothing_is_ok_that_kafka_does_not_have(world: World, client: httpx.AsyncClient, alice: dict[str, str]) -> None:
    world.kafka.refused = {"alice"}
    answer = await submit(client, alice, listen(), song("New", "Newcomer"))
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, 503, "5")
    world.kafka.refused = set()
    world.kafka.away = True
    assert (await submit(client, alice, song("Newer", "Newcomer"))).json()["problem"] == "kafka_unavailable"
    world.kafka.away = False
    assert (await submit(client, alice, song("Newer", "Newcomer"))).status_code == 200
    assert published(world)[-1].name == "Newer"


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (0, "before October 2002"),
        (-1, "before October 2002"),
        (1_033_430_399, "before October 2002"),
        (AT * 1_000, "not milliseconds"),
        (4_000_000_000, "lies in the future"),
        (None, "listened_at is missing"),
        ("", "listened_at is missing"),
        ("yesterday", "listened_at is no number"),
        ("nan", "listened_at is no number"),
        (1e300, "lies in the future"),
        ([1], "Expected"),
    ],
)
async def test_impossible_times_are_refused(
    world: World, client: httpx.AsyncClient, alice: dict[str, str], at: Any, reason: str
) -> None:
    answer = await submit(client, alice, listen(), listen(at=at))
    assert (answer.status_code, answer.json()["code"]) == (400, 400)
    assert reason in answer.json()["error"]
    assert "payload[1]" in answer.json()["error"] or "Expected" in reason
    assert world.kafka.taken == []


async def test_a_players_clock_that_is_ahead_counts_as_now(
    world: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    ahead = int(time.time()) + 3_000
    assert (await submit(client, alice, listen(at=ahead))).status_code == 200
    assert abs(world.kafka.taken[0].occurred_at.timestamp() - time.time()) < 60
    assert (await submit(client, alice, listen(at=1_033_430_400))).status_code == 200


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"track_name": "  "}, "track_name is empty"),
        ({"artist_name": ""}, "artist_name is empty"),
        ({"artist_name": ["A"]}, "Expected `str`"),
        ({"track_name": None}, "Expected `str`"),
        ({"track_name": "x" * 1_001}, "longer than 1000"),
        ({"release_name": "a\x00b"}, "NUL"),
        ({"additional_info": {"recording_mbid": "not-an-id"}}, "recording_mbid"),
        ({"additional_info": {"duration_ms": "long"}}, "duration_ms is no number"),
        ({"additional_info": {"duration": 1e9}}, "duration is over"),
        ({"additional_info": {"artist_names": ["\x00"]}}, "artist_names has a NUL"),
        ({"additional_info": []}, "Expected"),
    ],
)
async def test_wrong_metadata_is_refused(
    world: World, client: httpx.AsyncClient, alice: dict[str, str], change: dict[str, Any], reason: str
) -> None:
    wrong = listen()
    wrong["track_metadata"] |= change
    answer = await submit(client, alice, wrong, kind="single")
    assert (answer.status_code, answer.json()["problem"]) == (400, "invalid_listen")
    assert reason in answer.json()["error"]
    assert world.kafka.taken == []


@pytest.mark.parametrize(
    "info",
    [
        None,
        {"recording_mbid": "", "spotify_id": "", "duration_ms": "", "artist_names": None},
        {"duration": 0, "duration_ms": -1, "duration_played": 0},
        {"duration": 200, "duration_ms": 200_000, "tracknumber": "3/12", "tags": ["x"] * 500, "position_ms": {"deep": []}},
        {"duration": "200", "spotify_id": "https://example.org/"},
    ],
)
async def test_what_players_are_known_to_send_is_taken(
    world: World, client: httpx.AsyncClient, alice: dict[str, str], info: dict[str, Any] | None
) -> None:
    sent = listen() | {"inserted_at": 1}
    sent["track_metadata"] |= {"additional_info": info, "release_name": "", "mbid_mapping": {}}
    assert (await submit(client, alice, sent, kind="single")).json() == {"status": "ok"}
    assert world.kafka.taken[0].ms_played is None


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b'{"listen_type": "import", "payload": [{"track_metadata": \xff}]}', "malformed_json"),
        (b"[" * 5_000 + b"]" * 5_000, "invalid_listen"),
        (b"[]", "invalid_listen"),
        (b'{"listen_type": "scrobble", "payload": []}', "invalid_listen"),
        (b'{"listen_type": "import", "payload": []}', "wrong_number_of_listens"),
        (b'{"listen_type": "import"}', "invalid_listen"),
        (b'{"listen_type": "import", "payload": [null]}', "invalid_listen"),
        (b'{"listen_type": "single", "payload": [{}, {}]}', "wrong_number_of_listens"),
        (b'{"listen_type": "import", "payload": [{"track_metadata": null}]}', "invalid_listen"),
        (b'{"listen_type": "single", "payload": [{"x": "' + b"y" * 11_000 + b'"}]}', "listens_too_large"),
        (b'{"listen_type": "single", "payload": ["' + b"y" * 21_000 + b'"]}', "body_too_large"),
    ],
)
async def test_a_body_that_is_no_submission_is_refused_with_400(
    world: World, client: httpx.AsyncClient, alice: dict[str, str], body: bytes, problem: str
) -> None:
    answer = await client.post(SUBMIT, headers=alice, content=body)
    assert (answer.status_code, answer.json()["code"], answer.json()["problem"]) == (400, 400, problem)
    assert world.kafka.taken == []


async def test_a_thousand_listens_are_taken_and_one_more_is_not(world: World, alice: dict[str, str]) -> None:
    world.settings = world.settings.model_copy(update={"listenbrainz_max_body_bytes": 10_240_000})
    async with world.serving() as client:
        many = [listen(at=AT + number) for number in range(1_001)]
        assert (await submit(client, alice, *many)).json()["problem"] == "wrong_number_of_listens"
        assert (await submit(client, alice, *many[:-1])).status_code == 200
    assert len(world.kafka.taken) == 1_000


async def test_what_is_playing_now_is_kept_for_as_long_as_it_lasts_and_is_no_play(
    world: World, client: httpx.AsyncClient, alice: dict[str, str]
) -> None:
    told: dict[int, dict[str, Any]] = {
        212: {"duration_ms": 211_500},
        211: {"duration": 211},
        600: {},
        7_200: {"duration": 86_400},
    }
    for lasts_s, info in told.items():
        now = listen(**info)
        del now["listened_at"]
        assert (await submit(client, alice, now, kind="playing_now")).json() == {"status": "ok"}
        stored, ttl_s = world.players.shown["alice"]
        assert (json.loads(stored), ttl_s) == (now["track_metadata"], lasts_s)
    assert world.kafka.taken == []
    assert world.kafka.records == []
    world.players.away = True
    assert (await submit(client, alice, now, kind="playing_now")).json()["problem"] == "redis_unavailable"


async def test_while_redis_is_away_listens_are_taken(world: World, client: httpx.AsyncClient, alice: dict[str, str]) -> None:
    world.rates.away = world.players.away = world.redis.away = True
    assert (await submit(client, alice, song("New", "Newcomer", recording_mbid=MBID))).status_code == 200
    assert len(published(world)) == 1


async def test_who_has_no_token_is_told_so(world: World, client: httpx.AsyncClient) -> None:
    answer = await submit(client, {}, listen())
    assert (answer.status_code, answer.json()["code"]) == (401, 401)
    reader = token(world.postgres.keys.add("read", user_id="alice"))
    assert (await submit(client, reader, listen())).json()["problem"] == "insufficient_scope"


async def test_without_keys_the_token_names_the_listener(world: World) -> None:
    world.settings = SETTINGS
    async with world.serving() as client:
        assert (await submit(client, token("carol"), listen())).status_code == 200
        refused = await submit(client, token(str(uuid.uuid4())), listen())
        assert (refused.status_code, refused.json()["problem"]) == (401, "not_a_name")
        assert (await submit(client, {}, listen())).status_code == 401
    assert [event.user_id for event in world.kafka.taken] == ["carol"]
