"""The composition root: the real services from Settings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial

from api.access.admission import Identities
from api.access.key_ring import KeyRing
from api.access.rates import OwnBuckets, Policy, Rates, Shared
from api.access.tokens import Tokens
from api.answers import Answers
from api.deletions import Deletions
from api.event_publisher import KafkaEventPublisher
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
from api.operations import KafkaOperations
from api.playlists.writer import PlaylistWriter
from api.profiles import ProfileWriter
from api.search.live_search import LiveSearch
from api.services import Services
from api.snapshot_loader import snapshot_loader
from segue.kafka import kept_s, producer_config
from segue.settings import Settings
from segue.stores.postgres.arrivals import ArrivalStore
from segue.stores.postgres.catalogue import CatalogueStore
from segue.stores.postgres.database import Database
from segue.stores.postgres.deletions import DeletionStore
from segue.stores.postgres.exports import ExportStore
from segue.stores.postgres.history import HistoryStore
from segue.stores.postgres.keys import KeyStore
from segue.stores.postgres.models import ModelRegistry
from segue.stores.postgres.playlist_writes import PlaylistWrites
from segue.stores.postgres.playlists import PlaylistStore
from segue.stores.postgres.trending import TrendingStore
from segue.stores.postgres.users import UserStore
from segue.stores.redis.players import PlayerNotes
from segue.stores.redis.rates import SharedBuckets
from segue.stores.redis.reader import LiveRowReader
from segue.stores.snapshots import SnapshotStore
from segue.taste import TasteWeights
from segue.tracing import open_tracing

QUERY_THREADS = 4
SCORING_THREADS = 2
COUNTING_THREADS = 2
EXPORT_TIMEOUT_S = 20.0
"""For one part of an export; the first may need Postgres to sort all of a user's events."""
PLAYLIST_THREADS = 4
"""Changes of playlists at once: each holds a connection until Kafka has answered."""
PLAYLIST_TIMEOUT_S = 8.0
"""Longer than Kafka's answer takes (api/event_publisher.py), or Postgres would end the lock of a change that is under way."""
STATEMENT_TIMEOUT_S = 2.0
"""For queries of requests. What follows catalogue and registry has a connection each, and no such limit."""
COUNT_TIMEOUT_S = 60.0
"""For a count of listeners; a month of ten million listens takes seven seconds."""


