"""Events from a producer that writes in transactions: their marks take offsets, and what was taken back counts nowhere."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

import pytest
from confluent_kafka import Producer

from infra.local.stack import LocalStack
from segue.events import ListeningEvent, encode
from segue.kafka import producer_config
from segue.partitioning import partition_for
from segue.settings import Settings
from segue.stores.postgres.database import Database
from segue.topics import LISTENING_EVENTS
from tests.oracle import Matrix, differences, fold, in_postgres
from tests.publishing import publish, random_events

pytestmark = pytest.mark.stack

TIMEOUT_S = 10.0


def begin(settings: Settings, events: Sequence[ListeningEvent]) -> Producer:
    """A transaction with these events, delivered and not ended."""
    producer = Producer(producer_config(settings) | {"transactional.id": str(uuid.uuid4())})
    producer.init_transactions(TIMEOUT_S)
    producer.begin_transaction()
    for event in events:
        producer.produce(LISTENING_EVENTS, encode(event), partition=partition_for(event.user_id, settings.kafka_partitions))
    assert producer.flush(TIMEOUT_S) == 0
    return producer


def stored(database: Database, prefix: str) -> Matrix:
    return {key: cell for key, cell in in_postgres(database).items() if key[0].startswith(f"{prefix}-")}


def test_transactions_are_stored_whole_and_stop_nothing(
    processor: LocalStack, settings: Settings, database: Database, wait_until: Callable[..., None]
) -> None:
    committed = random_events(300, seed=1, prefix="tx", users=30)
    taken_back = random_events(100, seed=2, prefix="tx-back", users=30)
    plain = random_events(100, seed=3, prefix="tx-plain", users=30)
    restarts, log = processor.restarts()["process-1"], processor.log_path("process-1")
    # The log tells of the tests before this one too.
    logged = len(log.read_bytes())
    for at in range(0, 300, 100):
        begin(settings, committed[at : at + 100]).commit_transaction(TIMEOUT_S)
    begin(settings, taken_back).abort_transaction(TIMEOUT_S)
    publish(settings, plain)
    expected = fold(committed + plain)
    wait_until(lambda: differences(expected, stored(database, "tx")) == [], 30, "all but what was taken back")
    assert processor.restarts()["process-1"] == restarts
    assert b"records are missing" not in log.read_bytes()[logged:]


def test_a_backlog_of_transactions_is_stored_after_a_restart(
    processor: LocalStack, settings: Settings, database: Database, wait_until: Callable[..., None]
) -> None:
    processor.stop("process-1")
    kept = random_events(200, seed=4, prefix="txlog", users=30)
    for at in range(0, 200, 20):
        begin(settings, kept[at : at + 20]).commit_transaction(TIMEOUT_S)
        begin(settings, random_events(20, seed=at, prefix="txlog-back", users=30)).abort_transaction(TIMEOUT_S)
    processor.start("process-1")
    wait_until(lambda: differences(fold(kept), stored(database, "txlog")) == [], 30, "the committed events alone")
