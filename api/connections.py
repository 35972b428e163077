"""HTTP connections that nobody can hold or fill: uvicorn's protocol with the bounds that it lacks.

uvicorn reads a request's head for as long as a client takes to send it, however long it is, and keeps a connection on which
nothing is sent, or nothing read, for ever. Each bound here ends that one connection; the others do not notice.
"""

from __future__ import annotations

import asyncio
import resource
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from api.metrics import Metrics
from api.problems import MEDIA_TYPE

SPARE_FILES = 200
"""Descriptors left for Postgres, Redis, Kafka, snapshots and logs."""
_REASONS = {408: b"Request Timeout", 414: b"URI Too Long", 431: b"Request Header Fields Too Large"}


@dataclass
class Limits:
    """Of one process. `idle`: its connections without a request under way, the one that is idle longest first."""

    connections: int
    head_timeout_s: float
    write_timeout_s: float
    head_bytes: int
    url_bytes: int
    metrics: Metrics
    idle: OrderedDict[BoundedProtocol, None] = field(default_factory=OrderedDict)
    open: int = 0

    def counted(self, change: int) -> None:
        """One connection more or less."""
        self.open += change
        self.metrics.connections(self.open)


class BoundedProtocol(HttpToolsProtocol):
    """One connection. Its head must come whole within a time, in so many bytes; its answers must be read; when there are too many
    connections, the one that is idle longest makes room.
    """

    limits: Limits

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._in_head = False
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client connected: it has `head_timeout_s` to send its first request's head."""
        super().connection_made(transport)
        self.limits.counted(1)
        if self.limits.open > self.limits.connections:
            self._make_room()
        self.limits.idle[self] = None
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, whoever ended it."""
        self.limits.counted(-1)
        self.limits.idle.pop(self, None)
        self._stop(self._head_timer)
        self._stop(self._write_timer)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes of one or more requests."""
        if self.transport.is_closing():
            return
        if self._head_timer is None and self._is_idle():
            # Of the next request on a kept connection: its time begins with its first byte.
            self._await_head()
        was_in_head = self._in_head
        super().data_received(data)
        # What came along with the first bytes is not counted here, as a body may stand before them.
        self._head_bytes = self._head_bytes + len(data) if was_in_head and self._in_head else 0
        if self._head_bytes > self.limits.head_bytes + self.limits.url_bytes:
            self._refuse(431, "head_too_large", f"the head of a request may have {self.limits.head_bytes:,} bytes")

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        self._stop(self._head_timer)
        self._head_timer = None
        self.limits.idle.pop(self, None)
        if self.transport.is_closing():
            return
        if len(self.url) > self.limits.url_bytes:
            self._refuse(414, "url_too_long", f"a URL may have {self.limits.url_bytes:,} bytes")
        elif sum(len(name) + len(value) + 4 for name, value in self.headers) > self.limits.head_bytes:
            self._refuse(431, "head_too_large", f"the head of a request may have {self.limits.head_bytes:,} bytes")
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some bytes of a body; none of a request that was refused by its head."""
        if self.cycle is not None and not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self.cycle is not None and not self.transport.is_closing():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer was written."""
        super().on_response_complete()
        if self._is_idle() and not self.transport.is_closing():
            self.limits.idle[self] = None

    def pause_writing(self) -> None:
        """The client does not read its answer as fast as it is written."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(self.limits.write_timeout_s, self._end, "unread_answer")

    def resume_writing(self) -> None:
        """The client has read on."""
        self._stop(self._write_timer)
        self._write_timer = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing was asked for a while; an answer that is still unread by now is given up."""
        if self.transport.get_write_buffer_size():
            self._end("unread_answer")
        else:
            super().timeout_keep_alive_handler()

    def _is_idle(self) -> bool:
        return (self.cycle is None or self.cycle.response_complete) and not self.pipeline

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.limits.head_timeout_s, self._head_is_late)

    def _head_is_late(self) -> None:
        if self._in_head:
            self._refuse(408, "head_timeout", f"the head of the request did not come within {self.limits.head_timeout_s:g} s")
        else:
            self._end("silent")

    def _make_room(self) -> None:
        """End the connection that is idle longest, or this new one when all others are at work."""
        longest, _ = self.limits.idle.popitem(last=False) if self.limits.idle else (self, None)
        longest._end("too_many")

    def _refuse(self, status: int, code: str, detail: str) -> None:
        self.limits.metrics.connection_ended(code)
        if not self._is_idle():
            # Of pipelined requests; the answers before it would be mixed up with this one.
            self.transport.close()
            return
        body = msgspec.json.encode(
            {
                "type": f"urn:segue:problem:{code}",
                "title": _REASONS[status].decode(),
                "status": status,
                "code": code,
                "detail": detail,
            }
        )
        self.transport.write(
            b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
            % (status, _REASONS[status], MEDIA_TYPE.encode(), len(body), body)
        )
        self.transport.close()

    def _end(self, reason: str) -> None:
        """Drop the connection with all that waits to be sent: a client that does not read would hold it open else."""
        self.limits.metrics.connection_ended(reason)
        self.transport.abort()

    @staticmethod
    def _stop(timer: asyncio.TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()


def bounded(limits: Limits) -> type[BoundedProtocol]:
    """The protocol with these limits, as uvicorn takes it."""
    return type("BoundedProtocol", (BoundedProtocol,), {"limits": limits})


def allowed_connections(wanted: int, raise_limit: Callable[[], int] | None = None) -> int:
    """As many of the wanted connections as this process may have files open, after its limit was raised as far as it may be."""
    return max(1, min(wanted, (raise_limit or _raised_file_limit)() - SPARE_FILES))


def _raised_file_limit() -> int:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else 1_000_000
