"""Ids with a slash in them: as %2F in a path they are one segment of it."""

from __future__ import annotations

import httpx
import pytest

from segue.events import PlaylistRecord
from tests.unit.api.access.conftest import bearer
from tests.unit.api.conftest import SETTINGS, World

pytestmark = pytest.mark.anyio

ANN = "cd/ann/history"


@pytest.mark.parametrize("sent", ["cd%2Fann%2Fhistory", "cd%2fann%2fhistory", "%63d%2Fann%2F%68istory"])
async def test_a_listener_with_slashes_is_read_and_deleted(world: World, client: httpx.AsyncClient, sent: str) -> None:
    put = await client.put(f"/users/{sent}", json={"display_name": "Ann"})
    assert (put.status_code, put.json()["user_id"]) == (200, ANN)
    assert (await client.get(f"/users/{sent}")).json()["display_name"] == "Ann"
    assert (await client.get(f"/users/{sent}/playlists")).json()["user_id"] == ANN
    deleted = await client.delete(f"/users/{sent}")
    assert (deleted.status_code, deleted.json()["user_id"]) == (202, ANN)
    assert (await client.get(deleted.headers["location"])).json()["user_id"] == ANN


async def test_a_playlist_with_a_slash_is_read_and_changed(world: World, client: httpx.AsyncClient) -> None:
    await client.post("/playlists", json={"playlist_id": "a/b", "name": "Mix", "track_ids": ["t1"]})
    assert (await client.patch("/playlists/a%2Fb", json={"name": "Other"})).status_code == 200
    assert (await client.get("/playlists/a%2Fb/export?format=csv")).status_code == 200
    assert world.kafka.records[-1] == (
        "playlists", "a/b", PlaylistRecord(playlist_id="a/b", name="Other", track_ids=("t1",), source="api")
    )  # fmt: skip


async def test_a_slash_that_is_none_is_a_sign_as_any_other(client: httpx.AsyncClient) -> None:
    put = await client.put("/users/a%252Fb", json={})
    assert (put.status_code, put.json()["user_id"]) == (200, "a%2Fb")


async def test_the_slashes_of_a_route_are_no_signs_of_an_id(client: httpx.AsyncClient) -> None:
    for path in ("/users/ann/history%2F", "/users%2Fann", "/users/ann%2Fhistory/"):
        assert (await client.get(path)).status_code == 404


async def test_a_key_with_a_slash_in_its_listener_opens_that_listener_s_data_only(world: World) -> None:
    world.settings = SETTINGS.model_copy(update={"api_keys_required": True})
    key = bearer(world.postgres.keys.add("read", "events", user_id="cd/ann"))
    async with world.serving() as client:
        assert (await client.put("/users/cd%2Fann", json={}, headers=key)).status_code == 200
        for other in ("cd", "ann", "cd%2Fbob", "cd%2F%2Fann", "cd%252Fann"):
            assert (await client.put(f"/users/{other}", json={}, headers=key)).json()["code"] == "not_your_data"
