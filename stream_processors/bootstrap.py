"""The composition root of a worker: real adapters from Settings."""

from __future__ import annotations

from dataclasses import dataclass

from segue.errors import ConfigurationError
from segue.kafka import ensure_topics, producer_config
from segue.settings import Settings
from segue.stores.commands import state_facts
from segue.stores.postgres.database import Database
from segue.stores.postgres.migrations import migrate
from segue.stores.redis.writer import LiveRowWriter
from segue.taste import TasteWeights
from segue.topics import LISTENING_EVENTS
from stream_processors.listening_writer import ListeningWriter
from stream_processors.marks import Marks
from stream_processors.outbox import Outbox
from stream_processors.patience import Patience
from stream_processors.processing import ListeningProcessor, Processor, TableProcessor
from stream_processors.table_writer import TableWriter, tables

STATEMENT_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Worker:
    """Everything one worker process holds."""

    processors: dict[str, Processor]
    patience: Patience
    marks: tuple[Marks, ...]

    def forget_marks(self) -> None:
        """After a rebalance."""
        for marks in self.marks:
            marks.forget_all()


def build_worker(settings: Settings) -> Worker:
    """Wait for the servers, make topics and tables where they are missing, and one processor for each topic.

    Raises ConfigurationError when settings contradict each other or the stored state.
    """
    partitions = settings.kafka_partitions
    if settings.redis_buckets % partitions:
        raise ConfigurationError(
            f"SEGUE_KAFKA_PARTITIONS={partitions} must divide SEGUE_REDIS_BUCKETS={settings.redis_buckets}, "
            "so that a bucket belongs to one partition"
        )
    patience = Patience()
    patience.until_available(lambda: ensure_topics(settings.require_kafka(), partitions))
    database = Database(settings.require_postgres(), max_connections=8, statement_timeout_s=STATEMENT_TIMEOUT_S)
    patience.until_available(lambda: migrate(database, state_facts(settings)))
    rows = LiveRowWriter(
        settings.require_redis(), settings.redis_buckets, settings.listener_row_tracks, settings.listener_row_ttl_days
    )
    outbox = Outbox(producer_config(settings), partitions)
    # Marks are not shared: each topic is processed in a thread of its own.
    listening_marks = Marks(database, rows, partitions)
    weights = TasteWeights(half_life_days=settings.half_life_days)
    writer = ListeningWriter(
        database, rows, listening_marks, partitions, weights, settings.id_cache_entries, settings.listener_row_tracks
    )
    listening = ListeningProcessor(writer, listening_marks, outbox, patience, partitions, settings.batch_events)
    processors: dict[str, Processor] = {LISTENING_EVENTS: listening}
    all_marks = [listening_marks]
    for table in tables(rows.bury):
        marks = Marks(database, rows, partitions)
        all_marks.append(marks)
        # An outbox of its own: its list of delivery errors belongs to one thread.
        sender = Outbox(producer_config(settings), partitions)
        processors[table.topic] = TableProcessor(TableWriter(table, database, marks), marks, sender, patience)
    return Worker(processors, patience, tuple(all_marks))
