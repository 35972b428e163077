"""Topics deleted and made again while Postgres and Redis are kept: everything in the new log is stored, and it is said."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from typer.testing import CliRunner, Result

from infra.local.stack import LocalStack
from segue.events import CatalogueTrack, ListeningEvent, PlaylistRecord, UserRecord, encode
from segue.kafka import client_config, consumer_lag, ensure_topics, producer_config
from segue.settings import Settings
from segue.stores.postgres.database import Database
from segue.stores.postgres.marks import Mark, read_marks
from segue.topics import CATALOGUE, DEAD_LETTERS, LISTENING_EVENTS, PLAYLISTS, TOPICS, USERS
from stream_processors.events_commands import EXIT_DIFFERENT, events
from stream_processors.log_identity import Logs, is_of
from tests.oracle import Change, differences, fold, fold_changes, in_postgres, in_redis, rows_in_postgres
from tests.publishing import publish, random_events

pytestmark = pytest.mark.stack

STATE_TOPICS = [topic.name for topic in TOPICS if topic.name != DEAD_LETTERS]
WORKERS = ("process-1", "process-2")
REPLACED = "the log was replaced; reading it from its start"


@pytest.fixture
def database(own_settings: Settings) -> Iterator[Database]:
    """The database that the workers write, empty: as is the log, and Redis is not asked for what nobody has."""
    opened = Database(own_settings.require_postgres())
    yield opened
    opened.close()


@pytest.fixture
def idle_stack(own_stack: LocalStack) -> Iterator[LocalStack]:
    """The servers, without a worker before and after."""
    yield own_stack
    own_stack.stop(*WORKERS)


def replace_topics(settings: Settings, wait_until: Callable[..., None]) -> None:
    """Delete all topics that make the state, and make them again."""
    admin = AdminClient(client_config(settings.require_kafka()))
    for future in admin.delete_topics(STATE_TOPICS, operation_timeout=30).values():
        future.result()
    wait_until(lambda: not set(STATE_TOPICS) & admin.list_topics(timeout=10).topics.keys(), 30, "the topics' end")
    ensure_topics(settings.require_kafka(), settings.kafka_partitions)


def changes_of(seed: int, prefix: str, count: int) -> list[Change]:
    """Tracks, playlists and profiles, some of them deleted again."""
    rng = random.Random(seed)
    changes = []
    for number in range(count):
        key = f"{prefix}-{rng.randrange(count)}"
        records: Sequence[tuple[str, CatalogueTrack | PlaylistRecord | UserRecord]] = (
            (CATALOGUE, CatalogueTrack(track_id=key, name=f"name {seed} {number}", artists=("a",))),
            (PLAYLISTS, PlaylistRecord(playlist_id=key, name=f"list {seed} {number}", track_ids=(f"{prefix}-track-1",))),
            (USERS, UserRecord(user_id=f"{key}-profile", display_name=f"user {seed} {number}")),
        )
        for topic, record in records:
            is_deletion = topic != USERS and rng.random() < 0.1
            key_of_record = f"{key}-profile" if topic == USERS else key
            changes.append(Change(topic, key_of_record, None if is_deletion else record))
    return changes


def publish_changes(settings: Settings, changes: Sequence[Change]) -> None:
    producer = Producer(producer_config(settings))
    for change in changes:
        producer.produce(change.topic, None if change.record is None else encode(change.record), change.key)
    assert producer.flush(60) == 0


def all_stored(settings: Settings, database: Database) -> bool:
    """Every partition's mark is of the log that is there, and at its end."""
    with database.transaction(read_only=True) as cursor:
        marks = read_marks(cursor)
    partitions = [(topic, number) for topic in STATE_TOPICS for number in range(settings.kafka_partitions)]
    logs = Logs(settings.require_kafka()).now(partitions)
    return all(is_of(marks.get(w, Mark()), found) and marks.get(w, Mark()).offset == found.end for w, found in logs.items())


