"""One API process with everything around it in memory."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import anyio
import httpx
import pytest
import uvicorn

from api.access.admission import Identities
from api.access.key_ring import KeyRing
from api.access.tokens import Tokens
from api.answers import Answers
from api.app import create_app
from api.bootstrap import build_rates
from api.commands import server_config
from api.deletions import Deletions
from api.event_watcher import EventWatcher
from api.exports import Exports
from api.freshness import FreshStates
from api.gates import CircuitBreaker, PostgresGate
from api.listenbrainz.door import Door
from api.listenbrainz.songs import SongIndex
from api.listenbrainz.tracks import Tracks
from api.listenbrainz.weekly import WeeklyLists
from api.listener_states import ListenerStates
from api.live_catalogue import LiveCatalogue
from api.live_model import LiveModel
from api.live_trending import LiveTrending
from api.metrics import Metrics
from api.playlists.writer import PlaylistWriter
from api.profiles import ProfileWriter
from api.search.live_search import LiveSearch
from api.services import Services
from segue.catalogue import Track
from segue.settings import Settings
from segue.taste import DEFAULT_WEIGHTS
from segue.tracing import NO_TRACING, Tracing
from tests.unit.api.fake_turns import FakeTurns
from tests.unit.api.fakes import FakeModels, FakePlayers, FakePostgres, FakeRates, FakeRows, FakeSnapshots
from tests.unit.api.made import CATALOGUE
from tests.unit.api.stream_fakes import FakeCounts, FakeOperations, FakePublisher, FakeReceipts

SETTINGS = Settings(
    api_allowed_hosts="segue.test, x", api_poll_s=0.01, max_body_bytes=10_000, max_batch_events=5, api_playlist_wait_s=0.1,
    api_profile_wait_s=0.1, listenbrainz_weekly_events=3,
)  # fmt: skip
SHUTDOWN_S = 15.0
TOKEN_SECRETS = {"new": "n" * 64, "old": "o" * 64}


@dataclass
class World:
    """The servers around the API, and what it did when a background task crashed."""

    postgres: FakePostgres
    redis: FakeRows = field(default_factory=FakeRows)
    players: FakePlayers = field(default_factory=FakePlayers)
    kafka: FakePublisher = field(default_factory=FakePublisher)
    snapshots: FakeSnapshots = field(default_factory=FakeSnapshots)
    metrics: Metrics = field(default_factory=Metrics)
    crashes: list[str] = field(default_factory=list)
    operations: FakeOperations = field(default_factory=FakeOperations)
    now_s: float = 1000.0
    today_s: float = datetime(2026, 11, 26, tzinfo=UTC).timestamp()
    rates: FakeRates = field(init=False)
    counts: FakeCounts = field(init=False)
    receipts: FakeReceipts = field(init=False)
    turns: FakeTurns = field(init=False)
    settings: Settings = SETTINGS
    tokens: Tokens = field(default_factory=lambda: Tokens(TOKEN_SECRETS))
    tracing: Tracing = NO_TRACING

    def __post_init__(self) -> None:
        self.rates, self.receipts = FakeRates(self.clock), FakeReceipts(self.postgres)
        self.counts = FakeCounts(self.postgres)
        self.turns = FakeTurns(self.postgres)
        self.postgres.records = self.kafka.records

    def services(self, executor: ThreadPoolExecutor) -> Services:
        catalogue = LiveCatalogue(self.postgres, executor, self.metrics)
        model = LiveModel(self.postgres, self.snapshots.load, catalogue, executor, self.metrics)
        trending = LiveTrending(self.counts, executor, self.metrics, 1_000, 0.05, self.clock)
        gate = PostgresGate(executor, breaker=CircuitBreaker(clock=self.clock))
        breaker = CircuitBreaker(clock=self.clock)
        listeners = ListenerStates(self.redis, self.postgres, gate, self.metrics, 1_000, breaker)
        watcher = EventWatcher(self.postgres, self.redis, gate, self.metrics, 0.005, breaker)
        rates = build_rates(self.settings, self.rates, self.metrics, self.clock)
        answers = Answers(model, catalogue, trending, DEFAULT_WEIGHTS, executor)
        wait_s = self.settings.api_playlist_wait_s
        writer = PlaylistWriter(self.turns, self.postgres, self.kafka, executor, gate, self.metrics, partitions=8, wait_s=wait_s)
        weekly = WeeklyLists(
            self.postgres,
            writer,
            listeners,
            answers,
            gate,
            tracks=self.settings.listenbrainz_weekly_tracks,
            least_events=self.settings.listenbrainz_weekly_events,
            weeks=self.settings.listenbrainz_weeks,
            clock=self.today,
        )
        return Services(
            settings=self.settings,
            weights=DEFAULT_WEIGHTS,
            metrics=self.metrics,
            catalogue=catalogue,
            model=model,
            listeners=listeners,
            states=FreshStates(listeners, watcher, self.metrics),
            watcher=watcher,
            answers=answers,
            events=self.kafka,
            search=LiveSearch(catalogue, executor),
            trending=trending,
            histories=self.postgres,
            playlists=self.postgres,
            playlist_writer=writer,
            profiles=ProfileWriter(self.postgres, self.kafka, gate, self.settings.api_profile_wait_s),
            deletions=Deletions(self.receipts, self.kafka, gate, self.kafka.kept_s, self.settings.snapshots_kept),
            exports=Exports(self.postgres.parts, executor, self.settings.api_exports, self.metrics),
            models=FakeModels(self.postgres),
            keys=self.postgres.keys,
            operations=self.operations,
            postgres=gate,
            probes={"redis": self.redis.ping, "postgres": partial(gate.run, self.postgres.ping), "kafka": self.kafka.check},
            identities=Identities(self.ring(gate), self.tokens, self.settings.api_keys_required),
            rates=rates,
            tokens=self.tokens,
            door=Door(
                Tracks(SongIndex(catalogue, executor), rates, self.metrics, self.settings.listenbrainz_tracks),
                self.players,
                weekly,
            ),
            tracing=self.tracing,
            on_crash=lambda: self.crashes.append("crash"),
        )

    def ring(self, gate: PostgresGate) -> KeyRing:
        settings = self.settings
        return KeyRing(
            self.postgres.keys,
            gate,
            settings.api_key_cache_s,
            settings.api_key_stale_s,
            settings.api_key_cache_entries,
            self.clock,
        )

    def clock(self) -> float:
        return self.now_s

    def today(self) -> float:
        return self.today_s

    @asynccontextmanager
    async def serving(self, client_address: str = "127.0.0.1") -> AsyncIterator[httpx.AsyncClient]:
        """A client of the running app."""
        with ThreadPoolExecutor(4) as executor:
            app = create_app(self.services(executor))
            transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(client_address, 1))
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(transport=transport, base_url="http://segue.test") as client,
            ):
                yield client


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def world() -> Iterator[World]:
    """A catalogue of eight jazz and eight rock tracks, and a promoted model of it."""
    made = World(FakePostgres(CATALOGUE))
    made.postgres.promoted = "v1"
    yield made
    assert made.crashes == []


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with world.serving() as opened:
        yield opened


@contextmanager
def listening(world: World, wait_until: Callable[..., None]) -> Iterator[str]:
    """The app on a real socket; its base URL."""
    with ThreadPoolExecutor(4) as executor:
        config = server_config(create_app(world.services(executor)), world.settings, world.metrics, "127.0.0.1", 0)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            wait_until(lambda: server.started, 20, "the server")
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(SHUTDOWN_S)
        assert not thread.is_alive()


async def eventually(holds: Callable[[], Awaitable[bool]], timeout_s: float = 5.0) -> None:
    """Wait until it holds."""
    with anyio.fail_after(timeout_s):
        while not await holds():  # noqa: ASYNC110 - what is waited for is behind HTTP
            await anyio.sleep(0.01)


def ids(answer: httpx.Response) -> Sequence[str]:
    """The track ids of an answer."""
    return [item["track_id"] for item in answer.json()["items"]]


def empty_world(tracks: Sequence[Track] = ()) -> World:
    """No model, and only these tracks."""
    return World(FakePostgres(tracks))
