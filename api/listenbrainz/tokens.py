"""`GET /1/validate-token`: whose token it is."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.datastructures import Headers

from api.access.callers import Anybody, Caller, Listener, caller_of
from api.access.needs import NO_LISTENER, PUBLIC, needs
from api.listenbrainz.listeners import NOT_GIVEN, named_in, token_of
from api.listenbrainz.shapes import TokenFound, documented
from api.problems import Problem
from api.responses import json_response
from api.services import Services


def router(services: Services) -> APIRouter:
    """The route of tokens."""
    routes = APIRouter(tags=["listenbrainz"])

    @routes.get("/1/validate-token", responses=documented(TokenFound))
    @needs(PUBLIC)
    async def validate_token(request: Request, token: str | None = None) -> Response:
        """Whether the token of the Authorization header, or of the query as older clients send it, is a listener's."""
        try:
            return json_response(TokenFound(200, "Token valid.", True, await _listener(services, request, token)))
        except Problem as problem:
            if problem.status not in (401, 403):
                raise
            return json_response(TokenFound(200, f"Token invalid: {problem.detail}", False))

    return routes


async def _listener(services: Services, request: Request, token: str | None) -> str:
    """Raises Problem: 400 without a token, 401 and 403 for one that is no listener's, 503 where that cannot be told now."""
    if token is None and "authorization" not in request.headers:
        raise Problem(400, "no_token", NOT_GIVEN)
    if not services.identities.required:
        return named_in(token_of(request) if token is None else token)
    match caller_of(request) if token is None else await _caller(services, token):
        case Listener(user_id):
            return user_id
        case Anybody(refused=Problem() as refused):
            raise refused
        case _:
            raise Problem(403, "no_listener", NO_LISTENER)


async def _caller(services: Services, token: str) -> Caller:
    # As bytes: a query may hold what a header cannot.
    sent = Headers(raw=[(b"authorization", f"Token {token}".encode("utf-8", "surrogatepass"))])
    return await services.identities.caller(services.identities.claim(sent))
