"""`/healthz`, `/readyz`, `/metrics` and the index."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from api.access.callers import Anybody, KeyHolder, caller_of
from api.access.needs import PUBLIC, READ, needs
from api.metrics import CONTENT_TYPE
from api.readiness import readiness
from api.responses import json_response
from api.schemas import HealthAnswer, IndexAnswer, ReadinessAnswer, answered, documented, refusals
from api.services import Services
from segue import __version__

INDEX = {
    "name": "segue",
    "version": __version__,
    "links": {
        "docs": "/docs",
        "openapi": "/openapi.json",
        "recommend_song": "/recommend/song/{track_id}",
        "recommend_user": "/recommend/user/",
        "events": "/events",
        "track": "/tracks/{track_id}",
        "search": "/tracks/search?q=",
        "trending": "/trending",
        "user": "/users/{user_id}",
        "health": "/healthz",
        "ready": "/readyz",
        "metrics": "/metrics",
    },
}


def router(services: Services) -> APIRouter:
    """The routes for people and machines that watch the service."""
    routes = APIRouter(tags=["service"])

    @routes.get("/", responses=documented(IndexAnswer))
    @needs(PUBLIC)
    async def index() -> Response:
        """What there is."""
        return json_response(INDEX)

    @routes.get("/healthz", responses=documented(HealthAnswer))
    @needs(PUBLIC)
    async def healthz() -> Response:
        """The process is alive. Nothing else is looked at: a restart would not mend another server."""
        return json_response({"status": "ok"})

    @routes.get("/readyz", responses=documented(ReadinessAnswer) | {503: answered(ReadinessAnswer)})
    @needs(PUBLIC)
    async def readyz(request: Request) -> Response:
        """200 if recommendations can be answered, even degraded; 503 if not. Each dependency with its status; the reasons, which
        may name addresses, only for those with a key where keys are required."""
        found = await readiness(services)
        if not _is_insider(request):
            found["dependencies"] = {name: one | {"reason": None} for name, one in found["dependencies"].items()}
        return json_response(found, 503 if found["status"] == "unavailable" else 200)

    @routes.get("/metrics", response_class=PlainTextResponse, responses=refusals())
    @needs(READ)
    async def metrics() -> Response:
        """Prometheus text format."""
        return Response(services.metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})

    return routes


def _is_insider(request: Request) -> bool:
    caller = caller_of(request)
    return isinstance(caller, KeyHolder) or (isinstance(caller, Anybody) and caller.may_ask)
