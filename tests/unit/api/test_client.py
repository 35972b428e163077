"""Segue's own client against the API."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from api.app import create_app
from segue.client import AsyncSegue, Segue, sent_event
from segue.client.errors import ApiChanged, ApiConflict, ApiInvalidInput, ApiKafkaUnavailable, ApiNotFound
from segue.client.generated.shapes import Bounds, Seeds, WantedTracks
from segue.stores.postgres.history import PastEvent
from tests.unit.api.conftest import World, listening
from tests.unit.api.made import row

pytestmark = pytest.mark.anyio


@pytest.fixture
async def segue(world: World) -> AsyncIterator[AsyncSegue]:
    with ThreadPoolExecutor(4) as executor:
        app = create_app(world.services(executor))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with app.router.lifespan_context(app), AsyncSegue("http://segue.test", transport=transport) as client:
            yield client


async def test_recommendations_with_reasons(world: World, segue: AsyncSegue) -> None:
    world.redis.rows["ada"] = row(1, 2, 3)
    answer = await segue.recommend_user("ada", n=3, filters=WantedTracks(genres=["jazz"], features={"tempo": Bounds(max=108)}))
    assert (answer.user_id, answer.state.events, answer.model_version, len(answer.items)) == ("ada", 3, "v1", 3)
    assert {item.track_id for item in answer.items} <= {f"t{number}" for number in range(4, 9)}
    assert all(item.reason.text for item in answer.items)


async def test_songs_like_one(segue: AsyncSegue) -> None:
    answer = await segue.recommend_song("t1", n=2, mood=["sad", "calm"], explicit=False)
    assert (answer.track_id, len(answer.items)) == ("t1", 2)


async def test_sessions_playlists_and_groups(segue: AsyncSegue) -> None:
    assert len((await segue.recommend_session(["t1", "t2"], n=4)).items) == 4
    assert len((await segue.recommend_playlist(tracks=["t9"], title="rock", n=4)).items) == 4
    assert [member.user_id for member in (await segue.recommend_group(["ada", "bob"])).members] == ["ada", "bob"]


async def test_playlists_from_prompts(segue: AsyncSegue) -> None:
    made = await segue.generate_playlist(seeds=Seeds(genres=["jazz"]), length=3, title="Late", save=True, user_id="ada")
    assert made.saved is not None
    assert [item.track_id for item in made.items] == [
        track.track_id for track in (await segue.get_playlist(made.saved.playlist_id)).tracks
    ]


async def test_events_reach_kafka_with_the_ids_of_the_client(world: World, segue: AsyncSegue) -> None:
    event = sent_event("play", "ada", "t1", ms_played=1_000)
    answer = await segue.post_events([event])
    assert [(one.status, one.event_id) for one in answer.events] == [("accepted", str(event.event_id))]
    assert world.kafka.taken == [event]


async def test_a_history_page_by_page(world: World, segue: AsyncSegue) -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    told = [
        PastEvent(uuid.UUID(int=n), "play", f"t{n}", at + timedelta(minutes=n), None, None, None, None, None) for n in range(1, 8)
    ]
    world.postgres.histories["ada"] = told
    found = [event.track_id async for event in segue.iter_history("ada", limit=3)]
    assert found == ["t7", "t6", "t5", "t4", "t3", "t2", "t1"]


async def test_a_search_page_by_page(segue: AsyncSegue) -> None:
    assert len([track async for track in segue.iter_search_tracks("song", limit=5)]) == 16


async def test_errors_are_segues_own(world: World, segue: AsyncSegue) -> None:
    with pytest.raises(ApiNotFound, match="'t99' is not in the catalogue"):
        await segue.get_track("t99")
    with pytest.raises(ApiInvalidInput, match="n: ") as raised:
        await segue.recommend_user("ada", n=0)
    assert [wrong.field for wrong in raised.value.fields] == ["n"]


async def test_a_change_of_what_somebody_else_changed_is_a_conflict_that_names_the_version(segue: AsyncSegue) -> None:
    seen = await segue.create_playlist("Mix", playlist_id="mix", track_ids=["t1", "t2", "t3"])
    theirs = await segue.change_playlist("mix", name="Theirs", if_match=seen.version)
    with pytest.raises(ApiChanged) as raised:
        await segue.add_tracks("mix", ["t9"], position=0, if_match=seen.version)
    assert (raised.value.code, raised.value.version) == ("playlist_changed", theirs.version)
    mine = await segue.add_tracks("mix", ["t9"], position=0, if_match=raised.value.version)
    assert [track.track_id for track in mine.tracks] == ["t9", "t1", "t2", "t3"]
    left = await segue.remove_tracks("mix", position=[0, 1], if_match=mine.version)
    assert [track.track_id for track in left.tracks] == ["t2", "t3"]
    with pytest.raises(ApiConflict):
        await segue.delete_playlist("mix", if_match=mine.version)
    await segue.delete_playlist("mix", if_match=left.version)
    with pytest.raises(ApiNotFound):
        await segue.get_playlist("mix")


async def test_events_of_which_only_some_are_stored_say_which(world: World) -> None:
    world.kafka.refused.add("bob")
    with ThreadPoolExecutor(4) as executor:
        app = create_app(world.services(executor))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)

        async def at_once(_seconds: float) -> None: ...

        async with (
            app.router.lifespan_context(app),
            AsyncSegue("http://segue.test", transport=transport, sleep=at_once) as client,
        ):
            with pytest.raises(ApiKafkaUnavailable) as raised:
                await client.post_events([sent_event("play", "ada", "t1"), sent_event("play", "bob", "t1")])
    assert (raised.value.document["accepted"], raised.value.document["undelivered"]) == (1, 1)


def test_the_blocking_client_over_a_real_connection(world: World, wait_until: Callable[..., None]) -> None:
    world.redis.rows["ada"] = row(1, 2, 3)
    with listening(world, wait_until) as base_url, Segue(base_url) as client:
        assert client.readyz().status == "ok"
        assert "segue_api_requests_total" in client.metrics()
        assert client.get_user("ada").top_tracks[0].track_id in {"t1", "t2", "t3"}
        assert [track.track_id for track in client.iter_search_tracks("song j")] == ["t9"]
