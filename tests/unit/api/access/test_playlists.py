"""Whose playlists a listener's token sees and changes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.unit.api.access.conftest import bearer
from tests.unit.api.access.test_matrix import token_of
from tests.unit.api.conftest import World

pytestmark = pytest.mark.anyio


async def make(client: httpx.AsyncClient, headers: dict[str, str], **body: Any) -> httpx.Response:
    return await client.post("/playlists", json={"playlist_id": "mix", "name": "Mix", **body}, headers=headers)


async def test_a_token_makes_its_own_listeners_playlist(world: World, client: httpx.AsyncClient) -> None:
    made = await make(client, bearer(await token_of("ada", world, client)))
    assert (made.status_code, made.json()["owner_id"]) == (201, "ada")


async def test_a_private_playlist_is_the_owners_and_a_public_one_is_read_by_all(world: World, client: httpx.AsyncClient) -> None:
    ada, bob = bearer(await token_of("ada", world, client)), bearer(await token_of("bob", world, client))
    await make(client, ada)
    assert (await client.get("/playlists/mix", headers=ada)).status_code == 200
    assert (await client.get("/playlists/mix", headers=bob)).json()["code"] == "not_your_data"
    await client.patch("/playlists/mix", json={"public": True}, headers=ada)
    assert (await client.get("/playlists/mix", headers=bob)).status_code == 200
    for refused in (
        await client.patch("/playlists/mix", json={"name": "Bob's"}, headers=bob),
        await client.delete("/playlists/mix", headers=bob),
        await client.post("/playlists/mix/tracks", json={"track_ids": ["t1"]}, headers=bob),
        await client.delete("/playlists/mix/tracks", params={"track_id": "t1"}, headers=bob),
    ):
        assert (refused.status_code, refused.json()["code"]) == (403, "not_your_data")


async def test_what_nobody_owns_is_changed_by_keys_only(world: World, client: httpx.AsyncClient) -> None:
    key = bearer(world.postgres.keys.add("read", "events"))
    ada = bearer(await token_of("ada", world, client))
    assert (await make(client, key)).json()["owner_id"] is None
    assert (await client.get("/playlists/mix", headers=ada)).status_code == 200
    assert (await client.patch("/playlists/mix", json={"name": "Hers"}, headers=ada)).json()["code"] == "not_your_data"
    assert (await client.patch("/playlists/mix", json={"name": "Ours"}, headers=key)).status_code == 200


async def test_a_token_generates_and_saves_for_its_own_listener_only(world: World, client: httpx.AsyncClient) -> None:
    ada = bearer(await token_of("ada", world, client))
    saved = {"title": "Mix", "save": True}
    made = await client.post("/playlists/generate", json=saved, headers=ada)
    assert (made.status_code, made.json()["saved"]["owner_id"], made.json()["user_id"]) == (201, "ada", None)
    refused = await client.post("/playlists/generate", json=saved | {"user_id": "bob"}, headers=ada)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_your_data")


async def test_who_may_only_read_generates_and_does_not_save(world: World, client: httpx.AsyncClient) -> None:
    saved = {"user_id": "ada", "title": "Mix", "save": True}
    for headers in (bearer(world.postgres.keys.add("read")), bearer(world.postgres.keys.add("read", user_id="ada"))):
        assert (await client.post("/playlists/generate", json={"user_id": "ada"}, headers=headers)).status_code == 200
        refused = await client.post("/playlists/generate", json=saved, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    assert world.kafka.records == []
