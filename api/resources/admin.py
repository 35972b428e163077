"""`/admin`: what operators look at, and the keys of the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api import examples
from api.access.needs import ADMIN, needs
from api.admin_schemas import KeyMade, KeyQuestion, KeysAnswer, LettersAnswer, LetterShown, StatusAnswer
from api.bodies import read_model
from api.readiness import readiness
from api.responses import json_response
from api.schemas import documented
from api.services import Services
from segue import __version__
from segue.api_keys import KeyShown, check_listener, check_name, prefix_of, read_expiry, read_scopes

MAX_LETTERS = 200


def router(services: Services) -> APIRouter:
    """The routes of operators."""
    routes = APIRouter(prefix="/admin", tags=["admin"])
    started_at = datetime.now(UTC)

    @routes.get("/status", responses=documented(StatusAnswer))
    @needs(ADMIN)
    async def get_status() -> Response:
        """This process, the servers behind it with reasons, and how far the processors are behind the log."""
        found: dict[str, Any] = await readiness(services)
        lag = await services.operations.lag() if found["dependencies"]["kafka"]["status"] == "ok" else None
        return json_response(StatusAnswer(__version__, started_at, services.events.queued(), lag, **found))

    @routes.get("/dead-letters", responses=documented(LettersAnswer))
    @needs(ADMIN)
    async def get_dead_letters(limit: Annotated[int, Query(ge=1, le=MAX_LETTERS)] = 20) -> Response:
        """What could not be processed, newest first, and why. `segue events dead-letters --show ID` has the bytes."""
        return json_response(LettersAnswer(tuple(LetterShown.of(one) for one in await services.operations.letters(limit))))

    @routes.get("/keys", responses=documented(KeysAnswer))
    @needs(ADMIN)
    async def get_keys() -> Response:
        """All keys by their prefix, newest first."""
        found, now = await services.postgres.run(services.keys.list), datetime.now(UTC)
        return json_response(KeysAnswer(tuple(KeyShown.of(key, now) for key in found)))

    @routes.post(
        "/keys",
        responses=documented(KeyMade, None, 201),
        openapi_extra=examples.asked("KeyQuestion", examples.KEYS),
        status_code=201,
    )
    @needs(ADMIN)
    async def make_key(request: Request) -> Response:
        """A new key. It is shown this once: only its digest is kept."""
        question = await read_model(request, KeyQuestion, services.settings.max_body_bytes)
        expires_at = read_expiry(question.expires, datetime.now(UTC)) if question.expires else None
        name, scopes = check_name(question.name), read_scopes(question.scopes)
        listener = None if question.listener is None else check_listener(question.listener, scopes)
        key = await services.postgres.run(services.keys.create, name, scopes, expires_at, listener)
        return json_response(KeyMade(key, prefix_of(key) or "", name, tuple(sorted(scopes)), expires_at), 201)

    @routes.delete("/keys/{prefix}", responses=documented(KeyShown))
    @needs(ADMIN)
    async def revoke_key(prefix: str) -> Response:
        """Take a key back for good, and the tokens it issued; every process refuses it within SEGUE_API_KEY_CACHE_S."""
        key = await services.postgres.run(services.keys.revoke, prefix)
        return json_response(KeyShown.of(key, datetime.now(UTC)))

    return routes
