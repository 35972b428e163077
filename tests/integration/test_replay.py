"""`segue events replay` and `verify` on the real stack: from where, into what, and what their exit codes say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from typer.testing import CliRunner, Result

from infra.local.stack import LocalStack
from segue.errors import ConfigurationError, InvalidInput, NotFound
from segue.log_reader import LogReader
from segue.settings import Settings
from segue.stores.postgres.database import Database
from segue.stores.postgres.verification import drop_replay
from segue.topics import TOPICS
from stream_processors.events_commands import EXIT_DIFFERENT, EXIT_NOT_COMPARABLE, events
from stream_processors.replay import replay
from tests.publishing import publish, random_events

pytestmark = pytest.mark.stack

SCHEMA = "replay_of_a_test"


@pytest.fixture
def replayed(settings: Settings) -> Iterator[Database]:
    """The schema that these tests replay into; gone afterwards."""
    database = Database(settings.require_postgres(), schema=SCHEMA)
    yield database
    drop_replay(database)
    database.close()


def segue_events(*arguments: str) -> Result:
    return CliRunner().invoke(events, arguments)


def settle(settings: Settings, database: Database, wait_until: Callable[..., None]) -> None:
    """Wait until everything in the log is stored."""
    with closing(LogReader(settings)) as reader:
        _, ends = reader.bounds([topic.name for topic in TOPICS if topic.name != "dead-letters"])

    def stored() -> bool:
        with database.transaction(read_only=True) as cursor:
            cursor.execute("select topic, partition, next_offset from partition_marks")
            marks = {(topic, partition): offset for topic, partition, offset in cursor}
        return all(marks.get(where, 0) >= end for where, end in ends.items())

    wait_until(stored, 60, "the marks at the log's end")


def publish_stored(settings: Settings, database: Database, wait_until: Callable[..., None], seed: int) -> None:
    publish(settings, random_events(200, seed, "replay"))
    settle(settings, database, wait_until)


def scalar(database: Database, query: str) -> object:
    with database.transaction(read_only=True) as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
        return row[0] if row else None


def test_equal_then_different_then_not_comparable(
    processor: LocalStack, settings: Settings, database: Database, replayed: Database, wait_until: Callable[..., None]
) -> None:
    publish_stored(settings, database, wait_until, seed=1)
    done = segue_events("replay", "--into", SCHEMA)
    assert done.exit_code == 0, done.output
    assert f"next: segue events verify {SCHEMA}" in " ".join(done.output.split())
    assert segue_events("verify", SCHEMA).exit_code == 0

    assert scalar(replayed, "select count(*) > 0 from blocks") is True
    with replayed.transaction() as cursor:
        cursor.execute("update blocks set statement = statement # 1 where ctid = (select min(ctid) from blocks)")
        cursor.execute("update interactions set plays = plays + 1 where ctid = (select min(ctid) from interactions)")
    different = segue_events("verify", SCHEMA)
    assert different.exit_code == EXIT_DIFFERENT
    assert [
        line.split("│")[3].strip() for line in different.output.splitlines() if line.startswith(("│ interactions", "│ blocks"))
    ] == ["1", "1"]

    publish_stored(settings, database, wait_until, seed=2)
    moved = segue_events("verify", SCHEMA)
    assert moved.exit_code == EXIT_NOT_COMPARABLE
    assert "the live state moved" in " ".join(moved.stderr.split())


def test_a_replay_from_later_on_holds_only_that_and_is_not_comparable(
    processor: LocalStack, settings: Settings, database: Database, replayed: Database, wait_until: Callable[..., None]
) -> None:
    publish_stored(settings, database, wait_until, seed=3)
    before = time.time()
    publish_stored(settings, database, wait_until, seed=4)
    records = "select count(*) from listens"
    assert replay(settings, f"ts={before:.3f}", SCHEMA, lambda _done, _total: None) == 200
    assert scalar(replayed, records) == 200
    assert replay(settings, "latest", SCHEMA, lambda _done, _total: None) == 0
    assert scalar(replayed, records) == 0
    ended = segue_events("verify", SCHEMA)
    assert ended.exit_code == EXIT_NOT_COMPARABLE
    assert "replayed from latest" in " ".join(ended.stderr.split())
    assert replay(settings, f"last={round(time.time() - before) + 1}s", SCHEMA, lambda _done, _total: None) >= 200


@pytest.mark.parametrize("start", ["yesterday", "last=1", "last=1w", "ts=", "ts=-5", "last=-1h", "earliest "])
def test_a_wrong_start_is_refused_before_anything_is_dropped(settings: Settings, replayed: Database, start: str) -> None:
    replay(settings, "latest", SCHEMA, lambda _done, _total: None)
    refused = segue_events("replay", "--into", SCHEMA, "--from", start)
    assert isinstance(refused.exception, InvalidInput)
    assert scalar(replayed, "select started_from from replayed") == "latest"


@pytest.mark.parametrize("name", ["Capital", "a-b", "a b", "", "1st", "x" * 64, 'x"; drop schema public', "é"])
def test_a_name_that_is_no_schemas_is_refused(settings: Settings, name: str) -> None:
    assert isinstance(segue_events("replay", "--into", name).exception, ConfigurationError)


@pytest.mark.parametrize("name", ["public", "pg_catalog", "pg_mine", "information_schema"])
def test_the_live_schema_and_postgres_own_are_refused(settings: Settings, database: Database, name: str) -> None:
    before = scalar(database, "select count(*) from users")
    assert isinstance(segue_events("replay", "--into", name).exception, InvalidInput)
    assert scalar(database, "select count(*) from users") == before


def test_a_schema_of_somebody_else_is_left_alone(settings: Settings, own_database: Database) -> None:
    refused = segue_events("replay", "--into", own_database.schema)
    assert isinstance(refused.exception, InvalidInput)
    assert "left alone" in str(refused.exception)
    assert scalar(own_database, "select count(*) from state_facts") != 0


def test_an_interrupted_replay_is_not_comparable_and_can_be_made_again(
    processor: LocalStack, settings: Settings, database: Database, replayed: Database, wait_until: Callable[..., None]
) -> None:
    publish_stored(settings, database, wait_until, seed=5)

    def interrupt(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(settings, "last=1m", SCHEMA, interrupt)
    ended = segue_events("verify", SCHEMA)
    assert ended.exit_code == EXIT_NOT_COMPARABLE
    assert "not finished" in ended.stderr
    assert replay(settings, "latest", SCHEMA, lambda _done, _total: None) == 0


def test_a_replay_while_events_flow_reads_to_where_the_log_was(
    processor: LocalStack, settings: Settings, database: Database, replayed: Database, wait_until: Callable[..., None]
) -> None:
    began, more = time.time(), iter(range(6, 9))
    publish_stored(settings, database, wait_until, seed=5)

    def publish_more(_done: int, _total: int) -> None:
        seed = next(more, None)
        if seed is not None:
            publish(settings, random_events(200, seed, "replay"))

    assert replay(settings, f"ts={began:.3f}", SCHEMA, publish_more) == 200
    settle(settings, database, wait_until)


def test_verify_says_which_name_is_no_replays(settings: Settings, own_database: Database) -> None:
    for name in ("never_made", own_database.schema):
        assert isinstance(segue_events("verify", name).exception, NotFound)
