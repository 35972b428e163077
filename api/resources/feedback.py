"""`POST /users/{user_id}/feedback` and `GET /users/{user_id}/blocks`: likes, dislikes, blocks, and "not now"."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request, Response

from api import examples
from api.access.needs import OWN_READ, OWN_WRITE, needs
from api.answers import state_shown
from api.bodies import read_model
from api.freshness import AwaitedInQuery, event_headers
from api.listener_schemas import BlockedArtist, BlockedTrack, BlocksAnswer, FeedbackAnswer
from api.live_catalogue import LiveCatalogue
from api.problems import FieldError, Problem, invalid_fields
from api.questions import NOT_NOW_DAYS, Feedback
from api.responses import json_response
from api.schemas import documented
from api.services import Services
from segue.errors import KafkaUnavailable
from segue.events import ARTIST_TYPES, ListeningEvent, check_id, check_listening_event
from segue.ids import uuid7
from segue.listeners import MAX_BLOCKS, Blocks

NO_TRACK = "no-track"
"""Track id of an event that unblocks an artist of whom the catalogue has no track any more."""


def router(services: Services) -> APIRouter:
    """The routes of what listeners say."""
    routes = APIRouter(tags=["users"])

    @routes.post(
        "/users/{user_id}/feedback",
        responses=documented(FeedbackAnswer, examples.FEEDBACK, 202),
        openapi_extra=examples.asked("Feedback", examples.FEEDBACKS),
        status_code=202,
    )
    @needs(OWN_WRITE)
    async def give_feedback(request: Request, user_id: str) -> Response:
        """Say what a listener thinks of a track or an artist; 202 means that Kafka has stored it. The newest word holds.

        `block`: never recommend the track, in no version; `block_artist`: nothing of the artist, as a guest neither; `not_now`:
        not for some days. None of these is a matter of taste: what is like it goes on being recommended. `dislike` is.
        """
        check_id("user_id", user_id)
        said = await read_model(request, Feedback, services.settings.max_body_bytes)
        event = await _event(services, user_id, said)
        if event.type in ("block", "block_artist"):
            await _check_room(services, user_id)
        (reason,) = await services.events.publish([event])
        services.metrics.events("accepted" if reason is None else "undelivered", 1)
        if reason is not None:
            raise KafkaUnavailable(f"{reason}: send it again with event_id {event.event_id}, it counts once")
        return json_response(FeedbackAnswer(user_id, str(event.event_id), said.action, event.until), 202)

    @routes.get("/users/{user_id}/blocks", responses=documented(BlocksAnswer))
    @needs(OWN_READ)
    async def get_blocks(user_id: str, awaited: AwaitedInQuery = None) -> Response:
        """What the listener shut out, from the live row; blocks that have ended are left out."""
        check_id("user_id", user_id)
        found = await services.states.find(user_id, awaited)
        services.metrics.degraded(found.degraded)
        blocks = found.row.blocks.at(time.time()) if found.row else Blocks()
        artists = tuple(BlockedArtist(name, _end(until)) for name, until in sorted(blocks.artists.items()))
        answer = BlocksAnswer(user_id, state_shown(found), found.degraded, _tracks(services, blocks), artists)
        return json_response(answer, headers=event_headers([found.includes_event]))

    return routes


async def _event(services: Services, user_id: str, said: Feedback) -> ListeningEvent:
    now = datetime.now(UTC)
    days = NOT_NOW_DAYS if said.action == "not_now" and said.days is None else said.days
    track_id = said.track_id
    if track_id is None:
        track_id = await asyncio.to_thread(_track_by, services.catalogue, said)
    event = ListeningEvent(
        event_id=said.event_id or uuid7(), type="block" if said.action == "not_now" else said.action, user_id=user_id,
        track_id=track_id, occurred_at=now,
        rec_id=said.rec_id, position=said.position, source="feedback", artist=said.artist,
        until=None if days is None else now + timedelta(days=days),
    )  # fmt: skip
    check_listening_event(event, now)
    return event


def _track_by(catalogue: LiveCatalogue, said: Feedback) -> str:
    """A track of the artist, for an event to be about; a scan, so not on the event loop. Raises Problem 422."""
    name = (said.artist or "").strip().casefold()
    for track in catalogue.tracks():
        if any(artist.casefold() == name for artist in track.artists):
            return track.track_id
    if said.action in ARTIST_TYPES[1:]:
        return NO_TRACK
    raise invalid_fields([FieldError("artist", f"no track is by {said.artist!r}: GET /tracks/search?q=… finds names")])


async def _check_room(services: Services, user_id: str) -> None:
    """More blocks than a row holds would silently end the oldest. Raises Problem 409."""
    found = await services.listeners.find(user_id)
    if found.row is not None and len(found.row.blocks.at(time.time())) >= MAX_BLOCKS:
        raise Problem(
            409, "too_many_blocks", f"{MAX_BLOCKS:,} tracks and artists are blocked, no more can be: unblock some first"
        )


def _tracks(services: Services, blocks: Blocks) -> tuple[BlockedTrack, ...]:
    known = ((services.catalogue.get(number), until) for number, until in sorted(blocks.tracks.items()))
    return tuple(BlockedTrack(t.track_id, t.name, t.artists, _end(until)) for t, until in known if t is not None)


def _end(until_s: int) -> datetime | None:
    return datetime.fromtimestamp(until_s, UTC) if until_s else None
