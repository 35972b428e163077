"""ASGI middleware: an id in a path may have a slash in it, sent as %2F.

Servers decode a path before it is routed, by which such a slash becomes one between segments: nobody could read, export or
delete what has one in its id, which events may bring.
"""

from __future__ import annotations

from urllib.parse import unquote

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

_SLASH = "\udc2f"
"""Stands for it while a request is routed; half of a character, which no decoded path has."""


class EncodedSlashes:
    """The innermost middleware: all others see the path as the server gave it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        sent = scope.get("raw_path") or b""
        if scope["type"] != "http" or b"%2f" not in sent.lower():
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        segments = (unquote(segment).replace("/", _SLASH) for segment in sent.decode("latin-1").split("/"))
        scope["path"] = "/".join(segments)
        try:
            await self._app(scope, receive, send)
        finally:
            scope["path"] = path


async def with_slashes(request: Request) -> None:
    """Dependency of every route, before any that looks at the path's parameters: they are as the client meant them."""
    found = request.path_params
    found.update({name: value.replace(_SLASH, "/") for name, value in found.items()})
