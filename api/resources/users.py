"""`GET /users/{user_id}`: a listener's profile, totals and top tracks of this moment."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query, Response

from api.access.needs import OWN_READ, needs
from api.answers import state_shown
from api.listener_states import FoundState, preferences
from api.responses import json_response
from api.schemas import TopTrack, UserShown, documented
from api.services import Services
from segue.errors import NotFound, PostgresUnavailable
from segue.events import check_id
from segue.ids import TrackNo
from segue.stores.postgres.users import User
from segue.stores.redis.rows import ListenerRow

_STANCES: dict[int, Literal["liked", "disliked"]] = {1: "liked", -1: "disliked"}


def router(services: Services) -> APIRouter:
    """The route of users."""
    routes = APIRouter(tags=["users"])

    @routes.get("/users/{user_id}", responses=documented(UserShown))
    @needs(OWN_READ)
    async def get_user(user_id: str, top: Annotated[int, Query(ge=0, le=100)] = 10) -> Response:
        """The profile, and the `top` tracks by current preference. Tracks that the catalogue does not name are left out."""
        check_id("user_id", user_id)
        found = await services.listeners.find(user_id)
        degraded = list(found.degraded)
        profile = None
        try:
            profile = await services.listeners.profile(user_id)
        except PostgresUnavailable as error:
            if found.row is None:
                raise
            degraded = sorted({*degraded, error.service})
        if profile is None and found.row is None:
            raise NotFound(f"user {user_id!r} is not known: a user exists from their first event or profile on")
        services.metrics.degraded(degraded)
        return json_response(_shown(services, user_id, profile, found, tuple(degraded), top))

    return routes


def _shown(
    services: Services, user_id: str, profile: User | None, found: FoundState, degraded: tuple[str, ...], top: int
) -> UserShown:
    return UserShown(
        user_id,
        profile.display_name if profile else None,
        profile.genres if profile else (),
        profile.created_at if profile else None,
        state_shown(found),
        degraded,
        _top_tracks(services, found.row, top) if found.row is not None else (),
    )


def _top_tracks(services: Services, row: ListenerRow, top: int) -> tuple[TopTrack, ...]:
    now = preferences(row, time.time(), services.weights)
    shown = (_top_track(services, row, int(at), float(now[at])) for at in np.argsort(-now, kind="stable"))
    named = (track for track in shown if track is not None)
    return tuple(track for track, _ in zip(named, range(top), strict=False))


def _top_track(services: Services, row: ListenerRow, at: int, preferred: float) -> TopTrack | None:
    track = services.catalogue.get(TrackNo(int(row.track_nos[at])))
    if track is None:
        return None
    cell = row.cells[at]
    return TopTrack(
        track.track_id, track.name, track.artists, round(preferred, 4), int(cell["plays"]), int(cell["skips"]),
        int(cell["saves"]), _STANCES.get(int(cell["stance"])), datetime.fromtimestamp(int(cell["last_at_s"]), UTC),
    )  # fmt: skip
