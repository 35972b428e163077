"""What a route asks of its caller. Every route says so, or the service does not start.

@routes.get("/tracks/{track_id}")
@needs(CATALOGUE)
async def get_track(track_id: str) -> Response: …
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from fastapi import FastAPI, Request
from starlette.routing import Route

from api.access.callers import Anybody, KeyHolder, Listener, caller_of, check_owner, unauthorised
from api.problems import Problem
from api.routes import routes_of
from segue.api_keys import Scope
from segue.errors import ConfigurationError

NO_LISTENER = "this is about the listener whose key it is, and this key is nobody's: `segue keys create --listener …` makes one"

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

USER_ID = "user_id"
"""The path parameter that names whose data a route is about."""


@dataclass(frozen=True)
class Need:
    """`key`: the scope that a key must have; None opens the route to everybody. `token`: the scope that a listener's token must
    have; None refuses tokens. `own`: where the listener is named whose data it is: `path` is checked before the route runs, a
    route that reads it from the body calls `check_owner`; `caller` is the one whose token or key it is, so that a key of no
    listener is refused.
    """

    key: Scope | None
    token: Scope | None = None
    own: Literal["path", "body", "caller"] | None = None


PUBLIC = Need(None)
CATALOGUE = Need("read", "read")
"""What is the same for every listener."""
READ = Need("read")
ADMIN = Need("admin")
OWN_READ = Need("read", "read", "path")
OWN_QUESTION = Need("read", "read", "body")
OWN_EVENTS = Need("events", "events", "body")
OWN_WRITE = Need("events", "events", "path")
CALLER_READ = Need("read", "read", "caller")
CALLER_WRITE = Need("events", "events", "caller")
OWN_EXPORT = Need("admin", "read", "path")
OWN_DELETION = Need("admin", "events", "path")
ISSUE = Need("events")


def needs(need: Need) -> Callable[[Endpoint], Endpoint]:
    """Declare what a route asks of its caller."""

    def declare(endpoint: Endpoint) -> Endpoint:
        endpoint.__dict__["segue_need"] = need
        return endpoint

    return declare


def need_of(route: Route) -> Need | None:
    """What this route declared."""
    found = route.endpoint.__dict__.get("segue_need")
    return found if isinstance(found, Need) else None


def declare_documentation(app: FastAPI) -> None:
    """FastAPI's own pages are open to everybody."""
    own = {app.openapi_url, app.docs_url, app.redoc_url, app.swagger_ui_oauth2_redirect_url}
    for route in routes_of(app):
        if route.path in own:
            needs(PUBLIC)(route.endpoint)


def check_declared(app: FastAPI) -> None:
    """Raises ConfigurationError unless every route says what it asks of its caller, and can."""
    for route in routes_of(app):
        need = need_of(route)
        if need is None:
            raise ConfigurationError(f"route {route.path} does not say who may ask it: add @needs(…) of api.access.needs")
        if need.own == "path" and f"{{{USER_ID}}}" not in route.path:
            raise ConfigurationError(f"route {route.path} is about one's own data but has no {{{USER_ID}}} in its path")


async def authorise(request: Request) -> None:
    """Dependency of every route. Raises Problem 401, 403, or the one with which Postgres is away."""
    check_need(request, request.scope["endpoint"].__dict__["segue_need"])


def check_need(request: Request, need: Need) -> None:
    """For a route that does more when it is asked to: raises Problem 401 and 403 for who may not have that."""
    if need.key is None:
        return
    caller = caller_of(request)
    match caller:
        case Anybody():
            _refuse(caller)
        case KeyHolder(key) if not key.allows(need.key):
            raise Problem(
                403, "insufficient_scope", f"this needs a key with the scope {need.key}: yours has {_named(key.scopes)}"
            )
        case KeyHolder() if need.own == "caller":
            raise Problem(403, "no_listener", NO_LISTENER)
        case Listener():
            _check_listener(request, caller, need)


def _refuse(caller: Anybody) -> None:
    if caller.refused is not None:
        raise caller.refused
    if not caller.may_ask:
        raise unauthorised("no_credentials", "send a key: Authorization: Bearer … or X-API-Key: …; `segue keys create` makes one")


def _check_listener(request: Request, caller: Listener, need: Need) -> None:
    if need.token is None:
        raise Problem(403, "token_not_accepted", "a listener's token opens its own data only: this needs a key")
    if need.token not in caller.scopes:
        raise Problem(
            403, "insufficient_scope", f"this needs a token with the scope {need.token}: yours has {_named(caller.scopes)}"
        )
    if need.own == "path":
        check_owner(request, request.path_params[USER_ID])
    request.scope["state"].setdefault("owner_checked", need.own != "body")


def _named(scopes: frozenset[Scope]) -> str:
    return ", ".join(sorted(scopes)) or "none"