def acknowledged(settings: Settings) -> bool:
    return not any(consumer_lag(settings.require_kafka(), settings.kafka_group, STATE_TOPICS).values())


def wrong(
    settings: Settings, database: Database, prefix: str, published: list[ListeningEvent], changes: list[Change]
) -> list[str]:
    """What either store has wrong."""
    expected = fold(published)
    with_prefix = {key: cell for key, cell in in_postgres(database).items() if key[0].startswith(prefix)}
    live = {key: cell for key, cell in in_redis(settings.require_redis(), database).items() if key[0].startswith(prefix)}
    rows, found = fold_changes(changes), rows_in_postgres(database, prefix)
    return (
        [f"Postgres {line}" for line in differences(expected, with_prefix)]
        + [f"Redis {line}" for line in differences(expected, live)]
        + [
            f"rows {key}: {rows.get(key)} {found.get(key)}"
            for key in rows.keys() | found.keys()
            if rows.get(key) != found.get(key)
        ]
    )


def stored_events(database: Database, prefix: str) -> int:
    with database.transaction(read_only=True) as cursor:
        cursor.execute("select coalesce(sum(events), 0) from users where user_id like %s", (f"{prefix}%",))
        row = cursor.fetchone()
        return int(row[0]) if row else 0


def log_since(stack: LocalStack, seen: dict[str, int]) -> str:
    return "".join(stack.log_path(worker).read_text()[at:] for worker, at in seen.items())


def sizes(stack: LocalStack, *workers: str) -> dict[str, int]:
    return {worker: stack.log_path(worker).stat().st_size for worker in workers}


