"""`POST /events`: listening events of one request, each accepted for good, refused with its reason, or named as not delivered."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from fastapi import APIRouter, Request, Response

from api.access.callers import check_owner
from api.access.needs import OWN_EVENTS, needs
from api.bodies import malformed, read_json
from api.problems import FieldError, Problem, invalid_fields, unavailable
from api.responses import json_response
from api.schemas import EventOutcome, EventsAnswer, documented
from api.services import Services
from segue.errors import InvalidEvent, KafkaUnavailable
from segue.events import (
    MAX_ARTIST,
    Artist,
    Id,
    ListeningEvent,
    ListeningType,
    Milliseconds,
    Position,
    Time,
    check_listening_event,
)
from segue.ids import uuid7

EXAMPLE = {"user_id": "alice", "track_id": "4uLU6hMCjMI75M1A2tKUQC", "type": "play", "ms_played": 181_000}
EXAMPLE_ANSWER = {
    "accepted": 1,
    "rejected": 0,
    "events": [{"index": 0, "status": "accepted", "event_id": "019aaf6a-5d1c-7b43-8f0e-2f4f2a1b9c77"}],
}


class SentEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A listening event as clients send it: the server fills in `event_id` and `occurred_at` where they are absent."""

    type: ListeningType
    user_id: Id
    track_id: Id
    event_id: uuid.UUID | None = None
    occurred_at: Time | None = None
    ms_played: Milliseconds | None = None
    session_id: Id | None = None
    rec_id: uuid.UUID | None = None
    position: Position | None = None
    source: Id | None = None
    artist: Artist | None = None
    until: Time | None = None
    v: Literal[1] = 1

    def checked(self, now: datetime) -> ListeningEvent:
        """The event with nothing missing. Raises InvalidEvent."""
        event = ListeningEvent(
            event_id=self.event_id or uuid7(), type=self.type, user_id=self.user_id, track_id=self.track_id,
            occurred_at=self.occurred_at or now, ms_played=self.ms_played, session_id=self.session_id, rec_id=self.rec_id,
            position=self.position, source=self.source, artist=self.artist, until=self.until,
        )  # fmt: skip
        check_listening_event(event, now)
        if event.artist is not None and len(event.artist) > MAX_ARTIST:
            # Where no block reads it, it would only fill the log.
            raise InvalidEvent(f"artist is longer than {MAX_ARTIST} characters", "text_too_long")
        return event


class _Batch(msgspec.Struct, frozen=True, gc=False):
    events: tuple[msgspec.Raw, ...] | msgspec.UnsetType = msgspec.UNSET


_batch_decoder = msgspec.json.Decoder(_Batch)
_event_decoder = msgspec.json.Decoder(SentEvent)
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_REQUEST_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "anyOf": [
                        {"$ref": "#/components/schemas/SentEvent"},
                        {
                            "type": "object",
                            "properties": {
                                "events": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/SentEvent"}}
                            },
                            "required": ["events"],
                        },
                    ]
                },
                "examples": {
                    "one event": {"value": EXAMPLE},
                    "several": {"value": {"events": [EXAMPLE, {**EXAMPLE, "type": "like"}]}},
                },
            }
        },
    }
}


def router(services: Services) -> APIRouter:
    """The route of events."""
    routes = APIRouter(tags=["events"])
    settings = services.settings

    @routes.post("/events", responses=documented(EventsAnswer, EXAMPLE_ANSWER, 202), openapi_extra=_REQUEST_BODY, status_code=202)
    @needs(OWN_EVENTS)
    async def post_events(request: Request) -> Response:
        """Take in one event, or up to `SEGUE_MAX_BATCH_EVENTS` as `{"events": […]}`.

        202 means that every event listed as accepted is stored by Kafka. Send an event again with the same `event_id` whenever
        the outcome is unclear: it counts once.
        """
        body = await read_json(request, settings.max_body_bytes)
        events = _read_events(_split(body, settings.max_batch_events), datetime.now(UTC))
        check_owner(request, *(event.user_id for event in events if isinstance(event, ListeningEvent)))
        return json_response(await _take_in(services, events), 202)

    return routes


