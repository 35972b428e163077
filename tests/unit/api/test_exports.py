"""`GET /users/{user_id}/export`: all of it, in bounded memory, whole or visibly not."""

from __future__ import annotations

import asyncio
import errno
import io
import socket
import tempfile
import threading
import tracemalloc
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from zipfile import ZipFile

import anyio
import httpx
import msgspec
import pytest

from api.exports import Exports, document
from api.listener_schemas import ExportShown
from segue.stores.postgres.exports import ExportedBlock, ExportedEvent, ExportedKey, ExportedTrack, ExportedUser, Part
from tests.parquet import rows_of
from tests.unit.api.access.conftest import bearer
from tests.unit.api.conftest import SETTINGS, World, eventually, listening

pytestmark = pytest.mark.anyio

AT = datetime(2026, 11, 1, tzinfo=UTC)
ANN = ExportedUser("ann", 'Ann "the" Müller', ("jazz",), 3, AT, AT, None)
USER: Part = ("user", (ANN,))


def events(first: int, count: int) -> Part:
    made = (uuid.UUID(int=number) for number in range(first, first + count))
    return "events", [ExportedEvent(one, "play", "t1", "Song b", ("A",), AT, 1_000, None, None, None, None) for one in made]


TRACKS: Part = ("tracks", [ExportedTrack("t1", 3, 0, 0, 1.5, "liked", AT)])
BLOCKS: Part = ("blocks", [ExportedBlock(None, "Some Artist", True, None)])
KEYS: Part = ("keys", [ExportedKey("segue_0123", "phone", ("read",), AT, None, None)])


def counts(export: ExportShown) -> tuple[int, ...]:
    return tuple(map(len, (export.events, export.tracks, export.blocks, export.playlists, export.keys)))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([USER], (0, 0, 0, 0, 0)),
        ([USER, events(0, 2), events(2, 1)], (3, 0, 0, 0, 0)),
        ([USER, events(0, 2), TRACKS, BLOCKS, KEYS], (2, 1, 1, 0, 1)),
        ([USER, BLOCKS], (0, 0, 1, 0, 0)),
        ([USER, KEYS], (0, 0, 0, 0, 1)),
        ([USER, TRACKS, KEYS], (0, 1, 0, 0, 1)),
    ],
)
async def test_any_sections_make_one_document(parts: list[Part], expected: tuple[int, ...]) -> None:
    export = msgspec.json.decode(b"".join(document(parts)), type=ExportShown)
    assert (export.format, export.user, counts(export)) == ("segue-export-1", ANN, expected)
    assert [event.event_id.int for event in export.events] == list(range(expected[0]))


