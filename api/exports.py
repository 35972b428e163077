"""A user's data as one JSON document, made and sent in parts: memory does not grow with what somebody listened to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterable
from concurrent.futures import Executor
from contextlib import closing
from datetime import UTC, datetime
from typing import TypeVar, get_args

import msgspec
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.metrics import Metrics
from api.problems import RETRY_AFTER_S, Problem
from segue.stores.postgres.exports import Part, Section

T = TypeVar("T")

FORMAT = "segue-export-1"
LISTS = tuple(section for section in get_args(Section) if section != "user")
"""Members of the document that are lists, in their order."""

Parts = Callable[[str], Generator[Part, None, None]]
"""`segue.stores.postgres.exports.ExportStore.parts`."""


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

    async def begin(self, user_id: str) -> Export:
        """An export whose first piece is there. Raises NotFound, PostgresUnavailable, and Problem 503 while too many run."""
        if self._open >= self._most:
            detail = f"{self._most} exports are under way, and no more are made at once: ask again later"
            raise Problem(503, "too_many_exports", detail, headers={"Retry-After": str(RETRY_AFTER_S)})
        self._open += 1
        export = Export(self._made(user_id), self._executor, self._ended)
        try:
            await export.read_ahead()
        except BaseException:
            await export.close()
            raise
        return export

    def _made(self, user_id: str) -> Generator[bytes, None, None]:
        with closing(self._parts(user_id)) as parts:
            yield from document(parts)

    def _ended(self) -> None:
        self._open -= 1


class Export:
    """One document under way. Read it, and close it in any case: it holds a snapshot of Postgres."""

    def __init__(self, pieces: Generator[bytes, None, None], executor: Executor, ended: Callable[[], None]) -> None:
        self._pieces, self._executor, self._ended = pieces, executor, ended
        self._lock = threading.Lock()
        self._next = b""
        self._closed = False

    async def read_ahead(self) -> None:
        """Make the first piece."""
        self._next = await self._in_thread(self._piece)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The document."""
        while self._next:
            yield self._next
            self._next = await self._in_thread(self._piece)

    async def close(self) -> None:
        """End it, whether or not it was read to the end."""
        if not self._closed:
            self._closed = True
            try:
                await asyncio.shield(self._in_thread(self._stop))
            finally:
                self._ended()

    def _piece(self) -> bytes:
        with self._lock:
            return next(self._pieces, b"")

    def _stop(self) -> None:
        # A piece may be in the making for a client that is gone.
        with self._lock:
            self._pieces.close()

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)


class ExportResponse(StreamingResponse):
    """Sends an export, and closes it when the client has it all or is gone."""

    def __init__(self, export: Export) -> None:
        headers = {"Content-Disposition": 'attachment; filename="segue-export.json"'}
        super().__init__(export.pieces(), headers=headers, media_type="application/json")
        self._export = export

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._export.close()
