"""Reading one's own writes: answers that include an event, or say that they do not."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Query, Request

from api.event_watcher import EventWatcher
from api.listener_states import FoundState, ListenerStates
from api.metrics import Metrics
from api.problems import FieldError, Problem, invalid_fields
from api.questions import Heard
from segue.errors import PostgresUnavailable
from segue.settings import Settings
from segue.stores.postgres.arrivals import Arrival

HEADER = "Segue-Includes-Event"


@dataclass(frozen=True)
class AwaitedEvent:
    """The event that an answer is to include, how long that may take, and whether there is to be no answer without it."""

    event_id: uuid.UUID
    within_s: float
    required: bool

    def missing(self) -> Problem:
        """The 409 problem of an answer without it. Not a 504: the id may be wrong, or the event refused, and never come."""
        detail = (
            f"event {self.event_id} is not in this listener's state within {self.within_s * 1000:g} ms: ask again, with a "
            "longer max_wait_ms; an event that was refused or is another listener's never comes"
        )
        return Problem(409, "event_not_included", detail, headers={HEADER: "false", "Retry-After": "1"})


def awaited_event(
    settings: Settings, min_event_id: uuid.UUID | None, max_wait_ms: int | None, require_event: bool
) -> AwaitedEvent | None:
    """What a question asks for; None without an event. Raises Problem 422."""
    if min_event_id is None:
        given = {"max_wait_ms": max_wait_ms is not None, "require_event": require_event}
        if errors := [FieldError(name, "says nothing without min_event_id") for name, is_given in given.items() if is_given]:
            raise invalid_fields(errors)
        return None
    most_ms = settings.api_event_wait_max_ms
    if max_wait_ms is not None and max_wait_ms > most_ms:
        raise invalid_fields([FieldError("max_wait_ms", f"must be at most {most_ms} (SEGUE_API_EVENT_WAIT_MAX_MS)")])
    wait_ms = min(settings.api_event_wait_ms, most_ms) if max_wait_ms is None else max_wait_ms
    return AwaitedEvent(min_event_id, wait_ms / 1000, require_event)


def awaited_by(question: Heard, settings: Settings) -> AwaitedEvent | None:
    """What a body asks for. Raises Problem 422."""
    return awaited_event(settings, question.min_event_id, question.max_wait_ms, question.require_event)


def _told(name: str) -> str | None:
    return Heard.model_fields[name].description


def _awaited_in_query(
    request: Request,
    min_event_id: Annotated[uuid.UUID | None, Query(description=_told("min_event_id"))] = None,
    max_wait_ms: Annotated[int | None, Query(ge=0, description=_told("max_wait_ms"))] = None,
    require_event: Annotated[bool, Query(description=_told("require_event"))] = False,
) -> AwaitedEvent | None:
    return awaited_event(request.app.state.settings, min_event_id, max_wait_ms, require_event)


AwaitedInQuery = Annotated[AwaitedEvent | None, Depends(_awaited_in_query)]
"""Parameter of a route that reads a listener's state: what its query asks for."""


class FreshStates:
    """Listeners' states that include an awaited event, or say that they do not."""

    def __init__(self, listeners: ListenerStates, watcher: EventWatcher, metrics: Metrics) -> None:
        self._listeners, self._watcher, self._metrics = listeners, watcher, metrics

    async def find(self, user_id: str, awaited: AwaitedEvent | None) -> FoundState:
        """One listener's state. Raises Problem 409 and PostgresUnavailable, only if the event is required."""
        return (await self.find_all([user_id], awaited))[user_id]

    async def find_all(self, user_ids: Sequence[str], awaited: AwaitedEvent | None) -> dict[str, FoundState]:
        """States by listener; the event may be of any of them. Raises as `find`."""
        if awaited is None:
            return await self._states(user_ids)
        arrival, away = await self._arrival(awaited, user_ids)
        states = await self._states(user_ids)
        owners = user_ids if arrival is None else [arrival.user_id]
        included = arrival is not None and _holds(states[arrival.user_id], arrival)
        self._conclude(awaited, included, away)
        return states | {user_id: _marked(states[user_id], included, away) for user_id in owners}

    async def stored(self, user_id: str, awaited: AwaitedEvent | None) -> bool | None:
        """Whether Postgres has the event, waiting for it; None if none is awaited. Raises PostgresUnavailable, Problem 409."""
        if awaited is None:
            return None
        included = await self._watcher.stored(awaited.event_id, [user_id], awaited.within_s) is not None
        self._conclude(awaited, included, ())
        return included

    async def _arrival(self, awaited: AwaitedEvent, user_ids: Sequence[str]) -> tuple[Arrival | None, tuple[str, ...]]:
        """The event, and what did not answer."""
        try:
            return await self._watcher.live(awaited.event_id, user_ids, awaited.within_s), ()
        except PostgresUnavailable as error:
            if awaited.required:
                raise
            return None, (error.service,)

    async def _states(self, user_ids: Sequence[str]) -> dict[str, FoundState]:
        return dict(zip(user_ids, await asyncio.gather(*map(self._listeners.find, user_ids)), strict=True))

    def _conclude(self, awaited: AwaitedEvent, included: bool, away: Sequence[str]) -> None:
        self._metrics.event_awaited("included" if included else "unknown" if away else "late")
        if awaited.required and not included:
            raise awaited.missing()


def _holds(found: FoundState, arrival: Arrival) -> bool:
    return found.row is not None and arrival.is_in(found.row.user_no, found.row.events)


def _marked(found: FoundState, included: bool, away: tuple[str, ...]) -> FoundState:
    return replace(found, includes_event=included, degraded=tuple(dict.fromkeys((*found.degraded, *away))))


def event_headers(included: Iterable[bool | None]) -> dict[str, str]:
    """The header that says whether one of an answer's states includes the awaited event; none if none was awaited."""
    told = [one for one in included if one is not None]
    return {HEADER: "true" if any(told) else "false"} if told else {}