async def test_a_download(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.exports["ann"] = [USER, events(0, 3), TRACKS]
    answer = await client.get("/users/ann/export")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == 'attachment; filename="segue-export.json"'
    assert counts(msgspec.json.decode(answer.content, type=ExportShown)) == (3, 1, 0, 0, 0)
    assert world.postgres.exporting == 0


async def test_what_is_wrong_at_first_is_a_problem(world: World, client: httpx.AsyncClient) -> None:
    assert (await client.get("/users/nobody/export")).status_code == 404
    world.postgres.away = True
    answer = await client.get("/users/ann/export")
    assert (answer.status_code, answer.json()["code"]) == (503, "postgres_unavailable")


async def test_an_export_that_breaks_off_is_not_whole(world: World, client: httpx.AsyncClient) -> None:
    def broken() -> Iterator[Part]:
        yield USER
        yield events(0, 3)
        world.postgres.away = True
        yield TRACKS

    world.postgres.exports["ann"] = broken()
    answer = await client.get("/users/ann/export")
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(answer.content)
    assert world.postgres.exporting == 0


async def test_as_many_exports_as_are_allowed_and_their_places_are_given_back(world: World, client: httpx.AsyncClient) -> None:
    goes_on = threading.Event()

    def slow() -> Iterator[Part]:
        yield USER
        goes_on.wait(20)
        yield events(0, 1)

    world.postgres.exports |= {"ann": Anew(slow), "bob": [USER]}
    answers: list[httpx.Response] = []

    async def download() -> None:
        answers.append(await client.get("/users/ann/export"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(download)
        tasks.start_soon(download)
        await eventually(lambda: _is(world.postgres.exporting == 2))
        refused = await client.get("/users/bob/export")
        assert world.metrics.registry.get_sample_value("segue_api_exports") == 2
        goes_on.set()
    assert (refused.status_code, refused.json()["code"], refused.headers["Retry-After"]) == (503, "too_many_exports", "5")
    assert [answer.status_code for answer in answers] == [200, 200]
    assert (await client.get("/users/bob/export")).status_code == 200


async def test_an_archive_takes_as_long_as_it_needs_while_it_gets_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, ahead_s = asyncio.get_running_loop(), [0.0]
    time_s = loop.time
    monkeypatch.setattr(loop, "time", lambda: time_s() + ahead_s[0])

    def slow() -> Iterator[Part]:
        yield USER
        for number in range(10):
            ahead_s[0] += 400
            yield events(number, 1)

    world.postgres.exports["ann"] = Anew(slow)
    world.settings = SETTINGS.model_copy(update={"api_request_timeout_s": 600.0})
    async with world.serving() as client:
        answer = await client.get("/users/ann/export?format=parquet")
    assert answer.status_code == 200
    assert len(rows_of(answer.content)["events"]) == 10


class Anew(Iterable[Part]):
    """Parts that are made anew for each export."""

    def __init__(self, parts: Callable[[], Iterator[Part]]) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[Part]:
        return self._parts()


async def _is(value: bool) -> bool:
    return value


async def test_a_client_that_goes_away_gives_its_place_back(world: World) -> None:
    world.postgres.exports["ann"] = [USER, *(events(number, 1) for number in range(100))]
    with ThreadPoolExecutor(1) as executor:
        exports = Exports(world.postgres.parts, executor, 1, world.metrics)
        for _ in range(3):
            export = await exports.begin("ann")
            pieces = export.pieces()
            assert (await anext(pieces)).startswith(b'{"format":"segue-export-1"')
            await anext(pieces)
            await export.close()
            await export.close()
            assert world.postgres.exporting == 0


@pytest.mark.parametrize("leaves", [True, False], ids=["leaves", "reads no more"])
def test_a_real_connection_that_ends_gives_its_place_back(world: World, wait_until: Callable[..., None], leaves: bool) -> None:
    world.settings = world.settings.model_copy(update={"api_write_timeout_s": 0.4, "api_exports": 1})
    # More than the buffers of both ends of a connection hold.
    world.postgres.exports |= {"ann": Anew(lambda: _many(5_000)), "bob": [USER]}
    with listening(world, wait_until) as url:
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
            connection.sendall(b"GET /users/ann/export HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(1_000).startswith(b"HTTP/1.1 200")
            assert world.postgres.exporting == 1
            if leaves:
                connection.close()
            wait_until(lambda: world.metrics.registry.get_sample_value("segue_api_exports") == 0, 15, "the end of the export")
            assert world.postgres.exporting == 0
        answer = httpx.get(f"{url}/users/bob/export", timeout=15, trust_env=False)
    assert counts(msgspec.json.decode(answer.content, type=ExportShown)) == (0, 0, 0, 0, 0)


def test_an_archive_whose_client_leaves_is_given_up_while_it_is_made(world: World, wait_until: Callable[..., None]) -> None:
    read: list[Part] = []

    def endless() -> Iterator[Part]:
        yield USER
        while True:
            read.append(events(len(read), 1))
            yield read[-1]

    world.postgres.exports["ann"] = Anew(endless)
    with listening(world, wait_until) as url:
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=15) as connection:
            connection.sendall(b"GET /users/ann/export?format=parquet HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until(lambda: len(read) > 10, 15, "the archive")
        wait_until(lambda: world.metrics.registry.get_sample_value("segue_api_exports") == 0, 15, "the end of the export")
        assert world.postgres.exporting == 0


async def test_memory_does_not_grow_with_a_history(world: World) -> None:
    async def peak_bytes(parts: int) -> int:
        world.postgres.exports["ann"] = Anew(lambda: _many(parts))
        tracemalloc.start()
        sent = 0
        with ThreadPoolExecutor(1) as executor:
            export = await Exports(world.postgres.parts, executor, 1, world.metrics).begin("ann")
            async for piece in export.pieces():
                sent += len(piece)
            await export.close()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert sent > parts * 20_000
        return peak

    assert await peak_bytes(50) < 2 * await peak_bytes(5)


async def test_an_archive_is_a_download_too(world: World, client: httpx.AsyncClient) -> None:
    world.postgres.exports["ann"] = [USER, events(0, 3), TRACKS]
    answer = await client.get("/users/ann/export", params={"format": "parquet"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="segue-export.zip"'
    assert "Content-Encoding" not in answer.headers
    with ZipFile(io.BytesIO(answer.content)) as found:
        assert found.testzip() is None
        assert len(found.namelist()) == 7
    assert world.postgres.exporting == 0


async def test_an_archive_that_cannot_be_made_whole_is_a_problem(world: World, client: httpx.AsyncClient) -> None:
    def broken() -> Iterator[Part]:
        yield USER
        yield events(0, 3)
        world.postgres.away = True
        yield TRACKS

    world.postgres.exports["ann"] = broken()
    answer = await client.get("/users/ann/export", params={"format": "parquet"})
    assert (answer.status_code, answer.json()["code"]) == (503, "postgres_unavailable")
    assert world.postgres.exporting == 0


async def test_an_archive_for_which_the_disk_has_no_room_is_no_defect(world: World, client: httpx.AsyncClient) -> None:
    def full() -> Iterator[Part]:
        yield USER
        raise OSError(errno.ENOSPC, "No space left on device")

    world.postgres.exports["ann"] = full()
    answer = await client.get("/users/ann/export", params={"format": "parquet"})
    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (503, "no_room", "5")
    assert tempfile.gettempdir() not in answer.text
    assert world.postgres.exporting == 0


async def test_only_formats_that_there_are(client: httpx.AsyncClient) -> None:
    assert (await client.get("/users/ann/export", params={"format": "csv"})).status_code == 422


async def test_an_archive_that_nobody_waits_for_is_given_up_while_it_is_made(world: World) -> None:
    read: list[int] = []

    def endless() -> Iterator[Part]:
        yield USER
        while True:
            read.append(len(read))
            yield events(len(read), 1)

    world.postgres.exports["ann"] = Anew(endless)
    with ThreadPoolExecutor(1) as executor:
        exports = Exports(world.postgres.parts, executor, 1, world.metrics)
        with anyio.CancelScope() as gave_up:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(exports.begin, "ann", "parquet")
                await eventually(lambda: _is(len(read) > 10))
                gave_up.cancel()
        await eventually(lambda: _is(world.postgres.exporting == 0))


def _many(parts: int) -> Iterator[Part]:
    yield USER
    for number in range(parts):
        yield events(number * 100, 100)


async def test_listeners_export_their_own_and_keys_need_to_be_admins(world: World) -> None:
    world.settings = world.settings.model_copy(update={"api_keys_required": True})
    world.postgres.exports |= {"ann": [USER], "bob": [USER]}
    program, admin = world.postgres.keys.add("read", "events"), world.postgres.keys.add("admin")
    async with world.serving() as client:
        token = (await client.post("/tokens", json={"user_id": "ann"}, headers=bearer(program))).json()["token"]
        statuses = [
            (await client.get(f"/users/{user_id}/export", headers=bearer(credential))).status_code
            for user_id, credential in [("ann", token), ("bob", token), ("ann", program), ("bob", admin)]
        ]
    assert statuses == [200, 403, 403, 200]
