"""Prometheus metrics of this process, in a registry of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

CONTENT_TYPE = CONTENT_TYPE_LATEST
_STAGE_BUCKETS_S = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0)
_LAG_BUCKETS_S = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0, 600.0, 3_600.0)
_BUCKETS_S = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """Everything that is counted; one instance per process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = Counter(
            "segue_api_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "segue_api_request_seconds", "Time to answer.", ["method", "route"], buckets=_BUCKETS_S, registry=self.registry
        )
        self._stages = Histogram(
            "segue_api_stage_seconds",
            "Time of one stage of an answer.",
            ["route", "stage"],
            buckets=_STAGE_BUCKETS_S,
            registry=self.registry,
        )
        self._sources = Counter(
            "segue_api_state_source", "Where a listener's state came from.", ["source"], registry=self.registry
        )
        self._state_lag = Histogram(
            "segue_api_state_lag_seconds",
            "Of the live row behind an answer: from the listener's newest event until the row was written.",
            buckets=_LAG_BUCKETS_S,
            registry=self.registry,
        )
        self._degraded = Counter("segue_api_degraded", "Answers given without this service.", ["service"], registry=self.registry)
        self._events = Counter("segue_api_events", "Events sent to POST /events.", ["outcome"], registry=self.registry)
        self._awaited = Counter(
            "segue_api_events_awaited",
            "Answers that were to include an event, by whether they do (unknown: Postgres is away).",
            ["outcome"],
            registry=self.registry,
        )
        self._waiting = Gauge("segue_api_event_waits", "Requests that wait for their event.", registry=self.registry)
        self._exports = Gauge("segue_api_exports", "Exports of users' data under way.", registry=self.registry)
        self._playlists = Counter(
            "segue_api_playlist_changes", "Changes of playlists asked for.", ["outcome"], registry=self.registry
        )
        self._model = Gauge("segue_api_model_info", "1 for the version that answers.", ["version"], registry=self.registry)
        self._model_created = Gauge(
            "segue_api_model_created_timestamp_seconds", "When the answering model was made; 0: none.", registry=self.registry
        )
        self._model_age = Gauge("segue_api_model_age_seconds", "Age of the answering model; NaN: none.", registry=self.registry)
        self._model_age.set_function(lambda: float("nan"))
        self._load_failures = Counter(
            "segue_api_model_load_failures", "Snapshots that could not be loaded.", registry=self.registry
        )
        self._tracks = Gauge("segue_api_catalogue_tracks", "Tracks in memory.", registry=self.registry)
        self._trending_at = Gauge(
            "segue_api_trending_counted_timestamp_seconds",
            "When listeners were counted last, of a window (heard) and of those before it (past).",
            ["window", "part"],
            registry=self.registry,
        )
        self._trending_cost = Gauge(
            "segue_api_trending_count_seconds", "How long that took.", ["window", "part"], registry=self.registry
        )
        self._rates = Counter(
            "segue_api_rate_decisions",
            "Requests that were counted against a rate, by who keeps count (redis; process: Redis is away).",
            ["policy", "outcome", "store"],
            registry=self.registry,
        )
        self._ended = Counter(
            "segue_api_connections_ended", "Connections closed for breaking a bound.", ["reason"], registry=self.registry
        )
        self._connections = Gauge("segue_api_connections", "Open connections.", registry=self.registry)
        self._songs = Counter(
            "segue_api_listened_songs",
            "Songs of submitted listens: known, new to the catalogue, or unnamed past the bounds of those.",
            ["outcome"],
            registry=self.registry,
        )
        self._queue = Gauge("segue_api_publish_queue_records", "Records that wait for Kafka.", registry=self.registry)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request; `route` is the route's template."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def stages(self, route: str, seconds: Mapping[str, float]) -> None:
        """Note how long each stage of an answer took."""
        for stage, spent in seconds.items():
            self._stages.labels(route, stage).observe(spent)

    def state_source(self, source: str) -> None:
        """Count where a listener's state came from."""
        self._sources.labels(source).inc()

    def state_lag(self, seconds: float) -> None:
        """Note how far behind its newest event a live row was written."""
        self._state_lag.observe(seconds)

    def degraded(self, services: Iterable[str]) -> None:
        """Count an answer that was given without these services."""
        for service in services:
            self._degraded.labels(service).inc()

    def events(self, outcome: str, count: int) -> None:
        """Count events by outcome: accepted, rejected, undelivered."""
        if count:
            self._events.labels(outcome).inc(count)

    def songs(self, outcome: str, count: int) -> None:
        """Count songs of submitted listens by outcome: known, new, unnamed."""
        if count:
            self._songs.labels(outcome).inc(count)

    def playlist_change(self, outcome: str) -> None:
        """Count a change by outcome: applied, published (not applied in time), refused, conflict, busy."""
        self._playlists.labels(outcome).inc()

    def model(self, version: str, created_at_s: float) -> None:
        """Note which model answers from now on, made at this Unix time."""
        self._model.clear()
        self._model.labels(version).set(1)
        self._model_created.set(created_at_s)
        self._model_age.set_function(lambda: time.time() - created_at_s)

    def model_load_failed(self) -> None:
        """Count a snapshot that could not be loaded."""
        self._load_failures.inc()

    def tracks(self, count: int) -> None:
        """Note how many tracks are in memory."""
        self._tracks.set(count)

    def trending(self, window: str, part: str, seconds: float, counted_at_s: float) -> None:
        """Note that listeners were counted at this Unix time, and how long it took."""
        self._trending_at.labels(window, part).set(counted_at_s)
        self._trending_cost.labels(window, part).set(seconds)

    def watch_queue(self, length: Callable[[], int]) -> None:
        """Read the publisher's queue length whenever the metrics are asked for."""
        self._queue.set_function(lambda: float(length()))

    def event_awaited(self, outcome: str) -> None:
        """Count an answer that was to include an event: included, late, unknown."""
        self._awaited.labels(outcome).inc()

    def watch_exports(self, count: Callable[[], int]) -> None:
        """Read how many exports are under way whenever the metrics are asked for."""
        self._exports.set_function(lambda: float(count()))

    def watch_event_waits(self, count: Callable[[], int]) -> None:
        """Read how many requests wait whenever the metrics are asked for."""
        self._waiting.set_function(lambda: float(count()))

    def rate_decision(self, policy: str, allowed: bool, store: str) -> None:
        """Count a request that was measured against a rate."""
        self._rates.labels(policy, "allowed" if allowed else "refused", store).inc()

    def connection_ended(self, reason: str) -> None:
        """Count a connection that was closed for breaking a bound."""
        self._ended.labels(reason).inc()

    def connections(self, count: int) -> None:
        """Note how many connections are open."""
        self._connections.set(count)

    def exposition(self) -> bytes:
        """The text format."""
        return generate_latest(self.registry)
