"""One track, several, their sound, and what a client that has them already is told."""

from __future__ import annotations

import httpx
import pytest

from segue.catalogue import key_name
from tests.unit.api.conftest import World, empty_world, ids
from tests.unit.api.made import track

pytestmark = pytest.mark.anyio


async def test_a_track_that_did_not_change_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/tracks/t9")
    again = await client.get("/tracks/t9", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert (await client.get("/tracks/t9", headers={"if-none-match": '"other", W/' + first.headers["etag"]})).status_code == 304
    assert (await client.get("/tracks/t10", headers={"if-none-match": first.headers["etag"]})).status_code == 200
    assert first.headers["cache-control"] == "private, no-cache"


async def test_several_tracks_in_their_order(client: httpx.AsyncClient) -> None:
    answer = await client.get("/tracks", params={"id": ["t9", "nothing", "t1", "t9"]})
    assert (ids(answer), answer.json()["missing"]) == (["t9", "t1"], ["nothing"])


@pytest.mark.parametrize("query", ["", "id=", "id=%20a", "&".join(f"id=t{at}" for at in range(101))])
async def test_a_wrong_batch_is_refused(client: httpx.AsyncClient, query: str) -> None:
    assert (await client.get(f"/tracks?{query}")).status_code == 422


async def test_the_sound_and_its_ranks(client: httpx.AsyncClient) -> None:
    body = (await client.get("/tracks/t16/audio")).json()
    assert (body["mood"], body["key"], body["features"]["tempo"]) == ("happy", "C♯ major", 116.0)
    assert (body["ranks"]["tempo"], body["ranks"]["valence"], body["ranks"]["liveness"]) == (0.9375, 0.5, 0.0)
    # Rock is the louder half: eight tracks at valence 0.8, with tempos from 109 to 116 in a catalogue of 101 to 116.
    assert body["genre"] == "rock"
    assert (body["genre_ranks"]["tempo"], body["genre_ranks"]["valence"], body["genre_ranks"]["liveness"]) == (0.75, 0.5, 0.0)


async def test_ranks_need_a_model() -> None:
    world = empty_world([track(1, "jazz"), track(2, "jazz", features=None)])
    async with world.serving() as client:
        body = (await client.get("/tracks/t1/audio")).json()
        assert (body["ranks"], body["degraded"], body["mood"]) == ({}, ["model"], "sad")
        silent = (await client.get("/tracks/t2/audio")).json()
        assert (silent["genre"], silent["genre_ranks"]) == (None, {})
        assert (silent["features"], silent["mood"], silent["key"], silent["degraded"]) == (None, None, None, [])


async def test_similar_is_the_plain_song_question(world: World, client: httpx.AsyncClient) -> None:
    similar = await client.get("/tracks/t9/similar", params={"n": 3})
    assert ids(similar) == ids(await client.get("/recommend/song/t9", params={"n": 3}))
    assert (await client.get("/tracks/t99/similar")).status_code == 404


@pytest.mark.parametrize(("key", "mode", "name"), [(0, 1, "C major"), (9, 0, "A minor"), (11, 1, "B major"), (-1, 1, None)])
def test_keys_have_names(key: int, mode: int, name: str | None) -> None:
    assert key_name(key, mode) == name
