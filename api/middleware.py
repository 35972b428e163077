"""What happens to every request: an id, metrics, security headers, and a problem document where the code failed."""

from __future__ import annotations

import logging
import re
import time
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import Metrics
from api.problems import internal_error
from segue.ids import uuid7
from segue.logs import fields, in_logs
from segue.recommending.stages import StageClock, timed
from segue.tracing import NOBODY, TRACEPARENT, Span, Tracing, entered

log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}\Z")
UNMATCHED = "unmatched"
"""Route label of requests that no route took, so that guessed paths cannot blow up the metrics."""
CLIENT_GONE = 499
UNTRACED = {"/healthz", "/readyz", "/metrics"}
"""Asked every few seconds by machines: they would bury the requests of people."""
STAGE_SPANS = 64
"""Of one request: an answer for a group scores for every member."""
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-site",
    # Answers are personal and of this moment.
    "Cache-Control": "no-store",
}


class RequestContext:
    """ASGI middleware; the outermost edge of a request."""

    def __init__(self, app: ASGIApp, metrics: Metrics, tracing: Tracing) -> None:
        self._app, self._metrics, self._tracing = app, metrics, tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send, self._tracing)
        with entered(exchange.span):
            await exchange.serve(self._app, receive, self._metrics)


class _SpanClock(StageClock):
    """Shows each stage in the request's trace too."""

    def __init__(self, span: Span) -> None:
        super().__init__()
        self._span, self._shown = span, 0

    def add(self, stage: str, seconds: float) -> None:
        """See StageClock."""
        super().add(stage, seconds)
        if self._shown < STAGE_SPANS:
            self._shown += 1
            self._span.passed(stage, seconds)


class _Exchange:
    """One request and what was answered so far."""

    def __init__(self, scope: Scope, send: Send, tracing: Tracing) -> None:
        self._scope, self._send = scope, send
        self._request_id = _request_id(scope)
        self._status: int | None = None
        self.span = NOBODY if scope["path"] in UNTRACED else self._traced(tracing)
        self._clock = StageClock() if self.span.trace_id is None else _SpanClock(self.span)
        scope.setdefault("state", {})["request_id"] = self._request_id

    async def serve(self, app: ASGIApp, receive: Receive, metrics: Metrics) -> None:
        started = time.perf_counter()
        try:
            with timed(self._clock), in_logs(request_id=self._request_id):
                await app(self._scope, receive, self._answer)
        except ClientDisconnect:
            self._status = CLIENT_GONE
        except Exception as error:
            log.exception("request failed", extra=fields(request_id=self._request_id, path=self._scope["path"]))
            if self._status is not None:
                raise
            self.span.fail(error)
            await internal_error(self._request_id).response(self._request_id)(self._scope, receive, self._answer)
        finally:
            route = self._route()
            metrics.request(self._method(), route, self._status or CLIENT_GONE, time.perf_counter() - started)
            metrics.stages(route, self._clock.seconds)
            self._tell(route)

    async def _answer(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self._request_id
            if stages := self._clock.seconds:
                headers["Server-Timing"] = ", ".join(f"{name};dur={1_000 * seconds:.3f}" for name, seconds in stages.items())
            if "content-encoding" in headers and headers.get("etag", "").startswith('"'):
                # A strong tag stands for these very bytes, and compressing changed them (RFC 9110, 8.8.3.3).
                headers["ETag"] = f"W/{headers['etag']}"
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            if not headers.get("content-type", "").startswith("text/html"):
                headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
            if self._scope["scheme"] == "https":
                headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        await self._send(message)

    def _traced(self, tracing: Tracing) -> Span:
        """Neither path nor query nor client: they name listeners."""
        attributes = {"http.request.method": self._method(), "segue.request_id": self._request_id}
        return tracing.begin(self._method(), "server", attributes, Headers(scope=self._scope).getlist(TRACEPARENT))

    def _tell(self, route: str) -> None:
        status = self._status or CLIENT_GONE
        self.span.rename(f"{self._method()} {route}")
        self.span.note({"http.route": route, "http.response.status_code": status})
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self.span.fail(str(status))

    def _method(self) -> str:
        method = str(self._scope["method"])
        return method if method in _METHODS else "other"

    def _route(self) -> str:
        route: Any = self._scope.get("route")
        return str(route.path) if route is not None else UNMATCHED


def _request_id(scope: Scope) -> str:
    """The caller's X-Request-Id if it is fit for a log line, or a new one."""
    sent = Headers(scope=scope).get("x-request-id", "")
    return sent if _REQUEST_ID.match(sent) else str(uuid7())
