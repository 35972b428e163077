"""Tracks, all from memory: one, several, and those that are searched for."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api import examples
from api.access.needs import CATALOGUE, needs
from api.answers import MODEL
from api.cursors import MAX_CURSOR, decode_cursor, encode_cursor
from api.problems import Problem
from api.responses import json_response, tagged_response
from api.schemas import AudioShown, TracksAnswer, TracksFound, TrackShown, documented, tagged
from api.search.live_search import Place
from api.services import Services
from segue.catalogue import Track, key_name
from segue.errors import NotFound
from segue.events import check_id

MAX_QUERY = 200
MAX_TRACKS = 100
MAX_PAGE = 100


def router(services: Services) -> APIRouter:
    """The routes of tracks; search stands first, since `search` would be taken for a track id otherwise."""
    routes = APIRouter(tags=["tracks"])

    @routes.get("/tracks/search", responses=documented(TracksFound, examples.SEARCH))
    @needs(CATALOGUE)
    async def search_tracks(
        q: Annotated[str, Query(min_length=1, max_length=MAX_QUERY, examples=["never gona giv"])],
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20,
        cursor: Annotated[str | None, Query(max_length=MAX_CURSOR, description="`next_cursor` of the page before.")] = None,
    ) -> Response:
        """Tracks whose title, artists or album hold every word of `q`, the last one as a beginning; best first.

        Where few do, words with typing errors match too (`forgiven`): one from four letters on, two from eight.
        """
        page = await services.search.find(q, limit, decode_cursor(cursor, Place))
        items = tuple(TrackShown.of(track) for track in page.tracks)
        return json_response(TracksFound(q, items, page.forgiven, encode_cursor(page.ended_at) if page.ended_at else None))

    @routes.get("/tracks", responses=tagged(TracksAnswer))
    @needs(CATALOGUE)
    async def get_tracks(
        request: Request,
        id: Annotated[list[str], Query(min_length=1, max_length=MAX_TRACKS, examples=[["4uLU6hMCjMI75M1A2tKUQC"]])],  # noqa: A002
    ) -> Response:
        """Several tracks at once, in the order of their ids; those that the catalogue lacks are named in `missing`."""
        for track_id in id:
            check_id("id", track_id)
        require_catalogue(services)
        found = {track_id: services.catalogue.by_id(track_id) for track_id in id}
        items = tuple(TrackShown.of(track) for track in found.values() if track is not None)
        return tagged_response(
            request, TracksAnswer(items, tuple(track_id for track_id, track in found.items() if track is None))
        )

    @routes.get("/tracks/{track_id}", responses=tagged(TrackShown))
    @needs(CATALOGUE)
    async def get_track(request: Request, track_id: str) -> Response:
        """One track of the catalogue."""
        return tagged_response(request, TrackShown.of(known_track(services, track_id)))

    @routes.get("/tracks/{track_id}/audio", responses=tagged(AudioShown, examples.AUDIO))
    @needs(CATALOGUE)
    async def get_audio(request: Request, track_id: str) -> Response:
        """How a track sounds, and where that stands in the catalogue: `ranks` of 0.9 is more than nine tracks in ten."""
        track = known_track(services, track_id)
        return tagged_response(request, await _audio(services, track))

    return routes


async def _audio(services: Services, track: Track) -> AudioShown:
    served, features = services.model.served, track.features
    if features is None:
        return AudioShown(track.track_id, None, None, None, {}, ())
    key = key_name(features.key, features.mode)
    if served is None:
        return AudioShown(track.track_id, track.mood, features, key, {}, (MODEL,))
    ranks = await services.answers.in_thread(partial(served.recommender.sound_ranks, track.track_no))
    genre = next(iter(track.genres), None)
    middle = {} if genre is None else await services.answers.in_thread(partial(served.recommender.genre_ranks, genre))
    return AudioShown(track.track_id, track.mood, features, key, ranks, (), genre, middle)


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
