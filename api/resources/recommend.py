"""`GET /recommend/song/{track_id}` and `POST /recommend/user/`, `/session`, `/playlist`, `/group`.

What a request costs the whole process, at one connection (`python -m benchmarks serve`, 30,000 tracks, two cores, load 1.2 to
1.3): a listener 3.3 ms of CPU, p50 3.3 and p99 5.2 ms; a song 1.8 ms, p50 1.8 and p99 3.4. At 16 connections threads that score
and the event loop wait for the interpreter's lock: 5.4 and 2.7 ms of CPU. What making an answer costs is in
segue/recommending/answer.py.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar, cast

from fastapi import APIRouter, Query, Request, Response

from api import examples
from api.access.callers import check_owner
from api.access.needs import CATALOGUE, OWN_QUESTION, READ, needs
from api.answers import Answered, state_shown
from api.bodies import read_model
from api.freshness import awaited_by, event_headers
from api.listener_states import FoundState
from api.questions import (
    MAX_ANSWERS,
    MAX_EXCLUDED,
    MAX_GENRES,
    Bounds,
    FeatureName,
    GroupQuestion,
    ListenerQuestion,
    PlaylistQuestion,
    SessionQuestion,
    Steered,
    Variety,
    WantedTracks,
)  # fmt: skip
from api.resources.tracks import known_track, require_catalogue
from api.responses import json_response
from api.schemas import GroupAnswer, ListenerAnswer, MemberShown, NextAnswer, NoteShown, SongAnswer, documented
from api.services import Services
from api.steering import Wanted, check_artists, check_genres, naming, renamed, wanted
from segue.catalogue import MOODS, Mood, Track
from segue.errors import PostgresUnavailable
from segue.ids import uuid7
from segue.logs import fields
from segue.recommending.answer import FOR_LISTENER, FOR_SONG
from segue.recommending.stages import Stage

log = logging.getLogger(__name__)

Kind = TypeVar("Kind", bound=Steered)

QUERY_NAMES = {
    "filters.genres": "genre", "filters.exclude_genres": "exclude_genre", "filters.moods": "mood", "filters.explicit": "explicit",
    "filters.year_min": "year_min", "filters.year_max": "year_max", "filters.popularity_min": "popularity_min",
    "filters.popularity_max": "popularity_max", "filters.features.energy.min": "energy_min",
    "filters.features.energy.max": "energy_max", "filters.features.tempo.min": "tempo_min",
    "filters.features.tempo.max": "tempo_max",
}  # fmt: skip
"""What the fields of a body are called in the query of a song."""


def router(services: Services) -> APIRouter:
    """The routes of recommendations."""
    routes = APIRouter(tags=["recommendations"])

    @routes.get("/recommend/song/{track_id}", responses=documented(SongAnswer, examples.SONG))
    @needs(CATALOGUE)
    async def recommend_song(
        track_id: str,
        n: Annotated[int, Query(ge=1, le=MAX_ANSWERS)] = 10,
        genre: Annotated[list[str], Query(max_length=MAX_GENRES)] = [],  # noqa: B006 - FastAPI copies defaults
        exclude_genre: Annotated[list[str], Query(max_length=MAX_GENRES)] = [],  # noqa: B006
        mood: Annotated[list[Mood], Query(max_length=len(MOODS))] = [],  # noqa: B006
        year_min: Annotated[int | None, Query(ge=1000, le=9999)] = None,
        year_max: Annotated[int | None, Query(ge=1000, le=9999)] = None,
        explicit: bool | None = None,
        popularity_min: Annotated[int | None, Query(ge=0, le=100)] = None,
        popularity_max: Annotated[int | None, Query(ge=0, le=100)] = None,
        energy_min: Annotated[float | None, Query(ge=0, le=1, allow_inf_nan=False)] = None,
        energy_max: Annotated[float | None, Query(ge=0, le=1, allow_inf_nan=False)] = None,
        tempo_min: Annotated[float | None, Query(ge=0, allow_inf_nan=False, description="Beats per minute.")] = None,
        tempo_max: Annotated[float | None, Query(ge=0, allow_inf_nan=False)] = None,
        exclude: Annotated[list[str], Query(max_length=MAX_EXCLUDED)] = [],  # noqa: B006
        adventurousness: Annotated[float, Query(ge=0, le=1, allow_inf_nan=False)] = 0.5,
        diversity: Annotated[float | None, Query(ge=0, le=1, allow_inf_nan=False)] = None,
        per_artist: Annotated[int | None, Query(ge=1, le=MAX_ANSWERS)] = None,
        per_album: Annotated[int | None, Query(ge=1, le=MAX_ANSWERS)] = None,
    ) -> Response:
        """Songs like this one. What is a list may be given several times: any genre or mood of it passes."""
        track = known_track(services, track_id)
        filters = WantedTracks(
            genres=genre, exclude_genres=exclude_genre, moods=mood, year_min=year_min, year_max=year_max, explicit=explicit,
            popularity_min=popularity_min, popularity_max=popularity_max,
            features=_bounds(energy=(energy_min, energy_max), tempo=(tempo_min, tempo_max)),
        )  # fmt: skip
        variety = Variety(strength=diversity, per_artist=per_artist, per_album=per_album)
        question = Steered(n=n, exclude=exclude, filters=filters, adventurousness=adventurousness, diversity=variety)
        with naming(QUERY_NAMES):
            asked = wanted(question, services.catalogue, FOR_SONG)
        answered = await services.answers.for_song(track, asked)
        made = _made(services, answered, asked)
        notes = tuple(renamed(note, QUERY_NAMES) for note in answered.notes)
        return json_response(
            SongAnswer(made.rec_id, track_id, answered.model_version, made.degraded, answered.items, notes, asked.seed)
        )

    @routes.get("/tracks/{track_id}/similar", responses=documented(SongAnswer, examples.SONG), tags=["tracks"])
    @needs(CATALOGUE)
    async def similar_tracks(track_id: str, n: Annotated[int, Query(ge=1, le=MAX_ANSWERS)] = 10) -> Response:
        """Songs like this one; `/recommend/song/{track_id}` takes filters."""
        return await recommend_song(track_id, n)

    @routes.post("/recommend/user", include_in_schema=False)
    @routes.post(
        "/recommend/user/",
        responses=documented(ListenerAnswer, examples.LISTENER),
        openapi_extra=examples.asked("ListenerQuestion", examples.LISTENER_QUESTIONS),
    )
    @needs(OWN_QUESTION)
    async def recommend_user(request: Request) -> Response:
        """Tracks for a listener, from the state of this moment. Unknown listeners get what is popular, never an error."""
        question, asked = await _asked(request, services, ListenerQuestion)
        check_owner(request, question.user_id)
        check_genres(services.catalogue, {"genres": question.genres})
        check_artists(services.catalogue, {"artists": question.artists})
        with Stage("state"):
            found = await services.states.find(question.user_id, awaited_by(question, services.settings))
        genres, away = await _chosen_genres(services, question, found)
        answered = await services.answers.for_listener(found.row, asked, genres, question.artists)
        made = _made(services, answered, asked, (*found.degraded, *away))
        return json_response(
            ListenerAnswer(
                made.rec_id,
                question.user_id,
                answered.model_version,
                state_shown(found),
                made.degraded,
                answered.items,
                answered.notes,
                asked.seed,
            ),
            headers=event_headers([found.includes_event]),
        )

    @routes.post(
        "/recommend/session",
        responses=documented(NextAnswer, examples.NEXT),
        openapi_extra=examples.asked("SessionQuestion", examples.SESSION_QUESTIONS),
    )
    @needs(CATALOGUE)
    async def recommend_session(request: Request) -> Response:
        """What to play next in a session without an account. Nothing is stored."""
        question, asked = await _asked(request, services, SessionQuestion)
        known = [(services.catalogue.by_id(step.track_id), step.outcome == "skip") for step in question.tracks]
        tracks = [(track, skipped) for track, skipped in known if track is not None]
        answered = await services.answers.for_session(tracks, asked)
        return _next(services, answered, asked, unknown_tracks([track for track, _ in known]))

    @routes.post(
        "/recommend/playlist",
        responses=documented(NextAnswer, examples.NEXT),
        openapi_extra=examples.asked("PlaylistQuestion", examples.PLAYLIST_QUESTIONS),
    )
    @needs(CATALOGUE)
    async def recommend_playlist(request: Request) -> Response:
        """What else belongs in a playlist, by its tracks and the words of its title."""
        question, asked = await _asked(request, services, PlaylistQuestion)
        known = [services.catalogue.by_id(track_id) for track_id in question.tracks]
        answered = await services.answers.for_playlist([t for t in known if t is not None], question.title, asked)
        return _next(services, answered, asked, unknown_tracks(known))

    @routes.post(
        "/recommend/group",
        responses=documented(GroupAnswer, examples.GROUP),
        openapi_extra=examples.asked("GroupQuestion", examples.GROUP_QUESTIONS),
    )
    @needs(READ)
    async def recommend_group(request: Request) -> Response:
        """What to play to several listeners together: liked on average, and a misery to nobody."""
        question, asked = await _asked(request, services, GroupQuestion)
        user_ids = list(dict.fromkeys(question.user_ids))
        with Stage("state"):
            states = await services.states.find_all(user_ids, awaited_by(question, services.settings))
        answered = await services.answers.for_group({user_id: state.row for user_id, state in states.items()}, asked)
        made = _made(services, answered, asked, [name for state in states.values() for name in state.degraded])
        members = tuple(MemberShown(user_id, state_shown(state)) for user_id, state in states.items())
        return json_response(
            GroupAnswer(made.rec_id, answered.model_version, members, made.degraded, answered.items, answered.notes, asked.seed),
            headers=event_headers(state.includes_event for state in states.values()),
        )

    return routes


def _bounds(**given: tuple[float | None, float | None]) -> dict[FeatureName, Bounds]:
    """Bounds of the features that have one: an open bound would leave out tracks of which the sound is not known."""
    named = {name: Bounds(min=least, max=most) for name, (least, most) in given.items() if (least, most) != (None, None)}
    return cast("dict[FeatureName, Bounds]", named)


async def _asked(request: Request, services: Services, kind: type[Kind]) -> tuple[Kind, Wanted]:
    """The question in a request's body and its steering. Raises Problem."""
    question = await read_model(request, kind, services.settings.max_body_bytes)
    require_catalogue(services)
    return question, wanted(question, services.catalogue, FOR_LISTENER)


