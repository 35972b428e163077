"""ASGI middleware: what goes wrong and how often one may ask, in the words of ListenBrainz.

{"code": 503, "error": "no Kafka broker answers", "problem": "kafka_unavailable"}

Clients decide by `code` whether they send a listen again, so it is a number and the same as the status. `problem` is what
the other routes call `code`.
"""

from __future__ import annotations

import gzip
import math
import time

import msgspec
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.rates import Decision
from api.listenbrainz.shapes import ErrorShown
from api.problems import MEDIA_TYPE

PREFIX = "/1/"
_STATUSES = {413: 400, 422: 400}
"""ListenBrainz has one status for every request that is wrong in itself; players do not send those again."""


class Dialect:
    """The outermost middleware, so that no error gets past it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            scope.setdefault("state", {})
            send = _Translation(scope, send).send
        await self._app(scope, receive, send)


class _Translation:
    """One answer; that of a problem is held back until the whole of it is there."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope, self._send = scope, send
        self._held: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(_rate_headers(self._scope["state"].get("rate")))
            if headers.get("content-type") == MEDIA_TYPE:
                self._held = message
                return
        elif self._held is not None:
            self._body += message.get("body", b"")
            if message.get("more_body"):
                return
            await self._send_error(self._held)
            return
        await self._send(message)

    async def _send_error(self, start: Message) -> None:
        headers = MutableHeaders(scope=start)
        if headers.get("content-encoding") == "gzip":
            del headers["content-encoding"]
            self._body = gzip.decompress(self._body)
        problem = msgspec.json.decode(self._body, type=_Problem)
        status = _STATUSES.get(problem.status, problem.status)
        body = msgspec.json.encode(ErrorShown(status, problem.detail, problem.code))
        headers.update({"content-type": "application/json", "content-length": str(len(body))})
        await self._send({**start, "status": status})
        await self._send({"type": "http.response.body", "body": body})


class _Problem(msgspec.Struct):
    status: int
    code: str
    detail: str


def _rate_headers(decision: Decision | None) -> dict[str, str]:
    """`Reset` in Unix time, `Reset-In` in seconds: when the bucket is full again."""
    if decision is None:
        return {}
    reset_in_s = max(1, math.ceil((decision.policy.burst - decision.left) / decision.policy.rate_per_s))
    return {
        "X-RateLimit-Limit": str(decision.policy.burst),
        "X-RateLimit-Remaining": str(int(decision.left)),
        "X-RateLimit-Reset-In": str(reset_in_s),
        "X-RateLimit-Reset": str(int(time.time()) + reset_in_s),
    }
