"""`GET /recommend/song/{track_id}` and `POST /recommend/user/`.

CPU per request of the whole process, pollers included, in two rounds of 200 requests at 1 to 8 connections: 16 to 22 ms for a
listener, 7 to 9 ms for a song; `GET /tracks/{track_id}`, which scores nothing, takes 0.8 ms. Over HTTP, 28,352 tracks, 300
simulated listeners, two cores that other work kept busy (load 12 to 17), which inflates CPU time too. Latency was not measured
on an idle machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.answers import state_shown
from api.bodies import read_model
from api.listener_states import FoundState
from api.problems import FieldError, invalid_fields
from api.resources.tracks import known_track, require_catalogue
from api.responses import json_response
from api.schemas import MAX_ANSWERS, MAX_GENRES, ListenerAnswer, ListenerQuestion, SongAnswer, WantedTracks, documented
from api.services import Services
from segue.catalogue import MOODS, Mood
from segue.errors import PostgresUnavailable
from segue.ids import uuid7
from segue.recommending.filters import Filters

GENRES_NAMED = 10
"""How many of the known genres a refusal names."""

EXAMPLE_ITEM = {
    "track_id": "4uLU6hMCjMI75M1A2tKUQC",
    "name": "Never Gonna Give You Up",
    "artists": ["Rick Astley"],
    "score": 3.4142,
    "reason": {
        "code": "because_you_played",
        "text": "Because you played Together Forever by Rick Astley",
        "seed_track_id": "3LWzfwwhiPrUz8pOnWlMzl",
    },
    "sources": ["co_listening", "als"],
}
EXAMPLE_LISTENER = {
    "rec_id": "019aaf6a-5d1c-7b43-8f0e-2f4f2a1b9c77",
    "user_id": "alice",
    "model_version": "20261123T190501Z-3f9a1c",
    "state": {"events": 42, "last_event_at": "2026-11-23T19:04:58Z", "age_ms": 310, "source": "redis"},
    "degraded": [],
    "items": [EXAMPLE_ITEM],
}
EXAMPLE_SONG = {
    "rec_id": "019aaf6a-5d1c-7b43-8f0e-2f4f2a1b9c78",
    "track_id": "3LWzfwwhiPrUz8pOnWlMzl",
    "model_version": "20261123T190501Z-3f9a1c",
    "degraded": [],
    "items": [EXAMPLE_ITEM],
}
_QUESTION: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/ListenerQuestion"},
                "examples": {
                    "plain": {"value": {"user_id": "alice"}},
                    "steered": {
                        "value": {
                            "user_id": "alice",
                            "n": 20,
                            "filters": {"genres": ["rock"], "moods": ["happy"], "year_min": 1990},
                        }
                    },
                    "newcomer": {"value": {"user_id": "bob", "genres": ["jazz"]}},
                },
            }
        },
    }
}


def router(services: Services) -> APIRouter:
    """The routes of recommendations."""
    routes = APIRouter(tags=["recommendations"])

    @routes.get("/recommend/song/{track_id}", responses=documented(SongAnswer, EXAMPLE_SONG))
    async def recommend_song(
        track_id: str,
        n: Annotated[int, Query(ge=1, le=MAX_ANSWERS)] = 10,
        genre: Annotated[list[str], Query(max_length=MAX_GENRES)] = [],  # noqa: B006 - FastAPI copies defaults
        mood: Annotated[list[Mood], Query(max_length=len(MOODS))] = [],  # noqa: B006
    ) -> Response:
        """Songs like this one. `genre` and `mood` may be given several times: any of them passes."""
        track = known_track(services, track_id)
        _check_genres(services, "genre", genre)
        answered = await services.answers.for_song(track, n, Filters(genres=tuple(genre), moods=tuple(mood)))
        services.metrics.degraded(answered.degraded)
        return json_response(SongAnswer(str(uuid7()), track_id, answered.model_version, answered.degraded, answered.items))

    @routes.post("/recommend/user", include_in_schema=False)
    @routes.post("/recommend/user/", responses=documented(ListenerAnswer, EXAMPLE_LISTENER), openapi_extra=_QUESTION)
    async def recommend_user(request: Request) -> Response:
        """Tracks for a listener, from the state of this moment. Unknown listeners get what is popular, never an error."""
        question = await read_model(request, ListenerQuestion, services.settings.max_body_bytes)
        require_catalogue(services)
        _check_genres(services, "filters.genres", question.filters.genres)
        _check_genres(services, "genres", question.genres)
        return json_response(await _answer(services, question))

    return routes


async def _answer(services: Services, question: ListenerQuestion) -> ListenerAnswer:
    found = await services.listeners.find(question.user_id)
    genres, away = await _chosen_genres(services, question, found)
    answered = await services.answers.for_listener(found.row, question.n, question.exclude, _filters(question.filters), genres)
    degraded = tuple(dict.fromkeys((*found.degraded, *away, *answered.degraded)))
    services.metrics.degraded(degraded)
    return ListenerAnswer(str(uuid7()), question.user_id, answered.model_version, state_shown(found), degraded, answered.items)


async def _chosen_genres(
    services: Services, question: ListenerQuestion, found: FoundState
) -> tuple[Sequence[str], tuple[str, ...]]:
    """The genres of the question or, for a listener without any event, those of the profile; and what did not answer."""
    if question.genres or found.row is not None or PostgresUnavailable.service in found.degraded:
        return question.genres, ()
    try:
        profile = await services.listeners.profile(question.user_id)
    except PostgresUnavailable as error:
        return (), (error.service,)
    return (profile.genres if profile else ()), ()


def _filters(wanted: WantedTracks) -> Filters:
    return Filters(
        tuple(wanted.genres), tuple(wanted.moods), wanted.year_min, wanted.year_max, wanted.explicit, wanted.popularity_min,
        wanted.popularity_max,
    )  # fmt: skip


def _check_genres(services: Services, field: str, genres: Sequence[str]) -> None:
    known = services.catalogue.genres
    unknown = [genre for genre in genres if known.get(genre.casefold(), 0) < 1]
    if unknown:
        some = ", ".join(sorted(known, key=lambda genre: (-known[genre], genre))[:GENRES_NAMED])
        raise invalid_fields([FieldError(field, f"no track has genre {genre!r}; known are {some}, …") for genre in unknown])
