"""All routes of an app, those of included routers too."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import FastAPI
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from segue.errors import ConfigurationError


def routes_of(app: FastAPI) -> Iterator[Route]:
    """Every route of the app. Raises ConfigurationError for anything else, such as a mount."""
    yield from _flat(app.routes)


def allowed_methods(app: FastAPI, scope: Scope) -> list[str]:
    """The methods of the path that a request asks for, in order; Starlette names those of its first route only."""
    matching = [route for route in routes_of(app) if route.matches(scope)[0] is not Match.NONE]
    same_path = [route for route in matching if route.path == matching[0].path]
    return sorted({method for route in same_path for method in route.methods or ()})


def _flat(routes: list[BaseRoute]) -> Iterator[Route]:
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from _flat(included.routes)
        elif isinstance(route, Route):
            yield route
        else:
            raise ConfigurationError(f"{route!r} is no plain route, so nobody checks who asks it")
