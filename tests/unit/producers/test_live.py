"""Live listening with a clock whose hands the test turns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from producers.simulator.listeners import make_listener
from producers.simulator.live import Arrivals, LiveListening, run_live
from producers.simulator.tracks import track_table
from producers.sources.synthetic import synthetic_catalogue
from segue.errors import KafkaUnavailable
from segue.events import ListeningEvent, check_listening_event
from tests.unit.producers.catalogue import stored

START_S = 1_793_448_000.0
TRACKS = track_table(stored(synthetic_catalogue(400, 60, seed=1).tracks))
PEOPLE = [make_listener(number, TRACKS, 5) for number in range(1, 11)]


class TurnedClock:
    """Time passes by waiting only; it stops at `stop_at_s`."""

    def __init__(self, stop_at_s: float = float("inf")) -> None:
        self._now_s = START_S
        self._stop_at_s = stop_at_s

    def now_s(self) -> float:
        return self._now_s

    def wait(self, seconds: float) -> None:
        self._now_s += seconds

    def stopped(self) -> bool:
        return self._now_s >= self._stop_at_s


class KeptEvents:
    """A sink that refuses the first `refusals` calls."""

    def __init__(self, refusals: int = 0) -> None:
        self.events: list[ListeningEvent] = []
        self._refusals = refusals

    def publish_events(self, events: Sequence[ListeningEvent]) -> int:
        if self._refusals:
            self._refusals -= 1
            raise KafkaUnavailable("no broker")
        self.events.extend(events)
        return len(events)

    def retry_undelivered(self) -> int:
        return 0


def run(sink: KeptEvents, clock: TurnedClock, rate: float = 50.0, for_s: float = 10.0, max_events: int | None = None) -> int:
    arrivals = Arrivals(rate, START_S, seed=5)
    return run_live(sink, LiveListening(PEOPLE, TRACKS, seed=5), arrivals, clock, START_S + for_s, max_events)


def test_events_come_at_the_rate_until_the_time_is_over() -> None:
    sink = KeptEvents()
    sent = run(sink, TurnedClock(), rate=50.0, for_s=60.0)
    assert len(sink.events) == sent
    assert 2_700 < sent < 3_300


def test_events_happen_now_in_order_and_are_valid() -> None:
    sink = KeptEvents()
    run(sink, TurnedClock())
    times = [event.occurred_at for event in sink.events]
    assert times == sorted(times)
    assert START_S <= times[0].timestamp() < times[-1].timestamp() <= START_S + 10.1
    for event in sink.events:
        check_listening_event(event, datetime.fromtimestamp(START_S + 11, UTC))
    assert len({event.event_id for event in sink.events}) == len(sink.events)


def test_the_same_seed_and_clock_give_the_same_events() -> None:
    first, second = KeptEvents(), KeptEvents()
    run(first, TurnedClock())
    run(second, TurnedClock())
    assert first.events == second.events


def test_it_stops_at_the_given_number_of_events() -> None:
    sink = KeptEvents()
    assert run(sink, TurnedClock(), max_events=7) == 7
    assert len(sink.events) == 7


def test_it_stops_when_asked_to() -> None:
    clock = TurnedClock(stop_at_s=START_S + 2.0)
    run(KeptEvents(), clock, for_s=float("inf"))
    assert START_S + 2.0 <= clock.now_s() < START_S + 2.1


def test_an_outage_of_kafka_loses_no_event() -> None:
    sink = KeptEvents(refusals=4)
    assert run(sink, TurnedClock(), for_s=20.0) == len(sink.events) > 0


def test_listening_pauses_in_an_outage_and_is_not_made_up_for() -> None:
    undisturbed, disturbed = KeptEvents(), KeptEvents(refusals=4)  # pauses of 0.5, 1, 2 and 4 seconds
    run(undisturbed, TurnedClock(), rate=100.0, for_s=10.0)
    run(disturbed, TurnedClock(), rate=100.0, for_s=10.0)
    assert len(disturbed.events) < 0.6 * len(undisturbed.events)


def test_a_request_to_stop_ends_waiting_for_kafka() -> None:
    sink = KeptEvents(refusals=1_000_000)
    clock = TurnedClock(stop_at_s=START_S + 30.0)
    run(sink, clock, for_s=float("inf"))
    assert sink.events == []
    assert clock.now_s() < START_S + 36.0


def test_active_listeners_do_more() -> None:
    sink = KeptEvents()
    run(sink, TurnedClock(), for_s=60.0)
    most = max(PEOPLE, key=lambda one: one.plays_per_day)
    least = min(PEOPLE, key=lambda one: one.plays_per_day)
    by = [event.user_id for event in sink.events]
    assert by.count(most.user_id) > by.count(least.user_id)
