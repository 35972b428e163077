"""`PUT /users/{user_id}`: what a listener says of themselves, through Kafka as all that changes state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastapi import APIRouter, Request, Response

from api import examples
from api.access.needs import OWN_WRITE, needs
from api.bodies import read_model
from api.listener_schemas import ProfileShown
from api.profiles import Put
from api.questions import NewProfile
from api.responses import json_response
from api.schemas import NoteShown, documented
from api.services import Services
from segue.events import UserRecord, check_id


def router(services: Services) -> APIRouter:
    """The route of profiles."""
    routes = APIRouter(tags=["users"])

    @routes.put(
        "/users/{user_id}",
        responses=documented(ProfileShown, examples.PROFILE) | documented(ProfileShown, examples.PROFILE, 202),
        openapi_extra=examples.asked("NewProfile", examples.PROFILES),
    )
    @needs(OWN_WRITE)
    async def put_profile(request: Request, user_id: str) -> Response:
        """Make this the whole profile. Its genres lead the answers of a listener of whom no event is known.

        200: every reader sees it. 202: Kafka has stored it for good, and it is not seen yet (`"applied": false`). Somebody who
        was deleted comes back by it, with nothing of before: `returned_at` says when.
        """
        check_id("user_id", user_id)
        asked = await read_model(request, NewProfile, services.settings.max_body_bytes)
        record = UserRecord(user_id=user_id, display_name=asked.display_name, genres=tuple(asked.genres))
        put = await services.profiles.put(record)
        return json_response(_shown(put, services.catalogue.genres), 202 if put.stored is None else 200)

    return routes


def _shown(put: Put, known: Mapping[str, int]) -> ProfileShown:
    record, stored = put.record, put.stored
    return ProfileShown(
        record.user_id, record.display_name, record.genres, stored is not None, stored.created_at if stored else None,
        stored.returned_at if stored else None, _unknown(record.genres, known),
    )  # fmt: skip


def _unknown(genres: Sequence[str], known: Mapping[str, int]) -> tuple[NoteShown, ...]:
    where = tuple(f"genres.{position}" for position, genre in enumerate(genres) if known.get(genre.casefold(), 0) < 1)
    return (NoteShown("unknown_genres", f"Kept: {len(where)} genres that no track has", where),) if where else ()
