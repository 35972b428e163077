"""ASGI middleware: the names under which the service may be asked.

A page in a browser can make its own host name point to 127.0.0.1 (DNS rebinding) and would then be of the same origin as a
service there that asks nobody for a key. Its requests still name the page's host.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import Problem
from segue.addresses import is_loopback
from segue.settings import Settings

EVERY = "*"


class Hosts:
    """`allowed`: folded host names without ports; machines' loopback names and addresses are always allowed."""

    def __init__(self, app: ASGIApp, allowed: frozenset[str]) -> None:
        self._app, self._allowed = app, allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and not self._knows(name_of(Headers(scope=scope).get("host", ""))):
            detail = "the service is not known under this Host: add it to SEGUE_API_ALLOWED_HOSTS, or require keys"
            problem = Problem(421, "unknown_host", detail)
            await problem.response(str(scope["state"].get("request_id", "")))(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _knows(self, name: str) -> bool:
        return name in self._allowed or is_loopback(name)


def allowed_hosts(settings: Settings) -> frozenset[str] | None:
    """The names that requests may use; None: any, since whoever asks shows a key or the operator opened the service."""
    named = frozenset(one.strip().casefold() for one in settings.api_allowed_hosts.split(",") if one.strip())
    if EVERY in named or (not named and (settings.api_keys_required or settings.api_open)):
        return None
    return named


def name_of(host: str) -> str:
    """The folded name in a Host header: `[::1]:8000` is `::1`, `Radio.example.:80` is `radio.example`."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name.removesuffix(".").casefold()