async def _take_in(services: Services, events: Sequence[ListeningEvent | InvalidEvent]) -> EventsAnswer:
    valid = [event for event in events if isinstance(event, ListeningEvent)]
    services.metrics.events("rejected", len(events) - len(valid))
    if not valid:
        outcomes = _outcomes(events, [])
        errors = [FieldError(f"events.{outcome.index}", outcome.message or "") for outcome in outcomes]
        raise Problem(422, "all_events_rejected", "no event could be accepted", errors=errors, extensions=_listed(outcomes))
    try:
        reasons = await services.events.publish(valid)
    except KafkaUnavailable as error:
        reasons = [str(error)] * len(valid)
    undelivered = sum(reason is not None for reason in reasons)
    services.metrics.events("undelivered", undelivered)
    services.metrics.events("accepted", len(valid) - undelivered)
    outcomes = _outcomes(events, reasons)
    if undelivered:
        raise _not_all_delivered(outcomes, reasons)
    return EventsAnswer(len(valid), len(events) - len(valid), outcomes)


def _split(body: bytes, most: int) -> tuple[msgspec.Raw, ...]:
    """The events of a body as unparsed JSON. Raises Problem 400, 413, 422."""
    try:
        batch = _batch_decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _wrong_shape(body, error) from None
    except UNREADABLE as error:
        raise malformed(str(error)) from None
    if isinstance(batch.events, msgspec.UnsetType):
        return (msgspec.Raw(body),)
    if not batch.events:
        raise invalid_fields([FieldError("events", "is empty")])
    if len(batch.events) > most:
        raise Problem(413, "too_many_events", f"{len(batch.events):,} events: send at most {most:,} at once")
    return batch.events


def _wrong_shape(body: bytes, error: msgspec.ValidationError) -> Problem:
    """The parser stops at the first value of a wrong type: what follows may not be JSON at all."""
    try:
        msgspec.json.decode(body)
    except UNREADABLE as unreadable:
        return malformed(str(unreadable))
    return invalid_fields([FieldError("body", str(error))])


def _read_events(sent: Sequence[msgspec.Raw], now: datetime) -> list[ListeningEvent | InvalidEvent]:
    return [_read_event(raw, now) for raw in sent]


def _read_event(raw: msgspec.Raw, now: datetime) -> ListeningEvent | InvalidEvent:
    try:
        return _event_decoder.decode(raw).checked(now)
    except InvalidEvent as error:
        return error
    except msgspec.ValidationError as error:
        return InvalidEvent(str(error), "invalid_field")
    except UNREADABLE as error:
        raise malformed(str(error)) from None


def _outcomes(events: Sequence[ListeningEvent | InvalidEvent], reasons: Sequence[str | None]) -> tuple[EventOutcome, ...]:
    pending = iter(reasons)
    return tuple(_outcome(index, event, pending) for index, event in enumerate(events))


def _outcome(index: int, event: ListeningEvent | InvalidEvent, reasons: Any) -> EventOutcome:
    if isinstance(event, InvalidEvent):
        return EventOutcome(index, "rejected", code=event.code, message=str(event))
    reason = next(reasons)
    if reason is None:
        return EventOutcome(index, "accepted", str(event.event_id))
    return EventOutcome(index, "undelivered", str(event.event_id), KafkaUnavailable.service + "_unavailable", reason)


def _not_all_delivered(outcomes: Sequence[EventOutcome], reasons: Sequence[str | None]) -> Problem:
    accepted = sum(reason is None for reason in reasons)
    first = next(reason for reason in reasons if reason is not None)
    detail = (
        f"{len(reasons) - accepted} of {len(reasons)} valid events are not known to be stored ({first}): "
        "send those again with the same event_id"
    )
    return unavailable(KafkaUnavailable(detail), _listed(outcomes))


def _listed(outcomes: Sequence[EventOutcome]) -> dict[str, Any]:
    counts = {status: sum(outcome.status == status for outcome in outcomes) for status in ("accepted", "rejected", "undelivered")}
    return counts | {"events": outcomes}
