"""The composition root of a worker: real adapters from Settings."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial

from segue.errors import ConfigurationError
from segue.kafka import ensure_topics, producer_config
from segue.log_reader import first_with_records
from segue.settings import Settings
from segue.stores.commands import state_facts
from segue.stores.postgres.database import Database
from segue.stores.postgres.migrations import migrate
from segue.stores.redis.writer import LiveRowWriter
from segue.taste import TasteWeights
from segue.topics import LISTENING_EVENTS
from segue.tracing import Tracing, open_tracing
from stream_processors.listening_writer import ListeningWriter
from stream_processors.log_identity import Logs
from stream_processors.marks import Marks
from stream_processors.outbox import Outbox
from stream_processors.patience import Patience
from stream_processors.processing import ListeningProcessor, Processor, TableProcessor
from stream_processors.progress import Progress
from stream_processors.table_writer import TableWriter, tables

STATEMENT_TIMEOUT_S = 45.0
ANSWER_TIMEOUT_S = 50.0
"""After the server's own limit had its time, and before the watchdog takes a stopped server for a worker that hangs."""


@dataclass(frozen=True)
class Worker:
    """Everything one worker process holds."""

    processors: dict[str, Processor]
    database: Database
    logs: Logs
    marks: tuple[Marks, ...]
    progress: Progress
    patiences: dict[str, Patience]
    """By topic: each is processed in a thread of its own."""
    positions_patience: Patience
    stopping: threading.Event
    tracing: Tracing

    def waiting(self) -> set[str]:
        """Topics that cannot go on because a store is away."""
        if self.positions_patience.waiting:
            return set(self.patiences)
        return {topic for topic, patience in self.patiences.items() if patience.waiting}

    def forget_marks(self) -> None:
        """After a rebalance."""
        for marks in self.marks:
            marks.forget_all()


def build_worker(settings: Settings) -> Worker:
    """Wait for the servers, make topics and tables where they are missing, and one processor for each topic.

    Raises ConfigurationError when settings contradict each other or the stored state.
    """
    tracing = open_tracing(settings, "segue-processor")
    partitions = settings.kafka_partitions
    if settings.redis_buckets % partitions:
        raise ConfigurationError(
            f"SEGUE_KAFKA_PARTITIONS={partitions} must divide SEGUE_REDIS_BUCKETS={settings.redis_buckets}, "
            "so that a bucket belongs to one partition"
        )
    stopping = threading.Event()
    patience = Patience(stopping)
    patience.until_available(lambda: ensure_topics(settings.require_kafka(), partitions))
    database = Database(
        settings.require_postgres(),
        max_connections=8,
        statement_timeout_s=STATEMENT_TIMEOUT_S,
        answer_timeout_s=ANSWER_TIMEOUT_S,
    )
    patience.until_available(lambda: migrate(database, state_facts(settings)))
    rows = LiveRowWriter(
        settings.require_redis(), settings.redis_buckets, settings.listener_row_tracks, settings.listener_row_ttl_days
    )
    progress = Progress(settings.stalled_after_s)
    compacted = tables(rows.bury)
    topics = [LISTENING_EVENTS, *(table.topic for table in compacted)]
    patiences = {topic: Patience(stopping, partial(progress.lives, topic)) for topic in topics}
    # Marks and outboxes are not shared: each topic is processed in a thread of its own.
    marks = {topic: Marks(database, rows, partitions, progress.stored) for topic in topics}
    weights = TasteWeights(half_life_days=settings.half_life_days)
    writer = ListeningWriter(
        database, rows, marks[LISTENING_EVENTS], partitions, weights, settings.id_cache_entries, settings.listener_row_tracks
    )
    outbox = Outbox(producer_config(settings), partitions)
    processors: dict[str, Processor] = {
        LISTENING_EVENTS: ListeningProcessor(
            writer,
            marks[LISTENING_EVENTS],
            outbox,
            patiences[LISTENING_EVENTS],
            partitions,
            settings.batch_events,
            partial(first_with_records, settings, LISTENING_EVENTS),
            tracing,
        )
    }
    for table in compacted:
        sender = Outbox(producer_config(settings), partitions)
        table_writer = TableWriter(table, database, marks[table.topic])
        processors[table.topic] = TableProcessor(table_writer, marks[table.topic], sender, patiences[table.topic], tracing)
    logs = Logs(settings.require_kafka())
    return Worker(processors, database, logs, tuple(marks.values()), progress, patiences, patience, stopping, tracing)
