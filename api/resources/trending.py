"""`GET /trending`: what is heard most, and what is heard more than usual."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from functools import partial
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Request, Response

from api import examples
from api.access.callers import check_owner
from api.access.needs import CATALOGUE, needs
from api.answers import without_blocked
from api.fallback import allowed, first_versions
from api.listener_states import FoundState
from api.live_catalogue import LiveCatalogue
from api.live_trending import Charts
from api.problems import Problem, unavailable
from api.questions import MAX_GENRES
from api.resources.tracks import require_catalogue
from api.responses import tagged_response
from api.schemas import NoteShown, TrendingAnswer, TrendingOrder, TrendingTrack, documented
from api.services import Services
from api.steering import check_genres
from segue.catalogue import MOODS, Mood, Track
from segue.errors import PostgresUnavailable
from segue.events import check_id
from segue.ids import TrackNo
from segue.recommending.filters import Filters
from segue.recommending.steering import Steering
from segue.trending.charts import Chart
from segue.trending.windows import WindowName

MAX_CHART = 200


def router(services: Services) -> APIRouter:
    """The route of charts."""
    routes = APIRouter(tags=["trending"])

    @routes.get("/trending", responses=documented(TrendingAnswer, examples.TRENDING))
    @needs(CATALOGUE)
    async def get_trending(
        request: Request,
        window: WindowName = "24h",
        order: Annotated[TrendingOrder, Query(description="By listeners, or by how surely there are more than usual.")] = "top",
        genre: Annotated[list[str], Query(max_length=MAX_GENRES)] = [],  # noqa: B006 - FastAPI copies defaults
        mood: Annotated[list[Mood], Query(max_length=len(MOODS))] = [],  # noqa: B006
        limit: Annotated[int, Query(ge=1, le=MAX_CHART)] = 50,
        user_id: Annotated[str | None, Query(description="Leaves out what this listener blocks.")] = None,
    ) -> Response:
        """What is heard now. A listener counts once for each track and window; the newest plays count most.

        Any of the given genres and moods passes. The tag changes with the chart: send it as If-None-Match.
        """
        found = await _asking(request, services, user_id)
        require_catalogue(services)
        check_genres(services.catalogue, {"genre": genre})
        charts = _charts(services, window)
        rows = [found.row] if found else []
        steering = without_blocked(Steering(filters=Filters(tuple(genre), tuple(mood))), rows, time.time())
        chart = charts.top if order == "top" else charts.rising
        items = await services.answers.in_thread(partial(_items, chart, services.catalogue, steering, limit))
        stale = services.trending.failure is not None
        degraded = tuple(sorted({*(found.degraded if found else ()), *((PostgresUnavailable.service,) if stale else ())}))
        services.metrics.degraded(degraded)
        notes = (*_why_empty(window, order, charts, items), *((_STALE,) if stale else ()))
        age_s = max(0, round(time.time() - charts.counted_at.timestamp()))
        answer = TrendingAnswer(window, order, charts.counted_at, degraded, items, notes)
        return tagged_response(request, answer, {"Age": str(age_s)})

    return routes


_STALE = NoteShown("stale", "Postgres is away: the chart is the last one counted", ())


async def _asking(request: Request, services: Services, user_id: str | None) -> FoundState | None:
    """The state of the listener who asks, if one is named. Raises Problem 403, InvalidEvent."""
    if user_id is None:
        return None
    check_id("user_id", user_id)
    check_owner(request, user_id)
    return await services.listeners.find(user_id)


def _charts(services: Services, window: WindowName) -> Charts:
    """The charts of a window. Raises Problem 503 until they were counted."""
    charts, failure = services.trending.charts.get(window), services.trending.failure
    if charts is not None:
        return charts
    if failure is not None:
        raise unavailable(PostgresUnavailable(f"{window} was not counted yet: {failure}"))
    raise Problem(503, "not_counted_yet", f"{window} is being counted for the first time", headers={"Retry-After": "5"})


def _items(chart: Chart, catalogue: LiveCatalogue, steering: Steering, limit: int) -> tuple[TrendingTrack, ...]:
    """The first `limit` songs that pass. Costs a few µs for each track of the chart that does not."""
    blocked = map(catalogue.get, steering.blocked_tracks)
    named = map(catalogue.get, map(TrackNo, chart.track_no.tolist()))
    passing = filter(allowed(steering), (track for track in named if track is not None))
    songs = first_versions(passing, {track.song_key for track in blocked if track is not None})
    return tuple(_item(chart, track) for track, _ in zip(songs, range(limit), strict=False))


def _item(chart: Chart, track: Track) -> TrendingTrack:
    at = int(np.flatnonzero(chart.track_no == track.track_no)[0])
    growth = float(chart.growth[at])
    return TrendingTrack(
        at + 1, track.track_id, track.name, track.artists, track.genres, track.mood, int(chart.listeners[at]),
        round(float(chart.score[at]), 4), None if math.isnan(growth) else round(growth, 4),
    )  # fmt: skip


def _why_empty(window: WindowName, order: TrendingOrder, charts: Charts, items: Sequence[TrendingTrack]) -> tuple[NoteShown, ...]:
    if items:
        return ()
    if len(charts.top) == 0:
        return (NoteShown("nothing_heard", f"Nothing was heard within {window}: a longer window may have some", ("window",)),)
    if order == "rising" and not charts.has_past:
        text = "There is nothing to compare with yet: order=top shows what is heard"
        return (NoteShown("nothing_to_compare_with", text, ("order", "window")),)
    if order == "rising" and len(charts.rising) == 0:
        return (NoteShown("nothing_rises", "Nothing is surely heard more than usual", ("order", "window")),)
    return (NoteShown("filters_match_nothing", "No track of the chart passes", ("genre", "mood", "user_id")),)
