"""Profiles through the API, real Kafka, a processor and Postgres; who was deleted, and returns by one."""

from __future__ import annotations

import asyncio
import uuid

import httpx
import pytest

from infra.local.stack import LocalStack
from segue.settings import Settings
from tests.integration.conftest import api

pytestmark = pytest.mark.stack


def somebody() -> str:
    return f"user-{uuid.uuid4().hex[:8]}"


async def put(client: httpx.AsyncClient, user_id: str, name: str, status: int = 200) -> httpx.Response:
    answer = await client.put(f"/users/{user_id}", json={"display_name": name, "genres": ["jazz"]})
    assert answer.status_code == status, answer.text
    return answer


async def gone(client: httpx.AsyncClient, receipt: httpx.Response) -> None:
    """Wait until a deletion is done."""
    async with asyncio.timeout(20):
        while (await client.get(receipt.headers["Location"])).json()["status"] != "done":  # noqa: ASYNC110 - behind HTTP
            await asyncio.sleep(0.02)


@pytest.mark.usefixtures("processor")
def test_a_profile_is_seen_when_it_is_answered(settings: Settings) -> None:
    async def act() -> None:
        user_id = somebody()
        async with api(settings) as client:
            for name in ("Ann", "Änn 🎷", "Ann again"):
                answer = await put(client, user_id, name)
                read = (await client.get(f"/users/{user_id}")).json()
                assert (read["display_name"], read["genres"]) == (name, ["jazz"])
                assert (answer.json()["applied"], answer.json()["created_at"]) == (True, read["created_at"])
                assert answer.json()["returned_at"] is None

    asyncio.run(act())


@pytest.mark.usefixtures("processor")
def test_of_many_profiles_at_once_every_reader_sees_the_last_in_the_log(settings: Settings) -> None:
    async def act() -> None:
        user_id = somebody()
        async with api(settings) as one, api(settings) as other:
            names = [f"Name {number}" for number in range(12)]
            await asyncio.gather(*(put((one, other)[at % 2], user_id, name) for at, name in enumerate(names)))
            read = [(await client.get(f"/users/{user_id}")).json()["display_name"] for client in (one, other)]
            assert read[0] in names
            assert read[0] == read[1]

    asyncio.run(act())


@pytest.mark.usefixtures("processor")
def test_who_was_deleted_returns_by_a_profile_with_nothing_of_before(settings: Settings) -> None:
    async def act() -> None:
        user_id = somebody()
        event = {"type": "play", "user_id": user_id, "track_id": "t1"}
        async with api(settings) as client:
            await put(client, user_id, "First")
            last = (await client.post("/events", json=event)).json()["events"][0]["event_id"]
            waiting = {"min_event_id": last, "max_wait_ms": 10_000, "require_event": True}
            assert (await client.get(f"/users/{user_id}", params=waiting)).status_code == 200
            await gone(client, await client.delete(f"/users/{user_id}"))
            assert (await client.get(f"/users/{user_id}")).status_code == 404
            back = (await put(client, user_id, "Second")).json()
            assert back["returned_at"] is not None
            export = (await client.get(f"/users/{user_id}/export")).json()
            assert (export["user"]["display_name"], export["user"]["returned_at"]) == ("Second", back["returned_at"])
            assert (export["events"], export["tracks"]) == ([], [])
            assert (await client.get(f"/users/{user_id}")).json()["state"]["events"] == 0

    asyncio.run(act())


@pytest.mark.usefixtures("processor")
def test_a_profile_sent_behind_a_deletion_that_is_under_way_is_a_return_too(settings: Settings) -> None:
    async def act() -> None:
        user_id = somebody()
        async with api(settings) as client:
            await put(client, user_id, "First")
            receipt = await client.delete(f"/users/{user_id}")
            back = await put(client, user_id, "Second")
            await gone(client, receipt)
            read = (await client.get(f"/users/{user_id}")).json()
            assert (read["display_name"], back.json()["returned_at"] is not None) == ("Second", True)

    asyncio.run(act())


def test_without_processors_a_profile_is_stored_and_seen_later(stack: LocalStack, settings: Settings) -> None:
    quick = settings.model_copy(update={"api_profile_wait_s": 0.1})

    async def act() -> None:
        user_id = somebody()
        async with api(quick) as client:
            answer = await put(client, user_id, "Later", 202)
            assert answer.json()["applied"] is False
            assert (await client.get(f"/users/{user_id}")).status_code == 404
            stack.start("process-1")
            async with asyncio.timeout(30):
                while (await client.get(f"/users/{user_id}")).status_code == 404:  # noqa: ASYNC110 - behind HTTP
                    await asyncio.sleep(0.05)

    stack.stop("process-1")
    try:
        asyncio.run(act())
    finally:
        stack.stop("process-1")
