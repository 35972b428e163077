"""Events for `POST /events`, each with an id of its own from the start, so that sending them again counts once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from segue.client.call import Call
from segue.client.generated.shapes import EventsAnswer
from segue.errors import InvalidEvent
from segue.events import ListeningEvent, ListeningType, check_listening_event
from segue.ids import uuid7


def sent_event(
    type: ListeningType,  # noqa: A002 - the field's name
    user_id: str,
    track_id: str,
    *,
    event_id: UUID | None = None,
    occurred_at: datetime | None = None,
    ms_played: int | None = None,
    session_id: str | None = None,
    rec_id: UUID | None = None,
    position: int | None = None,
    source: str | None = None,
    artist: str | None = None,
    until: datetime | None = None,
) -> ListeningEvent:
    """What a listener did, now unless `occurred_at` says otherwise. Raises InvalidEvent for what the API would refuse."""
    now = datetime.now(UTC)
    event = ListeningEvent(
        event_id=event_id or uuid7(), type=type, user_id=user_id, track_id=track_id, occurred_at=occurred_at or now,
        ms_played=ms_played, session_id=session_id, rec_id=rec_id, position=position, source=source, artist=artist, until=until,
    )  # fmt: skip
    check_listening_event(event, now)
    return event


def post_events(events: Iterable[ListeningEvent]) -> Call[EventsAnswer]:
    """Take in events of `sent_event`. What is answered as accepted is stored for good; a failure may be sent again as it is."""
    listed: list[Any] = list(events)
    if not listed:
        raise InvalidEvent("there are no events to send")
    return Call("POST", "/events", EventsAnswer, body={"events": listed}, repeatable=True)
