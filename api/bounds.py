"""ASGI middleware: how long a request may take, and that its body is what it seems."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import RETRY_AFTER_S, Problem

_CLOSE = {"Connection": "close"}


def going_on_of(request: Request) -> Callable[[], None]:
    """To be called, in the event loop, by what works long on an answer and gets on: the time until it begins counts anew."""
    going_on: Callable[[], None] = request.state.going_on
    return going_on


class Bounds:
    """`body_timeout_s`: for a client to send its body; `request_timeout_s`: until the answer begins, or gets on. A client that
    then does not read it is the connection's business (api.connections).
    """

    def __init__(self, app: ASGIApp, body_timeout_s: float, request_timeout_s: float) -> None:
        self._app, self._body_timeout_s, self._request_timeout_s = app, body_timeout_s, request_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            _require_plain(Headers(scope=scope))
            await self._in_time(scope, receive, send)
        except Problem as problem:
            await problem.response(str(scope["state"].get("request_id", "")))(scope, receive, send)

    async def _in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = _Body(receive, self._body_timeout_s)
        try:
            async with asyncio.timeout(self._request_timeout_s) as limit:
                scope["state"]["going_on"] = lambda: self._extend(limit)

                async def begun(message: Message) -> None:
                    if not limit.expired():
                        limit.reschedule(None)
                    await send(message)

                await self._app(scope, body.receive, begun)
        except TimeoutError:
            if not limit.expired():
                raise
            detail = f"no answer could be made within {self._request_timeout_s:g} s: the service is overloaded, ask again later"
            raise Problem(503, "request_timeout", detail, headers=_CLOSE | {"Retry-After": str(RETRY_AFTER_S)}) from None

    def _extend(self, limit: asyncio.Timeout) -> None:
        if not limit.expired() and limit.when() is not None:
            limit.reschedule(asyncio.get_running_loop().time() + self._request_timeout_s)


class _Body:
    """A request's body, which must come whole within a time from when the first of it was asked for."""

    def __init__(self, receive: Receive, timeout_s: float) -> None:
        self._receive, self._timeout_s = receive, timeout_s
        self._until_s: float | None = None
        self._whole = False

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()
        loop = asyncio.get_running_loop()
        if self._until_s is None:
            self._until_s = loop.time() + self._timeout_s
        try:
            async with asyncio.timeout_at(self._until_s):
                message = await self._receive()
        except TimeoutError:
            detail = f"the body did not come within {self._timeout_s:g} s"
            raise Problem(408, "body_timeout", detail, headers=_CLOSE) from None
        self._whole = not message.get("more_body", False)
        return message


def _require_plain(headers: Headers) -> None:
    """A compressed body of a few bytes may unfold to gigabytes, so none is unfolded."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", ""):
        detail = f"send the body as it is: Content-Encoding {encoding[:50]!r} is not taken"
        raise Problem(415, "unsupported_encoding", detail, headers=_CLOSE | {"Accept-Encoding": "identity"})
