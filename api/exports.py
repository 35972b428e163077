"""A user's data as one JSON document or as Parquet files, made in parts: memory does not grow with what somebody listened to."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Literal, TypeVar, get_args

import msgspec
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.metrics import Metrics
from api.problems import RETRY_AFTER_S, Problem
from segue.errors import ConfigurationError
from segue.logs import fields
from segue.stores.postgres.exports import Part, Section

log = logging.getLogger(__name__)

T = TypeVar("T")

FORMAT = "segue-export-1"
Form = Literal["json", "parquet"]
MEDIA_TYPES: Mapping[Form, str] = {"json": "application/json", "parquet": "application/zip"}
FILE_NAMES: Mapping[Form, str] = {"json": "segue-export.json", "parquet": "segue-export.zip"}
LISTS = tuple(section for section in get_args(Section) if section != "user")
"""Members of the document that are lists, in their order."""

Parts = Callable[[str], Generator[Part, None, None]]
"""`segue.stores.postgres.exports.ExportStore.parts`."""
Gone = Callable[[], Awaitable[bool]]
"""Whether the client has left, as `Request.is_disconnected` tells."""


async def _stays() -> bool:
    return False


def pieces_of(parts: Iterable[Part], form: Form) -> Generator[bytes, None, None]:
    """The export in pieces; an empty one says that it is under way. Raises what reading the parts raises."""
    if form == "json":
        return document(parts)
    # Most exports are JSON, and Arrow is large.
    from api.parquet_exports import archive

    return archive(parts, FORMAT)


def document(parts: Iterable[Part]) -> Generator[bytes, None, None]:
    """The JSON document in pieces: the user first, then every list, empty ones too. It is whole only with its last brace."""
    encode = msgspec.json.Encoder().encode
    at = -1
    for section, rows in parts:
        if section == "user":
            yield b'{"format":%s,"exported_at":%s,"user":%s' % (encode(FORMAT), encode(datetime.now(UTC)), encode(rows[0]))
            continue
        begun = LISTS.index(section)
        yield b"".join((_opened(at, begun), b"," if at == begun else b"", encode(rows)[1:-1]))
        at = begun
    yield _opened(at, len(LISTS) - 1) + b"]}\n"


def _opened(at: int, begun: int) -> bytes:
    """What ends the list at one place and begins those up to another."""
    return b"".join(b'%s,"%s":[' % (b"]" if place > 0 else b"", LISTS[place].encode()) for place in range(at + 1, begun + 1))


class Exports:
    """At most `most` exports at once; `executor` has a thread, and the store a connection, for each."""

    def __init__(self, parts: Parts, executor: Executor, most: int, metrics: Metrics) -> None:
        self._parts, self._executor, self._most = parts, executor, most
        self._open = 0
        metrics.watch_exports(lambda: self._open)

    async def begin(
        self, user_id: str, form: Form = "json", gone: Gone = _stays, going_on: Callable[[], None] = lambda: None
    ) -> Export:
        """An export whose first piece is there: of a JSON document its beginning, of an archive all is made by then.

        `gone` is asked while an archive is made, and `going_on` called whenever a part of it is. Raises NotFound,
        PostgresUnavailable, ClientDisconnect, and Problem 503 while too many run or the disk is full.
        """
        if self._open >= self._most:
            detail = f"{self._most} exports are under way, and no more are made at once: ask again later"
            raise Problem(503, "too_many_exports", detail, headers={"Retry-After": str(RETRY_AFTER_S)})
        self._open += 1
        export = Export(self._made(user_id, form), form, self._executor, self._ended)
        try:
            with _lack_of_room_told():
                await export.read_ahead(gone, going_on)
        except BaseException:
            await export.close()
            raise
        return export

    def _made(self, user_id: str, form: Form) -> Generator[bytes, None, None]:
        with closing(self._parts(user_id)) as parts:
            yield from pieces_of(parts, form)

    def _ended(self) -> None:
        self._open -= 1


@contextmanager
def _lack_of_room_told() -> Iterator[None]:
    """To the client what it can do; which folder is full is for whoever runs the service."""
    try:
        yield
    except ConfigurationError as error:
        log.error("an export was given up", extra=fields(reason=str(error)))
        detail = "the service has no room for an archive at the moment: ask again later, or for JSON, which needs none"
        raise Problem(503, "no_room", detail, headers={"Retry-After": str(RETRY_AFTER_S)}) from None


class Export:
    """One document under way. Read it, and close it in any case: it holds a snapshot of Postgres."""

    def __init__(self, pieces: Generator[bytes, None, None], form: Form, executor: Executor, ended: Callable[[], None]) -> None:
        self.form = form
        self._pieces, self._executor, self._ended = pieces, executor, ended
        self._lock = threading.Lock()
        self._next: bytes | None = None
        self._closed = False

    async def read_ahead(self, gone: Gone = _stays, going_on: Callable[[], None] = lambda: None) -> None:
        """Make the first piece that has something in it. Raises ClientDisconnect when nobody waits for it any more."""
        while (piece := await self._in_thread(self._piece)) == b"":
            if await gone():
                raise ClientDisconnect
            going_on()
        self._next = piece

    async def pieces(self) -> AsyncIterator[bytes]:
        """What is sent."""
        while self._next is not None:
            yield self._next
            await self.read_ahead()

    async def close(self) -> None:
        """End it, whether or not it was read to the end."""
        if not self._closed:
            self._closed = True
            try:
                await asyncio.shield(self._in_thread(self._stop))
            finally:
                self._ended()

    def _piece(self) -> bytes | None:
        with self._lock:
            return next(self._pieces, None)

    def _stop(self) -> None:
        # A piece may be in the making for a client that is gone.
        with self._lock:
            self._pieces.close()

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)


class ExportResponse(StreamingResponse):
    """Sends an export, and closes it when the client has it all or is gone."""

    def __init__(self, export: Export) -> None:
        headers = {"Content-Disposition": f'attachment; filename="{FILE_NAMES[export.form]}"'}
        super().__init__(export.pieces(), headers=headers, media_type=MEDIA_TYPES[export.form])
        self._export = export

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._export.close()
