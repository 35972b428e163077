"""How this process and the servers behind it are."""

from __future__ import annotations

import asyncio
from typing import Any

from api.services import Probe, Services
from segue.errors import Unavailable

PROBE_TIMEOUT_S = 2.5

OK = {"status": "ok", "reason": None}


async def readiness(services: Services) -> dict[str, Any]:
    """Status, the names of what is degraded, and each dependency with its status and reason."""
    dependencies = {"model": _model(services), "catalogue": _catalogue(services)} | await _probed(services.probes)
    degraded = [name for name, found in dependencies.items() if found["status"] != "ok"]
    status = "unavailable" if len(services.catalogue) == 0 else "degraded" if degraded else "ok"
    return {"status": status, "degraded": degraded, "dependencies": dependencies}


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
