"""Playlists through the API, real Kafka, a processor and Postgres: no acknowledged change is lost, whoever makes another."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import httpx
import pytest

from infra.local.stack import LocalStack
from segue.errors import PlaylistBusy
from segue.events import PlaylistRecord, UserRecord, encode
from segue.settings import Settings
from segue.stores.postgres.database import Database
from segue.stores.postgres.marks import move_mark
from segue.stores.postgres.playlist_writes import PlaylistWrites
from segue.stores.postgres.playlists import PlaylistStore
from segue.stores.postgres.verification import compare, drop_replay
from segue.topics import PLAYLISTS, USERS
from stream_processors.replay import replay
from tests.integration.conftest import api
from tests.publishing import publish_raw

pytestmark = pytest.mark.stack

PARTITION = 3
SCHEMA = "replay_of_playlists"


async def made(client: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    name = f"p-{uuid.uuid4().hex[:8]}"
    answer = await client.post("/playlists", json={"playlist_id": name, "owner_id": "ann", "name": name} | changes)
    assert answer.status_code == 201, answer.text
    return answer


async def retried(send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Sends until somebody else's turn is over."""
    async with asyncio.timeout(60):
        while (answer := await send()).json().get("code") == "playlist_busy":  # noqa: ASYNC110 - what is waited for is behind HTTP
            await asyncio.sleep(0.05)
    return answer


def test_one_writer_at_a_time_and_none_before_the_last_ones_record_is_stored(own_database: Database) -> None:
    writes = PlaylistWrites(own_database)
    with writes.turn("mix", PARTITION) as turn:
        assert turn.current is None
        with pytest.raises(PlaylistBusy, match="by somebody else"), writes.turn("mix", PARTITION):
            pass
        with writes.turn("other", PARTITION):
            pass
        assert turn.note(41) == 42
    with pytest.raises(PlaylistBusy, match="still on its way"), writes.turn("mix", PARTITION):
        pass
    move_marks(own_database, 0, 41)
    with pytest.raises(PlaylistBusy, match="still on its way"), writes.turn("mix", PARTITION):
        pass
    move_marks(own_database, 41, 42)
    with writes.turn("mix", PARTITION):
        pass


def move_marks(database: Database, expected: int, sequence: int) -> None:
    with database.transaction() as cursor:
        move_mark(cursor, PLAYLISTS, PARTITION, expected, sequence)


def test_a_turn_that_fails_leaves_nothing_behind(own_database: Database) -> None:
    writes = PlaylistWrites(own_database)
    with pytest.raises(ValueError, match="Kafka is away"), writes.turn("mix", PARTITION):
        raise ValueError("Kafka is away")
    with writes.turn("mix", PARTITION):
        pass


def test_what_a_replaced_log_took_with_it_is_not_waited_for(own_database: Database) -> None:
    writes = PlaylistWrites(own_database)
    move_marks(own_database, 0, 10)
    with writes.turn("mix", PARTITION) as turn:
        assert turn.note(99) == 100
    with own_database.transaction() as cursor:
        cursor.execute("update partition_marks set next_offset = 11, log_base = 11")
    with writes.turn("mix", PARTITION) as turn:
        assert turn.note(0) == 12


def test_writes_that_are_stored_are_forgotten(own_database: Database) -> None:
    writes = PlaylistWrites(own_database)
    for number in range(5):
        with writes.turn(f"p{number}", PARTITION) as turn:
            turn.note(number)
    move_marks(own_database, 0, 5)
    with writes.turn("last", PARTITION) as turn:
        turn.note(5)
    with own_database.transaction(read_only=True) as cursor:
        cursor.execute("select playlist_id from playlist_writes")
        assert cursor.fetchall() == [("last",)]


@pytest.mark.usefixtures("processor")
def test_a_change_is_seen_when_it_is_answered(settings: Settings, database: Database) -> None:
    async def act() -> None:
        async with api(settings.model_copy(update={"api_playlist_wait_s": 20.0})) as client:
            first = await made(client, track_ids=["a", "nobody-knows", "a"])
            playlist_id = first.json()["playlist_id"]
            for number in range(5):
                answer = await client.patch(f"/playlists/{playlist_id}", json={"name": f"Name {number}"})
                assert (answer.status_code, answer.json()["applied"]) == (200, True)
                read = await client.get(f"/playlists/{playlist_id}")
                assert read.json() == answer.json()
                assert read.headers["etag"] == answer.headers["etag"]
            assert (await client.delete(f"/playlists/{playlist_id}")).status_code == 204
            assert (await client.get(f"/playlists/{playlist_id}")).status_code == 404

    asyncio.run(act())