@dataclass(frozen=True)
class _Made:
    rec_id: str
    degraded: tuple[str, ...]


def _made(services: Services, answered: Answered, asked: Wanted, away: Sequence[str] = ()) -> _Made:
    """Names an answer, counts what it had to do without, and logs the propensities of one that explored."""
    degraded = tuple(dict.fromkeys((*away, *answered.degraded)))
    services.metrics.degraded(degraded)
    made = _Made(str(uuid7()), degraded)
    if asked.seed is not None:
        slots = " ".join(f"{item.track_id}:{item.propensity:.6g}" for item in answered.items)
        epsilon = asked.steering.exploration.epsilon
        log.info("explored", extra=fields(rec_id=made.rec_id, epsilon=epsilon, seed=asked.seed, slots=slots))
    return made


def _next(services: Services, answered: Answered, asked: Wanted, unknown: tuple[NoteShown, ...]) -> Response:
    made = _made(services, answered, asked)
    notes = (*unknown, *answered.notes)
    return json_response(NextAnswer(made.rec_id, answered.model_version, made.degraded, answered.items, notes, asked.seed))


def unknown_tracks(tracks: Sequence[Track | None], field: str = "tracks") -> tuple[NoteShown, ...]:
    """A note that names the positions in `field` of unknown tracks, which are passed over."""
    where = tuple(f"{field}.{position}" for position, track in enumerate(tracks) if track is None)
    return (NoteShown("unknown_tracks", f"Passed over: {len(where)} tracks that the catalogue lacks", where),) if where else ()


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
