"""A Postgres that lost records which the log no longer has: what is gone is said, and everything after it is stored."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from confluent_kafka import OFFSET_END, TopicPartition
from confluent_kafka.admin import AdminClient

from infra.local.stack import LocalStack
from segue.kafka import client_config, consumer_lag
from segue.settings import Settings
from segue.stores.postgres.database import Database
from segue.topics import LISTENING_EVENTS
from tests.oracle import differences, fold, in_postgres
from tests.publishing import publish, random_events

pytestmark = pytest.mark.stack


def stored(database: Database) -> int:
    with database.transaction(read_only=True) as cursor:
        cursor.execute("select count(*) from listens")
        row = cursor.fetchone()
        return int(row[0]) if row else 0


def forget_everything(database: Database) -> None:
    """An empty Postgres with its tables, as before the first record."""
    with database.transaction() as cursor:
        cursor.execute("truncate listens, interactions, partition_marks")
        cursor.execute("update users set events = 0, last_event_at = null")


def delete_log(settings: Settings, before: int) -> None:
    """Delete the records of every partition before an offset."""
    partitions = [TopicPartition(LISTENING_EVENTS, number, before) for number in range(settings.kafka_partitions)]
    admin = AdminClient(client_config(settings.require_kafka()))
    for future in admin.delete_records(partitions).values():
        future.result(timeout=30)


@pytest.mark.parametrize("left", [40, 0], ids=["a part expired", "everything expired"])
def test_what_expired_is_said_and_the_rest_is_stored(
    own_stack: LocalStack, own_settings: Settings, wait_until: Callable[..., None], left: int
) -> None:
    database = Database(own_settings.require_postgres())
    own_stack.start("process-1")
    first = random_events(4_000, seed=11 + left, prefix=f"first{left}", users=100)
    publish(own_settings, first, per_record=1)
    wait_until(lambda: no_lag(own_settings), 60, "every record acknowledged")
    own_stack.stop("process-1")
    with database.transaction(read_only=True) as cursor:
        cursor.execute("select min(next_offset) from partition_marks where topic = %s", (LISTENING_EVENTS,))
        (end,) = cursor.fetchone() or (0,)
    forget_everything(database)
    log = own_stack.log_path("process-1")
    seen = log.stat().st_size
    delete_log(own_settings, end - left if left else OFFSET_END)
    own_stack.start("process-1")
    wait_until(lambda: log.read_text()[seen:].count("records expired before they were stored") == 8, 60, "8 partitions' losses")
    after = random_events(1_000, seed=12 + left, prefix=f"after{left}", users=100)
    publish(own_settings, after, per_record=1)
    wait_until(lambda: no_lag(own_settings) and stored_of(database, f"after{left}") == 1_000, 60, "what came after")
    kept = {key: cell for key, cell in in_postgres(database).items() if key[0].startswith(f"after{left}-")}
    assert differences(fold(after), kept) == []
    assert 1_000 + 8 * left <= stored(database) < (4_000 if left else 1_001)
    database.close()


def test_a_worker_that_was_down_for_longer_than_the_log_reaches_goes_on(
    own_stack: LocalStack, own_settings: Settings, wait_until: Callable[..., None]
) -> None:
    database = Database(own_settings.require_postgres())
    own_stack.start("process-1")
    publish(own_settings, random_events(1_000, seed=21, prefix="before", users=100))
    wait_until(lambda: no_lag(own_settings) and stored_of(database, "before") == 1_000, 60, "every record acknowledged")
    own_stack.stop("process-1")
    publish(own_settings, random_events(1_000, seed=22, prefix="meanwhile", users=100))
    log = own_stack.log_path("process-1")
    seen = log.stat().st_size
    delete_log(own_settings, OFFSET_END)
    after = random_events(1_000, seed=23, prefix="late", users=100)
    publish(own_settings, after)
    own_stack.start("process-1")
    wait_until(lambda: no_lag(own_settings) and stored_of(database, "late") == 1_000, 60, "what the log still has")
    assert log.read_text()[seen:].count("records expired before they were stored") == 8
    assert stored_of(database, "meanwhile") == 0
    kept = {key: cell for key, cell in in_postgres(database).items() if key[0].startswith("late-")}
    assert differences(fold(after), kept) == []
    database.close()


def stored_of(database: Database, prefix: str) -> int:
    with database.transaction(read_only=True) as cursor:
        cursor.execute("select coalesce(sum(events), 0) from users where user_id like %s", (f"{prefix}-%",))
        row = cursor.fetchone()
        return int(row[0]) if row else 0


def no_lag(settings: Settings) -> bool:
    return not any(consumer_lag(settings.require_kafka(), settings.kafka_group, [LISTENING_EVENTS]).values())
