"""`GET /genres` and `GET /moods`: what filters can ask for, and how many tracks each has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.access.needs import CATALOGUE, needs
from api.responses import tagged_response
from api.schemas import Counted, CountsAnswer, tagged
from api.services import Services

MAX_NAMES = 10_000


def router(services: Services) -> APIRouter:
    """The routes of what the catalogue can be filtered by."""
    routes = APIRouter(tags=["tracks"])

    @routes.get("/genres", responses=tagged(CountsAnswer))
    @needs(CATALOGUE)
    async def get_genres(request: Request, limit: Annotated[int, Query(ge=1, le=MAX_NAMES)] = 1_000) -> Response:
        """The genres of the catalogue, in small letters, most tracks first; a track may have several."""
        return tagged_response(request, _counts(services, services.catalogue.genres, limit))

    @routes.get("/moods", responses=tagged(CountsAnswer))
    @needs(CATALOGUE)
    async def get_moods(request: Request) -> Response:
        """The moods of the catalogue, most tracks first; a track of which the sound is not known has none."""
        return tagged_response(
            request, _counts(services, {str(mood): count for mood, count in services.catalogue.moods.items()}, MAX_NAMES)
        )

    return routes


def _counts(services: Services, counts: Mapping[str, int], limit: int) -> CountsAnswer:
    known = sorted(((name, count) for name, count in counts.items() if count > 0), key=lambda one: (-one[1], one[0]))
    return CountsAnswer(len(services.catalogue), tuple(Counted(name, count) for name, count in known[:limit]))
