"""`GET /tracks/{track_id}` from memory, `GET /tracks/search` from Postgres, or by a scan of the memory when it is away."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.access.needs import CATALOGUE, needs
from api.problems import Problem
from api.responses import json_response
from api.schemas import TracksFound, TrackShown, documented
from api.services import Services
from segue.catalogue import Track
from segue.errors import NotFound, PostgresUnavailable
from segue.events import check_id

MAX_QUERY = 200


def router(services: Services) -> APIRouter:
    """The routes of tracks; search stands first, since `search` would be taken for a track id otherwise."""
    routes = APIRouter(tags=["tracks"])

    @routes.get("/tracks/search", responses=documented(TracksFound))
    @needs(CATALOGUE)
    async def search_tracks(
        q: Annotated[str, Query(min_length=1, max_length=MAX_QUERY)], limit: Annotated[int, Query(ge=1, le=100)] = 20
    ) -> Response:
        """Tracks whose title, artists or album hold every word of `q`, the last one as a beginning; best first."""
        found, degraded = await _search(services, q, limit)
        services.metrics.degraded(degraded)
        return json_response(TracksFound(q, degraded, tuple(TrackShown.of(track) for track in found)))

    @routes.get("/tracks/{track_id}", responses=documented(TrackShown))
    @needs(CATALOGUE)
    async def get_track(track_id: str) -> Response:
        """One track of the catalogue."""
        return json_response(TrackShown.of(known_track(services, track_id)))

    return routes


def known_track(services: Services, track_id: str) -> Track:
    """The track of an id in memory. Raises Problem 503 while the catalogue is empty, InvalidEvent, NotFound."""
    check_id("track_id", track_id)
    track = services.catalogue.by_id(track_id)
    if track is None:
        require_catalogue(services)
        raise NotFound(f"track {track_id!r} is not in the catalogue: GET /tracks/search?q=… finds ids")
    return track


def require_catalogue(services: Services) -> None:
    """Raises Problem 503 while no track is known."""
    if len(services.catalogue) == 0:
        detail = "the catalogue is empty, so there is nothing to recommend: run `segue ingest catalogue`"
        if services.catalogue.failure is not None:
            detail = f"the catalogue could not be read yet: {services.catalogue.failure}"
        raise Problem(503, "empty_catalogue", detail, headers={"Retry-After": "5"})


async def _search(services: Services, query: str, limit: int) -> tuple[list[Track], tuple[str, ...]]:
    try:
        return await services.postgres.run(services.search.search, query, limit), ()
    except PostgresUnavailable as error:
        # A scan of 100,000 tracks takes about 0.1 s: not on the event loop.
        return await asyncio.to_thread(services.catalogue.search, query, limit), (error.service,)
