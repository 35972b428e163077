"""Live listening: an endless stream of events at a given rate, which outlasts an outage of Kafka."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Protocol, TypeVar

import numpy as np

from producers.simulator.clock import Clock
from producers.simulator.listeners import Listener
from producers.simulator.reactions import react
from producers.simulator.sessions import play_sessions
from producers.simulator.tracks import TrackTable
from segue.errors import KafkaUnavailable
from segue.events import ListeningEvent, ListeningType
from segue.ids import uuid7_from
from segue.logs import fields

log = logging.getLogger(__name__)

SOURCE = "simulator"
TICK_S = 0.02
"""Events of one tick share records, so this is also the longest that an event waits for others."""
MAX_LAG_S = 1.0
"""Arrivals older than this, after a stall, are left out: they are not made up for in one burst."""
BACK_OFF_S = (0.5, 5.0)
REPORT_EVERY_S = 5.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Act:
    type: ListeningType
    track_id: str
    ms_played: int | None


class LiveListening:
    """Each call of `next_event` is the next thing that some listener does, the active ones more often.

    Who does what depends on the seed only; when, on the caller.
    """

    def __init__(self, listeners: Sequence[Listener], tracks: TrackTable, seed: int) -> None:
        self._rng = np.random.default_rng((seed, 0, 2))
        self._listeners = listeners
        self._tracks = tracks
        self._share = np.cumsum([listener.plays_per_day for listener in listeners])
        self._acts: list[deque[_Act]] = [deque() for _ in listeners]
        self._session_ids = [""] * len(listeners)

    def next_event(self, at_ms: int) -> ListeningEvent:
        """The next event; it happens at the Unix time `at_ms` in milliseconds."""
        index = int(np.searchsorted(self._share, self._rng.random() * self._share[-1], side="right"))
        if not self._acts[index]:
            self._begin_session(index, at_ms)
        act = self._acts[index].popleft()
        high, low = self._rng.integers(0, 1 << 10), self._rng.integers(0, (1 << 64) - 1, dtype=np.uint64, endpoint=True)
        return ListeningEvent(
            event_id=uuid7_from(at_ms, int(high) << 64 | int(low)),
            type=act.type,
            user_id=self._listeners[index].user_id,
            track_id=act.track_id,
            occurred_at=datetime.fromtimestamp(at_ms / 1000, UTC),
            ms_played=act.ms_played,
            session_id=self._session_ids[index],
            source=SOURCE,
        )

    def _begin_session(self, index: int, at_ms: int) -> None:
        listener = self._listeners[index]
        plays = play_sessions(self._rng, listener, self._tracks, np.array([at_ms]))
        reactions = react(self._rng, plays)
        for number, (row, skipped, ms) in enumerate(zip(plays.track, plays.skipped, plays.ms_played, strict=True)):
            track_id = self._tracks.track_ids[row]
            self._acts[index].append(_Act("skip" if skipped else "play", track_id, int(ms)))
            self._acts[index].extend(_Act(kind, track_id, None) for kind in reactions.of(number))
        self._session_ids[index] = f"{listener.user_id}-{at_ms // 1000}"


class Arrivals:
    """A Poisson process of `rate` arrivals a second, from `start_s` (Unix seconds) on."""

    def __init__(self, rate: float, start_s: float, seed: int) -> None:
        self._rng = np.random.default_rng((seed, 0, 3))
        self._gap_s = 1.0 / rate
        self._next_s = start_s + self._rng.exponential(self._gap_s)

    def until(self, now_s: float) -> list[float]:
        """The times (Unix seconds, ascending) of the arrivals since the last call; those long past are left out."""
        self._next_s = max(self._next_s, now_s - MAX_LAG_S)
        times: list[float] = []
        while self._next_s <= now_s:
            times.append(self._next_s)
            self._next_s += self._rng.exponential(self._gap_s)
        return times


class EventSink(Protocol):
    """What the live simulator needs of a publisher."""

    def publish_events(self, events: Sequence[ListeningEvent]) -> int:
        """Queue events; raises KafkaUnavailable when they cannot be queued."""

    def retry_undelivered(self) -> int:
        """Queue again what Kafka did not take."""


def run_live(
    sink: EventSink,
    listening: LiveListening,
    arrivals: Arrivals,
    clock: Clock,
    end_s: float = float("inf"),
    max_events: int | None = None,
    report: Callable[[int], None] = lambda _: None,
) -> int:
    """Publish events as they happen until `end_s`, `max_events` or a request to stop; returns how many.

    `report` gets that number every few seconds. While Kafka does not answer, events wait in the sink's queue; when that is
    full, listening pauses. Nothing here raises KafkaUnavailable.
    """
    sent, reported_s = 0, clock.now_s()
    while not clock.stopped() and clock.now_s() < end_s and (max_events is None or sent < max_events):
        due = arrivals.until(clock.now_s())[: None if max_events is None else max_events - sent]
        batch = [listening.next_event(int(at_s * 1000)) for at_s in due]
        patiently(partial(_deliver, sink, batch), clock)
        sent += len(batch)
        if clock.now_s() - reported_s >= REPORT_EVERY_S:
            reported_s = clock.now_s()
            report(sent)
        clock.wait(TICK_S)
    return sent


def patiently(action: Callable[[], T], clock: Clock) -> T | None:
    """Try until Kafka takes it, with growing pauses; None if somebody asks to stop first."""
    pause_s, longest_s = BACK_OFF_S
    while True:
        try:
            return action()
        except KafkaUnavailable as error:
            log.warning("waiting for Kafka", extra=fields(retry_in_s=pause_s, reason=error))
        clock.wait(pause_s)
        pause_s = min(2 * pause_s, longest_s)
        if clock.stopped():
            return None


def _deliver(sink: EventSink, events: Sequence[ListeningEvent]) -> None:
    sink.retry_undelivered()
    sink.publish_events(events)
