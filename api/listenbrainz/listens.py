"""`/1/user/{user_id}/…`: what a listener played, how often, and what is playing now."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response

from api.access.needs import OWN_READ, needs
from api.listenbrainz.described import metadata_of, msid_of
from api.listenbrainz.listeners import is_own
from api.listenbrainz.shapes import (
    CountAnswer,
    CountShown,
    ListensAnswer,
    ListenShown,
    ListensShown,
    PlayingAnswer,
    PlayingShown,
    documented,
)  # fmt: skip
from api.problems import Problem
from api.responses import json_response
from api.services import Histories, Services
from segue.errors import NotFound
from segue.events import EARLIEST, ListeningType, check_id
from segue.stores.postgres.history import Moment, PastEvent

MAX_COUNT = 1_000
LATEST_S = 253_402_300_799
"""The end of the year 9999."""
PLAYS: tuple[ListeningType, ...] = ("play",)
Timestamp = Annotated[int | None, Query(ge=0, le=LATEST_S, description="Unix time in seconds; not included.")]


def router(services: Services) -> APIRouter:
    """The routes of what a listener played."""
    routes = APIRouter(tags=["listenbrainz"])

    @routes.get("/1/user/{user_id}/listens", responses=documented(ListensAnswer))
    @needs(OWN_READ)
    async def read_listens(
        request: Request,
        user_id: str,
        min_ts: Timestamp = None,
        max_ts: Timestamp = None,
        count: Annotated[int, Query(ge=0, description="At most 1,000 are answered.")] = 25,
    ) -> Response:
        """The newest plays before `max_ts`, or the first after `min_ts`; the newest first in either case."""
        check_id("user_id", user_id)
        if min_ts is not None and max_ts is not None and min_ts >= max_ts:
            raise Problem(400, "contradiction", "min_ts should be less than max_ts")
        asked = _Asked(user_id, min(count, MAX_COUNT), min_ts, max_ts)
        read = await services.postgres.run(_read, services.histories, asked)
        if read is None and not is_own(request, user_id):
            raise _unknown(user_id)
        return json_response(ListensAnswer(_listens(services, user_id, read or _Read([], 0, 0))))

    @routes.get("/1/user/{user_id}/listen-count", responses=documented(CountAnswer))
    @needs(OWN_READ)
    async def count_listens(request: Request, user_id: str) -> Response:
        """How many plays are stored."""
        check_id("user_id", user_id)
        count = await services.postgres.run(services.histories.count, user_id, PLAYS)
        if count is None and not is_own(request, user_id):
            raise _unknown(user_id)
        return json_response(CountAnswer(CountShown(count or 0)))

    @routes.get("/1/user/{user_id}/playing-now", responses=documented(PlayingAnswer))
    @needs(OWN_READ)
    async def read_playing_now(user_id: str) -> Response:
        """What the listener's player said last, until that has ended."""
        check_id("user_id", user_id)
        stored = await services.door.players.playing(user_id)
        metadata: list[dict[str, Any]] = [] if stored is None else [msgspec.json.decode(stored)]
        return json_response(PlayingAnswer(PlayingShown(len(metadata), user_id, [{"track_metadata": one} for one in metadata])))

    return routes


@dataclass(frozen=True)
class _Asked:
    user_id: str
    count: int
    min_ts: int | None
    max_ts: int | None


@dataclass(frozen=True)
class _Read:
    events: list[PastEvent]
    latest_s: int
    oldest_s: int


def _read(histories: Histories, asked: _Asked) -> _Read | None:
    events = _page(histories, asked)
    if events is None:
        return None
    latest = histories.newest(asked.user_id, 1, PLAYS) or []
    oldest = histories.oldest(asked.user_id, 1, PLAYS, EARLIEST) or []
    return _Read(events, *(int(one[0].occurred_at.timestamp()) if one else 0 for one in (latest, oldest)))


def _page(histories: Histories, asked: _Asked) -> list[PastEvent] | None:
    since = None if asked.min_ts is None else _end_of(asked.min_ts)
    if asked.max_ts is None and since is not None:
        first = histories.oldest(asked.user_id, asked.count, PLAYS, since)
        return None if first is None else first[::-1]
    before = None if asked.max_ts is None else Moment(datetime.fromtimestamp(asked.max_ts, UTC), uuid.UUID(int=0))
    return histories.newest(asked.user_id, asked.count, PLAYS, before, since)


def _end_of(second: int) -> datetime:
    """Clients see whole seconds: what happened within the one they name is not after it."""
    return datetime.fromtimestamp(second, UTC) + timedelta(seconds=1, microseconds=-1)


def _listens(services: Services, user_id: str, read: _Read) -> ListensShown:
    shown = [_listen(services, user_id, event) for event in read.events]
    return ListensShown(len(shown), user_id, shown, read.latest_s, read.oldest_s)


def _listen(services: Services, user_id: str, event: PastEvent) -> ListenShown:
    metadata = metadata_of(event.track_id, services.catalogue.by_id(event.track_id))
    return ListenShown(int(event.occurred_at.timestamp()), user_id, msid_of(event.track_id), metadata)


def _unknown(user_id: str) -> NotFound:
    return NotFound(f"Cannot find user: {user_id}")
