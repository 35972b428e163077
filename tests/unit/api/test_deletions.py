"""`DELETE /users/{user_id}`: in the log before it is answered, with a receipt that tells the truth."""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, datetime

import httpx
import pytest

from segue.stores.postgres.playlists import Playlist
from segue.topics import PLAYLISTS, USERS
from tests.unit.api.access.conftest import bearer
from tests.unit.api.conftest import World

pytestmark = pytest.mark.anyio


def own(world: World, *playlist_ids: str, owner: str = "ann") -> None:
    for number, playlist_id in enumerate(playlist_ids, 1):
        made_at = datetime(2026, 11, 1, tzinfo=UTC)
        world.postgres.playlists[playlist_id] = Playlist(number, playlist_id, "List", owner, "test", made_at, ("t1",))


async def test_playlists_leave_the_log_before_their_owner(world: World, client: httpx.AsyncClient) -> None:
    own(world, "p1", "p2")
    own(world, "p3", owner="bob")
    answer = await client.delete("/users/ann")
    assert answer.status_code == 202
    assert world.kafka.records == [(PLAYLISTS, "p1", None), (PLAYLISTS, "p2", None), (USERS, "ann", None)]


async def test_a_receipt_says_what_was_found_is_done_and_remains(world: World, client: httpx.AsyncClient) -> None:
    asked = await client.delete("/users/ann")
    receipt = asked.json()
    assert (receipt["status"], receipt["done_at"]) == ("pending", None)
    assert receipt["found"] == {"profile": True, "events": 3, "tracks": 2, "blocks": 1, "playlists": 0, "keys": 0}
    requested_at = datetime.fromisoformat(receipt["requested_at"])
    stays = {one["what"]: one["until"] and datetime.fromisoformat(one["until"]) - requested_at for one in receipt["remains"]}
    days = {what: round(left.total_seconds()) if left else None for what, left in stays.items()}
    assert days == {
        "listening events in Kafka": None,
        "profile and playlists in Kafka": 120,
        "dead letters": 600,
        "models": None,
        "the user id": None,
    }
    assert (await client.get(asked.headers["Location"])).json() == receipt
    world.receipts.finish()
    done = (await client.get(asked.headers["Location"])).json()
    assert (done["status"], done["done_at"] is not None) == ("done", True)


async def test_asking_again_continues_a_deletion_under_way_and_repeats_one_that_is_done(
    world: World, client: httpx.AsyncClient
) -> None:
    first = (await client.delete("/users/ann")).json()["receipt_id"]
    second = (await client.delete("/users/ann")).json()["receipt_id"]
    world.receipts.finish()
    third = (await client.delete("/users/ann")).json()["receipt_id"]
    assert (second == first, third == first) == (True, False)
    assert world.kafka.records == 3 * [(USERS, "ann", None)]


async def test_a_receipt_is_of_one_user(client: httpx.AsyncClient) -> None:
    receipt_id = (await client.delete("/users/ann")).json()["receipt_id"]
    for path in (f"/users/bob/deletions/{receipt_id}", f"/users/ann/deletions/{uuid.uuid4()}"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await client.get("/users/ann/deletions/soon")).status_code == 422


async def test_a_user_id_of_any_signs_has_a_receipt(client: httpx.AsyncClient) -> None:
    asked = await client.delete("/users/m%C3%BCller%20%23%3F%25")
    assert asked.json()["user_id"] == "müller #?%"
    assert (await client.get(asked.headers["Location"])).json() == asked.json()


@pytest.mark.parametrize("server", ["kafka", "postgres"])
async def test_a_deletion_that_cannot_be_promised_is_not(world: World, client: httpx.AsyncClient, server: str) -> None:
    own(world, "p1")
    world.kafka.away, world.postgres.away = server == "kafka", server == "postgres"
    answer = await client.delete("/users/ann")
    assert (answer.status_code, answer.json()["code"]) == (503, f"{server}_unavailable")
    assert world.kafka.records == []


async def test_listeners_delete_themselves_and_keys_need_to_be_admins(world: World) -> None:
    world.settings = world.settings.model_copy(update={"api_keys_required": True})
    program, admin = world.postgres.keys.add("read", "events"), world.postgres.keys.add("admin")
    async with world.serving() as client:
        token = (await client.post("/tokens", json={"user_id": "ann"}, headers=bearer(program))).json()["token"]
        statuses = [
            (await client.delete(f"/users/{user_id}", headers=bearer(credential))).status_code
            for user_id, credential in [("ann", token), ("bob", token), ("ann", program), ("bob", admin)]
        ]
    assert statuses == [202, 403, 403, 202]
    assert world.kafka.records == [(USERS, "ann", None), (USERS, "bob", None)]


async def test_the_log_of_the_service_does_not_name_who_was_deleted(
    world: World, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        receipt_id = (await client.delete("/users/very-private-name")).json()["receipt_id"]
    told = [record.__dict__ for record in caplog.records if record.name.startswith(("api", "segue"))]
    assert receipt_id in str(told)
    assert "very-private-name" not in str(told)