@pytest.mark.parametrize("after", [400, 5_000], ids=["a shorter log", "a log grown past the old marks"])
def test_topics_made_anew_while_the_worker_was_stopped(
    idle_stack: LocalStack, own_settings: Settings, database: Database, wait_until: Callable[..., None], after: int
) -> None:
    prefix = f"stopped{after}"
    first, changes = random_events(3_000, 31, prefix), changes_of(31, prefix, 200)
    idle_stack.start("process-1")
    publish(own_settings, first)
    publish_changes(own_settings, changes)
    wait_until(lambda: all_stored(own_settings, database) and acknowledged(own_settings), 90, "the first log")
    idle_stack.stop("process-1")

    replace_topics(own_settings, wait_until)
    second, more = random_events(after, 32, prefix), changes_of(32, prefix, after // 4)
    publish(own_settings, second)
    publish_changes(own_settings, more)
    seen = sizes(idle_stack, "process-1")
    idle_stack.start("process-1")
    wait_until(lambda: all_stored(own_settings, database), 90, "the second log")

    wait_until(lambda: wrong(own_settings, database, prefix, first + second, changes + more) == [], 20, "both stores right")
    assert stored_events(database, prefix) == 3_000 + after
    said = log_since(idle_stack, seen)
    assert said.count(REPLACED) == len(STATE_TOPICS)
    wait_until(lambda: acknowledged(own_settings), 30, "the second log acknowledged")


@pytest.mark.parametrize("paused", [False, True], ids=["seen by the consumers", "between two looks at the metadata"])
def test_topics_made_anew_under_running_workers(
    idle_stack: LocalStack, own_settings: Settings, database: Database, wait_until: Callable[..., None], paused: bool
) -> None:
    prefix = f"running-{paused}"
    first, changes = random_events(3_000, 41, prefix), changes_of(41, prefix, 200)
    idle_stack.start(*WORKERS)
    publish(own_settings, first)
    publish_changes(own_settings, changes)
    wait_until(lambda: all_stored(own_settings, database) and acknowledged(own_settings), 90, "the first log")

    seen = sizes(idle_stack, *WORKERS)
    expected, folded = list(first), list(changes)
    for again, size in enumerate((300, 6_000)):
        with stopped(idle_stack, WORKERS if paused else ()):
            replace_topics(own_settings, wait_until)
            second, more = random_events(size, 42 + again, prefix), changes_of(42 + again, prefix, 100)
            publish(own_settings, second)
            publish_changes(own_settings, more)
        expected, folded = expected + second, folded + more
        wait_until(lambda: all_stored(own_settings, database), 120, "the new log")
        wait_until(lambda: wrong(own_settings, database, prefix, expected, folded) == [], 20, "both stores right")  # noqa: B023
        wait_until(lambda: acknowledged(own_settings), 30, "the new log acknowledged")
    assert stored_events(database, prefix) == 9_300
    said = log_since(idle_stack, seen)
    assert REPLACED in said


@contextmanager
def stopped(stack: LocalStack, workers: Sequence[str]) -> Iterator[None]:
    """The workers' processes do not run meanwhile, and neither do their clocks."""
    for worker in workers:
        stack.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        for worker in workers:
            stack.kill(worker, signal.SIGCONT)


def test_a_log_that_was_published_again_replays_to_the_live_state(
    idle_stack: LocalStack, own_settings: Settings, database: Database, wait_until: Callable[..., None]
) -> None:
    empty(database)
    first, changes = random_events(1_000, 51, "again"), changes_of(51, "again", 100)
    replace_topics(own_settings, wait_until)
    idle_stack.start("process-1")
    publish(own_settings, first)
    publish_changes(own_settings, changes)
    wait_until(lambda: all_stored(own_settings, database), 90, "the first log")
    assert replay_and_verify().exit_code == 0

    replace_topics(own_settings, wait_until)
    second, more = random_events(500, 52, "again"), changes_of(52, "again", 50)
    publish(own_settings, second)
    publish_changes(own_settings, more)
    wait_until(lambda: all_stored(own_settings, database), 90, "the second log")
    different = replay_and_verify()
    assert different.exit_code == EXIT_DIFFERENT
    assert "was replaced since this state began" in " ".join(different.stderr.split())

    replace_topics(own_settings, wait_until)
    publish(own_settings, first + second)
    publish_changes(own_settings, changes + more)
    wait_until(lambda: all_stored(own_settings, database), 90, "everything again")
    assert replay_and_verify().exit_code == 0
    assert stored_events(database, "again") == 1_500
    wait_until(lambda: wrong(own_settings, database, "again", first + second, changes + more) == [], 20, "both stores right")


def empty(database: Database) -> None:
    """No state, with its tables."""
    with database.transaction() as cursor:
        cursor.execute("truncate listens, interactions, partition_marks, users, tracks, playlists, playlist_tracks")


def replay_and_verify() -> Result:
    done = CliRunner().invoke(events, ["replay", "--into", "replaced_log"])
    assert done.exit_code == 0, done.output
    return CliRunner().invoke(events, ["verify", "replaced_log"])


def test_a_broker_that_came_back_with_less_is_read_from_its_start(
    idle_stack: LocalStack, own_settings: Settings, database: Database, wait_until: Callable[..., None]
) -> None:
    """The same topics, shorter than what is stored: to a worker it looks as if its marks were too high."""
    first = random_events(500, 61, "restored")
    idle_stack.start("process-1")
    publish(own_settings, first)
    wait_until(lambda: all_stored(own_settings, database) and acknowledged(own_settings), 90, "the log")
    idle_stack.stop("process-1")
    with database.transaction() as cursor:
        cursor.execute("update partition_marks set next_offset = next_offset + 1000")
    seen = sizes(idle_stack, "process-1")
    idle_stack.start("process-1")
    second = random_events(400, 62, "restored")
    publish(own_settings, second)
    wait_until(lambda: all_stored(own_settings, database), 90, "everything")
    wait_until(lambda: wrong(own_settings, database, "restored", first + second, []) == [], 20, "both stores right")
    assert "the log ends before what was stored" in log_since(idle_stack, seen)
    with closing(Database(own_settings.require_postgres())) as other, other.transaction(read_only=True) as cursor:
        assert all(mark.base > 0 for (topic, _), mark in read_marks(cursor).items() if topic == LISTENING_EVENTS)
