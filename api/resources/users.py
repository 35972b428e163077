"""`/users/{user_id}`: a listener's profile, history, taste and playlists."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query, Response

from api import examples
from api.access.needs import OWN_READ, needs
from api.answers import state_shown
from api.cursors import MAX_CURSOR, decode_cursor, encode_cursor
from api.freshness import AwaitedInQuery, event_headers
from api.listener_schemas import (
    HistoryAnswer,
    PastEventShown,
    PlaylistBrief,
    PlaylistsAnswer,
    TasteAnswer,
    TopTrack,
    UserShown,
)
from api.listener_states import FoundState, preferences
from api.responses import json_response
from api.schemas import documented, unset_if_none
from api.services import Services
from api.taste_summary import taste_of
from segue.errors import NotFound, PostgresUnavailable
from segue.events import LISTENING_TYPES, ListeningType, check_id
from segue.ids import TrackNo
from segue.stores.postgres.history import Moment, PastEvent
from segue.stores.postgres.users import User
from segue.stores.redis.rows import ListenerRow

MAX_PAGE = 200
SHOWN_TYPES: tuple[ListeningType, ...] = tuple(kind for kind in LISTENING_TYPES if kind != "impression")
_STANCES: dict[int, Literal["liked", "disliked"]] = {1: "liked", -1: "disliked"}


def router(services: Services) -> APIRouter:
    """The route of users."""
    routes = APIRouter(tags=["users"])

    @routes.get("/users/{user_id}", responses=documented(UserShown))
    @needs(OWN_READ)
    async def get_user(user_id: str, top: Annotated[int, Query(ge=0, le=100)] = 10, awaited: AwaitedInQuery = None) -> Response:
        """The profile, and the `top` tracks by current preference. Tracks that the catalogue does not name are left out."""
        check_id("user_id", user_id)
        found = await services.states.find(user_id, awaited)
        degraded = list(found.degraded)
        profile = None
        try:
            profile = await services.listeners.profile(user_id)
        except PostgresUnavailable as error:
            if found.row is None:
                raise
            degraded = sorted({*degraded, error.service})
        if profile is None and found.row is None:
            raise unknown_user(user_id)
        services.metrics.degraded(degraded)
        shown = _shown(services, user_id, profile, found, tuple(degraded), top)
        return json_response(shown, headers=event_headers([found.includes_event]))

    @routes.get("/users/{user_id}/history", responses=documented(HistoryAnswer, examples.HISTORY))
    @needs(OWN_READ)
    async def get_history(
        user_id: str,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
        type: Annotated[  # noqa: A002
            list[ListeningType],
            Query(max_length=len(LISTENING_TYPES), description="Any of these; else all but impressions."),
        ] = [],  # noqa: B006 - FastAPI copies defaults
        cursor: Annotated[str | None, Query(max_length=MAX_CURSOR, description="`next_cursor` of the page before.")] = None,
        awaited: AwaitedInQuery = None,
    ) -> Response:
        """What a listener did, newest first, from Postgres. Events that arrive meanwhile do not shift the pages."""
        check_id("user_id", user_id)
        before, types = decode_cursor(cursor, Moment), type or SHOWN_TYPES
        included = await services.states.stored(user_id, awaited)
        events = await services.postgres.run(services.histories.newest, user_id, limit + 1, types, before)
        if events is None:
            raise unknown_user(user_id)
        more = Moment(events[limit - 1].occurred_at, events[limit - 1].event_id) if len(events) > limit else None
        items = tuple(_past(services, event) for event in events[:limit])
        answer = HistoryAnswer(user_id, items, encode_cursor(more) if more else None, unset_if_none(included))
        return json_response(answer, headers=event_headers([included]))

    @routes.get("/users/{user_id}/taste", responses=documented(TasteAnswer, examples.TASTE))
    @needs(OWN_READ)
    async def get_taste(
        user_id: str, top: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 10, awaited: AwaitedInQuery = None
    ) -> Response:
        """What the live row says: the `top` genres, artists, moods and eras by share, and how what is liked sounds."""
        check_id("user_id", user_id)
        found = await services.states.find(user_id, awaited)
        services.metrics.degraded(found.degraded)
        row, taste = found.row, None
        if row is not None:
            made = partial(taste_of, row, services.catalogue.get, time.time(), services.weights, top)
            taste = await services.answers.in_thread(made)
        answer = TasteAnswer(user_id, state_shown(found), found.degraded, taste)
        return json_response(answer, headers=event_headers([found.includes_event]))

    @routes.get("/users/{user_id}/playlists", responses=documented(PlaylistsAnswer))
    @needs(OWN_READ)
    async def get_playlists(
        user_id: str,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
        cursor: Annotated[str | None, Query(max_length=MAX_CURSOR, description="`next_cursor` of the page before.")] = None,
    ) -> Response:
        """The playlists that a listener owns, oldest first, without their tracks."""
        check_id("user_id", user_id)
        after = decode_cursor(cursor, int) or 0
        owned = await services.postgres.run(services.playlists.owned, user_id, limit + 1, after)
        items = tuple(PlaylistBrief(p.playlist_id, p.name, len(p.track_ids), p.source, p.changed_at) for p in owned[:limit])
        more = encode_cursor(owned[limit - 1].playlist_no) if len(owned) > limit else None
        return json_response(PlaylistsAnswer(user_id, items, more))

    return routes


def unknown_user(user_id: str) -> NotFound:
    """Says that a user is not known."""
    return NotFound(f"user {user_id!r} is not known: a user exists from their first event or profile on")


def _past(services: Services, event: PastEvent) -> PastEventShown:
    track = services.catalogue.by_id(event.track_id)
    return PastEventShown(
        str(event.event_id), event.type, event.track_id, track.name if track else None, track.artists if track else (),
        event.occurred_at, event.ms_played, event.session_id, str(event.rec_id) if event.rec_id else None, event.position,
        event.source,
    )  # fmt: skip


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
