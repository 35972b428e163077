"""`/healthz`, `/readyz`, `/metrics` and the index."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Response

from api.access.needs import PUBLIC, READ, needs
from api.metrics import CONTENT_TYPE
from api.responses import json_response
from api.services import Probe, Services
from segue import __version__
from segue.errors import Unavailable

PROBE_TIMEOUT_S = 2.5

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
        "user": "/users/{user_id}",
        "health": "/healthz",
        "ready": "/readyz",
        "metrics": "/metrics",
    },
}

OK = {"status": "ok", "reason": None}


def router(services: Services) -> APIRouter:
    """The routes for people and machines that watch the service."""
    routes = APIRouter(tags=["service"])

    @routes.get("/")
    @needs(PUBLIC)
    async def index() -> Response:
        """What there is."""
        return json_response(INDEX)

    @routes.get("/healthz")
    @needs(PUBLIC)
    async def healthz() -> Response:
        """The process is alive. Nothing else is looked at: a restart would not mend another server."""
        return json_response({"status": "ok"})

    @routes.get("/readyz")
    @needs(PUBLIC)
    async def readyz() -> Response:
        """200 if recommendations can be answered, even degraded; 503 if not. Each dependency with its status and reason."""
        dependencies = _in_memory(services) | await _probed(services.probes)
        ready = len(services.catalogue) > 0
        degraded = [name for name, found in dependencies.items() if found["status"] != "ok"]
        status = "unavailable" if not ready else "degraded" if degraded else "ok"
        return json_response({"status": status, "degraded": degraded, "dependencies": dependencies}, 200 if ready else 503)

    @routes.get("/metrics")
    @needs(READ)
    async def metrics() -> Response:
        """Prometheus text format."""
        return Response(services.metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})

    return routes


def _in_memory(services: Services) -> dict[str, dict[str, Any]]:
    return {"model": _model(services), "catalogue": _catalogue(services)}


def _model(services: Services) -> dict[str, Any]:
    served, failure = services.model.served, services.model.failure
    facts = {"version": served.version if served else None, "created_at": served.created_at if served else None}
    if failure is not None:
        return {"status": "degraded", "reason": failure} | facts
    if served is None:
        reason = "no model has been promoted yet: `segue train` makes one; until then answers are the most popular tracks"
        return {"status": "degraded", "reason": reason} | facts
    return OK | facts


def _catalogue(services: Services) -> dict[str, Any]:
    facts = {"tracks": len(services.catalogue)}
    if services.catalogue.failure is not None:
        return {"status": "degraded", "reason": services.catalogue.failure} | facts
    if facts["tracks"] == 0:
        return {"status": "unavailable", "reason": "empty: run `segue ingest catalogue`"} | facts
    return OK | facts


async def _probed(probes: dict[str, Probe]) -> dict[str, dict[str, Any]]:
    found = await asyncio.gather(*(_probe(probe) for probe in probes.values()))
    return dict(zip(probes, found, strict=True))


async def _probe(probe: Probe) -> dict[str, Any]:
    try:
        await asyncio.wait_for(probe(), PROBE_TIMEOUT_S)
    except Unavailable as error:
        return {"status": "unavailable", "reason": str(error)}
    except TimeoutError:
        return {"status": "unavailable", "reason": f"no answer within {PROBE_TIMEOUT_S:g} s"}
    return OK
