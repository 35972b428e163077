"""`POST /1/feedback/recording-feedback` and what was said so far: love, hate, or neither."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response

from api.access.needs import CALLER_WRITE, OWN_READ, needs
from api.bodies import malformed, read_body
from api.listenbrainz.described import mbid_of, metadata_of, msid_of
from api.listenbrainz.listeners import listener_of
from api.listenbrainz.shapes import Done, FeedbacksAnswer, FeedbackShown, RecordingFeedback, documented, sent
from api.listenbrainz.submit import publish
from api.listenbrainz.tracks import SOURCE
from api.problems import Problem
from api.responses import json_response
from api.services import Services
from segue.errors import RedisUnavailable
from segue.events import ListeningEvent, ListeningType, check_id
from segue.ids import uuid7
from segue.songs import DERIVED
from segue.stores.postgres.history import PastEvent

NEWEST = 1_000
"""Events of a listener that are looked through for a recording, and for what they said."""
STATEMENTS: tuple[ListeningType, ...] = ("like", "unlike", "dislike", "undislike")
_SAID: dict[int, ListeningType] = {1: "like", -1: "dislike", 0: "unlike"}
_SCORES: dict[ListeningType, int] = {"like": 1, "dislike": -1}


_decoder = msgspec.json.Decoder(RecordingFeedback)


def router(services: Services) -> APIRouter:
    """The routes of feedback."""
    routes = APIRouter(tags=["listenbrainz"])

    @routes.post("/1/feedback/recording-feedback", responses=documented(Done), openapi_extra=sent("RecordingFeedback"))
    @needs(CALLER_WRITE)
    async def submit_feedback(request: Request) -> Response:
        """Love (1), hate (-1) or neither (0), stored by Kafka before it is answered; the newest word holds."""
        user_id = listener_of(request)
        said = _read(await read_body(request, services.settings.max_body_bytes))
        event = ListeningEvent(
            event_id=uuid7(), type=_SAID[said.score], user_id=user_id, track_id=await _track(services, user_id, said),
            occurred_at=datetime.now(UTC), source=SOURCE,
        )  # fmt: skip
        await publish(services, [event])
        return json_response(Done())

    @routes.get("/1/feedback/user/{user_id}/get-feedback", responses=documented(FeedbacksAnswer))
    @needs(OWN_READ)
    async def read_feedback(
        user_id: str,
        score: Annotated[Literal["1", "-1"] | None, Query(description="Loved or hated ones only.")] = None,
        count: Annotated[int, Query(ge=0)] = 25,
        offset: Annotated[int, Query(ge=0)] = 0,
    ) -> Response:
        """What the listener's last word on recordings is, newest first, among the newest 1,000 words."""
        check_id("user_id", user_id)
        events = await services.postgres.run(services.histories.newest, user_id, NEWEST, STATEMENTS)
        standing = [one for one in _last_words(events or []) if score is None or _SCORES[one.type] == int(score)]
        shown = [_shown(services, user_id, event) for event in standing[offset : offset + count]]
        return json_response(FeedbacksAnswer(shown, len(shown), len(standing), offset))

    return routes


def _read(body: bytes) -> RecordingFeedback:
    try:
        said = _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Problem(400, "invalid_feedback", str(error)) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(str(error)) from None
    return RecordingFeedback(
        said.score, _uuid(said.recording_mbid, "recording_mbid"), _uuid(said.recording_msid, "recording_msid")
    )


def _uuid(value: str | None, name: str) -> str | None:
    try:
        return str(uuid.UUID(value)) if value else None
    except ValueError:
        raise Problem(400, "invalid_feedback", f"{name} is no UUID") from None


async def _track(services: Services, user_id: str, said: RecordingFeedback) -> str:
    """The track that is meant: by the id that this listener's listens had, else by the catalogue's. Raises Problem 400."""
    if said.recording_msid is not None:
        track_id = await _track_by_msid(services, user_id, said.recording_msid)
        if track_id is not None:
            return track_id
    if said.recording_mbid is None:
        detail = f"recording_msid is of none of your newest {NEWEST:,} listens: send recording_mbid"
        raise Problem(400, "unknown_recording", detail if said.recording_msid else "send recording_mbid or recording_msid")
    return await _track_by_mbid(services, user_id, said.recording_mbid)


async def _track_by_msid(services: Services, user_id: str, msid: str) -> str | None:
    events = await services.postgres.run(services.histories.newest, user_id, NEWEST, ("play", *STATEMENTS))
    return next((event.track_id for event in events or () if msid_of(event.track_id) == msid), None)


async def _track_by_mbid(services: Services, user_id: str, mbid: str) -> str:
    """A recording of which nothing is known gets the id that a listen of it would get: the word is kept for then."""
    try:
        noted = await services.door.players.recording(user_id, mbid)
    except RedisUnavailable:
        if services.catalogue.by_id(mbid) is None and services.catalogue.by_id(DERIVED + mbid) is None:
            # Which track it is may only be noted there: another one must not be loved in its place.
            raise
        noted = None
    return noted or (mbid if services.catalogue.by_id(mbid) is not None else DERIVED + mbid)


def _last_words(events: list[PastEvent]) -> list[PastEvent]:
    """The newest event of each track, of events that are newest first; without those that take a word back."""
    newest: dict[str, PastEvent] = {}
    for event in events:
        newest.setdefault(event.track_id, event)
    return [event for event in newest.values() if event.type in _SCORES]


def _shown(services: Services, user_id: str, event: PastEvent) -> FeedbackShown:
    metadata = metadata_of(event.track_id, services.catalogue.by_id(event.track_id))
    return FeedbackShown(
        int(event.occurred_at.timestamp()),
        _SCORES[event.type],
        user_id,
        msid_of(event.track_id),
        mbid_of(event.track_id),
        metadata,
    )
