"""One run of the simulator: reads the tracks, makes the people, publishes their past and lets them live."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice, takewhile

from rich.console import Console

from producers.publisher import Publisher, open_publisher
from producers.simulator.backlog import backlog_events, make_backlog
from producers.simulator.clock import Clock, SystemClock
from producers.simulator.listeners import Listener, make_listener
from producers.simulator.live import Arrivals, LiveListening, patiently, run_live
from producers.simulator.tracks import TrackTable, track_table
from segue.catalogue import Track
from segue.errors import PostgresUnavailable
from segue.events import ListeningEvent, UserRecord
from segue.kafka import ensure_topics
from segue.logs import configure_logging, fields
from segue.settings import Settings, load_settings
from segue.stores.postgres.catalogue import CatalogueStore
from segue.stores.postgres.database import Database
from segue.topics import USERS

log = logging.getLogger(__name__)
console = Console()

STOP_FLUSH_S = 5.0
"""How long a stopping live simulator waits for Kafka; shorter than the 10 s after which a supervisor kills it."""
CATALOGUE_POLL_S = 2.0
SILENCE_WORTH_SAYING_S = 2.0


@dataclass(frozen=True)
class History:
    """What happened from midnight of `first_day` over `days` days, as far as it lies before `until`."""

    first_day: date
    days: int
    until: datetime


@dataclass(frozen=True)
class Pace:
    """`rate` events a second for `for_s` seconds."""

    rate: float
    for_s: float


def run_simulation(
    listeners: int, seed: int, max_events: int | None, history: History | None, pace: Pace | None, wait_s: float
) -> None:
    """Publish the people, then their history, then their life, each if asked for.

    Raises InvalidInput when there are no tracks after `wait_s` seconds, PostgresUnavailable, and KafkaUnavailable unless live.
    """
    settings = load_settings()
    configure_logging(settings.log_level)
    clock = SystemClock()
    clock.stop_on_signals()
    tracks = track_table(_read_tracks(settings, clock, wait_s))
    people = [make_listener(number, tracks, seed) for number in range(1, listeners + 1)]
    _prepare_topics(settings, clock, patient=pace is not None)
    with _publisher(settings, live=pace is not None) as publisher:
        simulation = Simulation(publisher, people, tracks, seed, max_events, clock)
        simulation.publish_people()
        if history:
            simulation.publish_history(history)
        if pace:
            simulation.listen(pace)


@dataclass(frozen=True)
class Simulation:
    """The parts of one run."""

    publisher: Publisher
    people: Sequence[Listener]
    tracks: TrackTable
    seed: int
    max_events: int | None
    clock: Clock

    def publish_people(self) -> None:
        """Put every listener, with the genres they like, into `users`."""
        records = (
            UserRecord(user_id=one.user_id, display_name=f"Simulated listener {one.number}", genres=one.genres)
            for one in self.people
        )
        self.publisher.publish_records(USERS, ((record.user_id, record) for record in records))

    def publish_history(self, history: History) -> None:
        """Publish the past and wait until Kafka has all of it. Raises KafkaUnavailable."""
        started = time.monotonic()
        backlog = make_backlog(self.people, self.tracks, history.first_day, history.days, history.until, self.seed)
        events = islice(backlog_events(backlog, self.people, self.tracks), self.max_events)
        sent = self.publisher.publish_events(self._until_stopped(events))
        self.publisher.flush()
        seconds = time.monotonic() - started
        console.print(
            f"history of {len(self.people):,} listeners from {history.first_day}: {sent:,} events in "
            f"{self.publisher.counts.delivered:,} records, {seconds:.1f} s",
            highlight=False,
        )

    def listen(self, pace: Pace) -> None:
        """Publish events as they happen until the time is over or a signal arrives."""
        begin_s = self.clock.now_s()
        sent = run_live(
            self.publisher,
            LiveListening(self.people, self.tracks, self.seed),
            Arrivals(pace.rate, begin_s, self.seed),
            self.clock,
            begin_s + pace.for_s,
            self.max_events,
            self._report,
        )
        console.print(f"live: {sent:,} events in {self.clock.now_s() - begin_s:.0f} s", highlight=False)

    def _report(self, sent: int) -> None:
        counts = self.publisher.counts
        silent_s = self.publisher.silent_s
        state = f", Kafka has not answered for {silent_s:.0f} s: events wait" if silent_s > SILENCE_WORTH_SAYING_S else ""
        console.print(f"live: {sent:,} events, {counts.in_flight:,} records under way{state}", highlight=False)

    def _until_stopped(self, events: Iterable[ListeningEvent]) -> Iterable[ListeningEvent]:
        return takewhile(lambda _: not self.clock.stopped(), events)


def _publisher(settings: Settings, live: bool) -> AbstractContextManager[Publisher]:
    # Live records wait out an outage in the queue, in their order; a history that Kafka does not take is an error soon.
    return open_publisher(settings, STOP_FLUSH_S, record_timeout_s=0) if live else open_publisher(settings)


def _prepare_topics(settings: Settings, clock: Clock, patient: bool) -> None:
    def ensure() -> None:
        ensure_topics(settings.require_kafka(), settings.kafka_partitions)

    if patient:
        patiently(ensure, clock)
    else:
        ensure()


def _read_tracks(settings: Settings, clock: Clock, wait_s: float) -> list[Track]:
    """The catalogue, once it is there and has stopped growing, or whatever there is after `wait_s`."""
    database = Database(settings.require_postgres())
    deadline = clock.now_s() + wait_s
    before = 0
    try:
        while True:
            tracks = _tracks_so_far(database, patient=clock.now_s() < deadline)
            if (tracks and len(tracks) == before) or clock.now_s() >= deadline or clock.stopped():
                return tracks
            log.info("waiting for the catalogue", extra=fields(tracks=len(tracks)))
            before = len(tracks)
            clock.wait(CATALOGUE_POLL_S)
    finally:
        database.close()


def _tracks_so_far(database: Database, patient: bool) -> list[Track]:
    try:
        return CatalogueStore(database).all_tracks()
    except PostgresUnavailable as error:
        if not patient:
            raise
        log.warning("waiting for Postgres", extra=fields(reason=error))
        return []