@pytest.mark.usefixtures("processor")
def test_of_many_clients_that_saw_one_version_one_wins_in_two_processes(settings: Settings, database: Database) -> None:
    async def act() -> None:
        async with api(settings) as one, api(settings) as other:
            first = await made(one)
            url, seen = f"/playlists/{first.json()['playlist_id']}", {"If-Match": first.headers["etag"]}
            changes = [partial((one, other)[at % 2].patch, url, json={"track_ids": [f"t{at}"]}, headers=seen) for at in range(12)]
            answers = await asyncio.gather(*map(retried, changes))
            won = [answer for answer in answers if answer.status_code == 200]
            assert [answer.json()["code"] for answer in answers if answer not in won] == ["playlist_changed"] * 11
            assert (await other.get(url)).json() == won[0].json()

    asyncio.run(act())


@pytest.mark.usefixtures("processor")
def test_no_addition_is_lost_and_a_replay_finds_the_same(settings: Settings, database: Database) -> None:
    async def act() -> str:
        async with api(settings) as one, api(settings) as other:
            playlist_id = str((await made(one)).json()["playlist_id"])
            url = f"/playlists/{playlist_id}/tracks"
            changes = [partial((one, other)[at % 2].post, url, json={"track_ids": [f"t{at}"]}) for at in range(20)]
            assert {answer.status_code for answer in await asyncio.gather(*map(retried, changes))} == {200}
            return playlist_id

    playlist_id = asyncio.run(act())
    found = PlaylistStore(database).get(playlist_id)
    assert found is not None
    assert sorted(found.track_ids) == sorted(f"t{number}" for number in range(20))
    replay(settings, "latest", SCHEMA, lambda *_: None)
    replayed = Database(settings.require_postgres(), schema=SCHEMA)
    again = PlaylistStore(replayed).get(playlist_id)
    assert again is not None
    assert (again.track_ids, again.version) == (found.track_ids, found.version)
    assert [one.different for one in compare(database, SCHEMA) if one.table == "playlists"] == [0]
    drop_replay(replayed)
    replayed.close()


@pytest.mark.usefixtures("processor")
def test_a_record_of_another_producer_is_a_new_version(
    settings: Settings, database: Database, wait_until: Callable[..., None]
) -> None:
    async def act() -> None:
        async with api(settings) as client:
            first = await made(client)
            playlist_id = first.json()["playlist_id"]
            theirs = PlaylistRecord(playlist_id=playlist_id, name="Theirs", track_ids=(), owner_id="ann")
            publish_raw(settings, [encode(theirs)], playlist_id.encode(), PLAYLISTS)
            store = PlaylistStore(database)
            wait_until(lambda: (store.get(playlist_id) or theirs).name == "Theirs", 20, "their record")
            late = await client.patch(
                f"/playlists/{playlist_id}", json={"name": "x"}, headers={"If-Match": first.headers["etag"]}
            )
            assert late.json()["code"] == "playlist_changed"

    asyncio.run(act())


@pytest.mark.usefixtures("processor")
def test_a_deleted_owner_makes_no_playlist(settings: Settings) -> None:
    owner = f"gone-{uuid.uuid4().hex[:8]}"
    publish_raw(settings, [encode(UserRecord(user_id=owner)), None], owner.encode(), USERS)

    async def act() -> None:
        async with api(settings) as client, asyncio.timeout(30):
            body = {"owner_id": owner, "name": "Mine"}
            while (answer := await client.post("/playlists", json=body)).status_code == 201:
                assert (await client.delete(f"/playlists/{answer.json()['playlist_id']}")).status_code in (204, 404)
            assert (answer.status_code, answer.json()["code"]) == (409, "playlist_refused")

    asyncio.run(act())


def test_without_processors_a_change_is_stored_and_the_next_one_waits(
    stack: LocalStack, settings: Settings, wait_until: Callable[..., None]
) -> None:
    quick = settings.model_copy(update={"api_playlist_wait_s": 0.1})
    playlist_id = f"waits-{uuid.uuid4().hex[:8]}"

    async def act() -> None:
        async with api(quick) as client:
            body = {"playlist_id": playlist_id, "name": "First", "owner_id": "ann"}
            first = await client.post("/playlists", json=body)
            assert (first.status_code, first.json()["applied"]) == (202, False)
            assert (await client.post("/playlists", json=body)).json()["code"] == "playlist_busy"
            stack.start("process-1")
            changed = await retried(lambda: client.patch(f"/playlists/{playlist_id}", json={"name": "Second"}))
            assert changed.json()["version"] > first.json()["version"]

    stack.stop("process-1")
    try:
        asyncio.run(act())
    finally:
        stack.stop("process-1")