def build_services(settings: Settings) -> Services:
    """Connections are opened when first used, so that the API starts and says what is missing while servers are away.

    Raises ConfigurationError when an address is not set.
    """
    tracing = open_tracing(settings, "segue-api")
    metrics, weights = Metrics(), TasteWeights(half_life_days=settings.half_life_days)
    queries = _threads(QUERY_THREADS, "postgres")
    scoring = _threads(SCORING_THREADS, "scoring")
    followers = [_threads(1, "catalogue"), _threads(1, "model")]
    counters = _threads(COUNTING_THREADS, "trending")
    searching, operating, listening = _threads(1, "search"), _threads(1, "operations"), _threads(1, "songs")
    database = Database(settings.require_postgres(), max_connections=QUERY_THREADS, statement_timeout_s=STATEMENT_TIMEOUT_S)
    # The pause between two parts is as long as a client may leave the one before unread.
    unread_s = settings.api_write_timeout_s + STATEMENT_TIMEOUT_S
    exporting = Database(
        settings.require_postgres(),
        max_connections=settings.api_exports,
        statement_timeout_s=unread_s,
        answer_timeout_s=EXPORT_TIMEOUT_S,
    )
    exporters = _threads(settings.api_exports, "export")
    listing = _threads(PLAYLIST_THREADS, "playlists")
    changing = Database(settings.require_postgres(), max_connections=PLAYLIST_THREADS, statement_timeout_s=PLAYLIST_TIMEOUT_S)
    following = Database(settings.require_postgres(), max_connections=len(followers))
    counting = Database(
        settings.require_postgres(),
        max_connections=COUNTING_THREADS,
        statement_timeout_s=COUNT_TIMEOUT_S,
        answer_timeout_s=COUNT_TIMEOUT_S + 5,
    )
    rows = LiveRowReader(settings.require_redis(), settings.redis_buckets, settings.listener_row_ttl_days)
    events = KafkaEventPublisher(producer_config(settings), settings.api_queue_records)

    catalogue = LiveCatalogue(CatalogueStore(following), followers[0], metrics)
    snapshots = SnapshotStore(settings.snapshots(), settings.state_dir / "cache")
    model = LiveModel(ModelRegistry(following), snapshot_loader(snapshots), catalogue, followers[1], metrics)
    trending = LiveTrending(TrendingStore(counting), counters, metrics, settings.trending_tracks, settings.trending_share)
    postgres = PostgresGate(queries)
    tokens = Tokens.from_setting(settings.api_token_keys.get_secret_value() if settings.api_token_keys else None)
    keys = KeyStore(database)
    playlists = PlaylistStore(database)
    ring = KeyRing(keys, postgres, settings.api_key_cache_s, settings.api_key_stale_s, settings.api_key_cache_entries)

    listeners = ListenerStates(rows, UserStore(database), postgres, metrics, settings.listener_row_tracks)
    watcher = EventWatcher(ArrivalStore(database), rows, postgres, metrics, settings.api_event_poll_ms / 1000)
    shared = SharedBuckets(settings.require_redis())
    players = PlayerNotes(
        settings.require_redis(), settings.redis_buckets, settings.listenbrainz_recordings, settings.listener_row_ttl_days
    )
    rates = build_rates(settings, shared, metrics)
    answers = Answers(model, catalogue, trending, weights, scoring)
    writer = PlaylistWriter(
        PlaylistWrites(changing),
        playlists,
        events,
        listing,
        postgres,
        metrics,
        partitions=settings.kafka_partitions,
        wait_s=settings.api_playlist_wait_s,
    )
    tracks = Tracks(SongIndex(catalogue, listening), rates, metrics, settings.listenbrainz_tracks)
    weekly = WeeklyLists(
        playlists,
        writer,
        listeners,
        answers,
        postgres,
        tracks=settings.listenbrainz_weekly_tracks,
        least_events=settings.listenbrainz_weekly_events,
        weeks=settings.listenbrainz_weeks,
    )

    async def close() -> None:
        await rows.close()
        await shared.close()
        await players.close()
        for executor in (queries, scoring, searching, operating, listening, counters, exporters, listing, *followers):
            await asyncio.to_thread(partial(executor.shutdown, cancel_futures=True))
        database.close()
        exporting.close()
        changing.close()
        following.close()
        counting.close()
        await asyncio.to_thread(tracing.close)

    return Services(
        settings=settings,
        weights=weights,
        metrics=metrics,
        catalogue=catalogue,
        model=model,
        listeners=listeners,
        states=FreshStates(listeners, watcher, metrics),
        watcher=watcher,
        answers=answers,
        events=events,
        search=LiveSearch(catalogue, searching),
        trending=trending,
        histories=HistoryStore(database),
        playlists=playlists,
        playlist_writer=writer,
        profiles=ProfileWriter(UserStore(database), events, postgres, settings.api_profile_wait_s),
        deletions=Deletions(
            DeletionStore(database), events, postgres, partial(kept_s, settings.require_kafka()), settings.snapshots_kept
        ),
        exports=Exports(ExportStore(exporting).parts, exporters, settings.api_exports, metrics),
        models=ModelRegistry(database),
        keys=keys,
        operations=KafkaOperations(settings, operating),
        postgres=postgres,
        probes={"redis": rows.ping, "postgres": partial(postgres.run, database.ping), "kafka": events.check},
        identities=Identities(ring, tokens, settings.api_keys_required),
        rates=rates,
        tokens=tokens,
        door=Door(tracks, players, weekly),
        tracing=tracing,
        close=close,
    )


def build_rates(settings: Settings, shared: Shared, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> Rates:
    """The limits of callers, as the settings have them."""
    return Rates(
        shared,
        OwnBuckets(settings.api_rate_buckets, clock),
        Policy("key", settings.api_key_rate_per_s, settings.api_key_burst),
        Policy("client", settings.api_client_rate_per_s, settings.api_client_burst),
        Policy("tracks", settings.listenbrainz_new_tracks_per_day / 86_400, settings.listenbrainz_new_tracks_per_day),
        metrics,
        CircuitBreaker(clock=clock),
    )


def _threads(count: int, name: str) -> Executor:
    return ThreadPoolExecutor(count, thread_name_prefix=name)
