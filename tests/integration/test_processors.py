"""Running processors under faults: nothing lost, nothing doubled, poison set aside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka import Producer

from infra.local.stack import LocalStack
from segue.dead_letters import Letter, letters_between
from segue.events import NOT_TASTE, TYPE_CODES, CatalogueTrack, ListeningEvent, encode
from segue.kafka import producer_config
from segue.log_reader import LogReader, Offsets
from segue.partitioning import partition_for
from segue.settings import Settings
from segue.stores.postgres.database import Database
from segue.topics import CATALOGUE, DEAD_LETTERS, LISTENING_EVENTS
from stream_processors.watchdog import EXIT_CRASHED
from tests.oracle import Matrix, differences, fold, in_postgres, in_redis
from tests.publishing import publish, publish_raw, random_events

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def processors(stack: LocalStack) -> Iterator[LocalStack]:
    stack.start("process-1")
    stack.start("process-2")
    yield stack
    stack.stop("process-1")
    stack.stop("process-2")


def listens(database: Database, prefix: str) -> int:
    with database.transaction(read_only=True) as cursor:
        cursor.execute("select coalesce(sum(events), 0) from users where user_id like %s", (f"{prefix}-%",))
        row = cursor.fetchone()
        return int(row[0]) if row else 0


def of(prefix: str, matrix: Matrix) -> Matrix:
    return {key: cell for key, cell in matrix.items() if key[0].startswith(f"{prefix}-")}


def test_killing_processors_twice_under_load_loses_and_doubles_nothing(
    processors: LocalStack, settings: Settings, database: Database, wait_until: Callable[..., None]
) -> None:
    events = random_events(30_000, seed=1, prefix="kill")
    retried = events[1000:2000]
    publish(settings, events[:15_000], per_record=50)
    wait_until(lambda: listens(database, "kill") > 1_000, 60, "the first events")
    processors.kill("process-1", signal.SIGKILL)
    publish(settings, events[15_000:] + retried, per_record=50)
    wait_until(lambda: listens(database, "kill") > 12_000, 60, "progress after the first kill")
    processors.kill("process-2", signal.SIGKILL)
    wait_until(lambda: listens(database, "kill") == 30_000, 90, "every event")
    assert differences(fold(events), of("kill", in_postgres(database))) == []
    wait_until(
        lambda: not differences(fold(events), of("kill", in_redis(settings.require_redis(), database))),
        20,
        "Redis equal to Postgres",
    )


def test_stopping_and_starting_a_processor_in_mid_load_loses_nothing(
    processors: LocalStack, settings: Settings, database: Database, wait_until: Callable[..., None]
) -> None:
    events = random_events(10_000, seed=2, prefix="restart")
    publish(settings, events, per_record=10)
    processors.stop("process-2")
    processors.start("process-2")
    wait_until(lambda: listens(database, "restart") == 10_000, 60, "every event")
    assert differences(fold(events), of("restart", in_postgres(database))) == []


def test_a_processor_that_is_asked_to_stop_leaves_the_group_and_ends_by_itself(
    processors: LocalStack, wait_until: Callable[..., None]
) -> None:
    log = processors.log_path("process-2")
    # The test before started it a moment ago; a group can be left only by who is in it.
    wait_until(lambda: "partitions assigned" in log.read_text().rpartition("Closing event loop")[2], 60, "its partitions")
    before = len(log.read_text())
    processors.stop("process-2")
    last_words = log.read_text()[before:]
    processors.start("process-2")
    assert "LeaveGroup request succeeded" in last_words
    assert "Closing event loop" in last_words
    assert "Crashed" not in last_words


def letters_since(settings: Settings, starts: Offsets) -> list[Letter]:
    with closing(LogReader(settings)) as reader:
        return list(letters_between(reader, starts, reader.bounds([DEAD_LETTERS])[1], None))


def test_poison_goes_to_the_dead_letters_and_the_rest_goes_on(
    processors: LocalStack, settings: Settings, database: Database, wait_until: Callable[..., None]
) -> None:
    good = random_events(10, seed=3, prefix="poison", users=1)
    key = b"poison-0"
    negative = encode(good[0])[:-1] + b',"ms_played":-5}'
    with closing(LogReader(settings)) as reader:
        starts = reader.bounds([DEAD_LETTERS])[1]
    publish_raw(settings, [b"\xff\x00garbage", b'{"v":9}', negative], key)
    publish_raw(settings, [b"not a track"], b"t1", topic=CATALOGUE)
    publish(settings, good)
    wait_until(lambda: listens(database, "poison") == 10, 30, "the good events")
    wait_until(lambda: len(letters_since(settings, starts)) == 4, 30, "the letters")
    letters = {letter.raw: (letter.topic, letter.error, letter.key) for letter in letters_since(settings, starts)}
    assert letters == {
        b"\xff\x00garbage": (LISTENING_EVENTS, "undecodable", key),
        b'{"v":9}': (LISTENING_EVENTS, "invalid_field", key),
        negative: (LISTENING_EVENTS, "invalid_ms_played", key),
        b"not a track": (CATALOGUE, "undecodable", b"t1"),
    }


def test_a_stray_event_finds_its_partition_and_counts_once(
    processors: LocalStack, settings: Settings, database: Database, wait_until: Callable[..., None]
) -> None:
    event = ListeningEvent(
        event_id=uuid.uuid4(), type="play", user_id="stray-0", track_id="stray-track", occurred_at=datetime.now(UTC)
    )
    other_key = next(key for key in "abcdefghijkl" if partition_for(key, 8) != partition_for("stray-0", 8))
    publish_raw(settings, [encode(event), encode(event)], other_key.encode())
    wait_until(lambda: listens(database, "stray") == 1, 30, "the event")
    assert differences(fold([event]), of("stray", in_postgres(database))) == []


def marks(database: Database) -> dict[int, int]:
    with database.transaction(read_only=True) as cursor:
        cursor.execute("select partition, next_offset from partition_marks where topic = %s", (LISTENING_EVENTS,))
        return dict(cursor.fetchall())


def restore_to(database: Database, kept: dict[int, int]) -> None:
    """Make Postgres what an older backup of it would be."""
    with database.transaction() as cursor:
        for partition, next_offset in marks(database).items():
            kept_to = kept.get(partition, 0)
            cursor.execute("delete from listens where kafka_partition = %s and kafka_offset >= %s", (partition, kept_to))
            cursor.execute(
                "update partition_marks set next_offset = %s where topic = %s and partition = %s and next_offset = %s",
                (kept_to, LISTENING_EVENTS, partition, next_offset),
            )
        cursor.execute("truncate interactions")
        cursor.execute(
            f"""insert into interactions
               select user_no, track_no, sum(weight), count(*) filter (where type = 0), count(*) filter (where type = 1),
                      count(*) filter (where type = 6) - count(*) filter (where type = 7),
                      coalesce(max(statement), 1), max(occurred_at)
               from listens where type not in ({",".join(str(TYPE_CODES[kind]) for kind in NOT_TASTE)})
               group by user_no, track_no"""
        )
        cursor.execute("update users u set events = (select count(*) from listens l where l.user_no = u.user_no)")


def test_a_restored_postgres_reads_the_lost_part_of_the_log_again(
    processors: LocalStack, settings: Settings, database: Database, wait_until: Callable[..., None]
) -> None:
    events = random_events(3_000, seed=4, prefix="restore")
    publish(settings, events[:1_000], per_record=10)
    wait_until(lambda: listens(database, "restore") == 1_000, 60, "the first part")
    kept = marks(database)
    publish(settings, events[1_000:2_000], per_record=10)
    wait_until(lambda: listens(database, "restore") == 2_000, 60, "the second part")
    processors.stop("process-1", "process-2")
    restore_to(database, kept)
    assert listens(database, "restore") == 1_000
    processors.start("process-1", "process-2")
    wait_until(lambda: listens(database, "restore") == 2_000, 90, "what was lost, although nothing new is published")
    publish(settings, events[2_000:], per_record=10)
    wait_until(lambda: listens(database, "restore") == 3_000, 90, "every event")
    assert differences(fold(events), of("restore", in_postgres(database))) == []
    wait_until(
        lambda: not differences(fold(events), of("restore", in_redis(settings.require_redis(), database))),
        20,
        "Redis equal to Postgres",
    )


def test_a_postgres_restored_under_running_processors_reads_the_lost_part_again(
    processors: LocalStack, settings: Settings, database: Database, wait_until: Callable[..., None]
) -> None:
    events = random_events(3_000, seed=5, prefix="fallback")
    publish(settings, events[:1_000], per_record=10)
    wait_until(lambda: listens(database, "fallback") == 1_000, 60, "the first part")
    kept = marks(database)
    publish(settings, events[1_000:2_000], per_record=10)
    wait_until(lambda: listens(database, "fallback") == 2_000, 60, "the second part")
    restore_to(database, kept)
    # Every partition hears of it by the next record of its own.
    publish(settings, events[2_000:], per_record=1)
    wait_until(lambda: listens(database, "fallback") == 3_000, 90, "every event")
    assert differences(fold(events), of("fallback", in_postgres(database))) == []


def tracks(database: Database, prefix: str) -> int:
    with database.transaction(read_only=True) as cursor:
        cursor.execute("select count(*) from tracks where track_id like %s and name is not null", (f"{prefix}-%",))
        row = cursor.fetchone()
        return int(row[0]) if row else 0


def publish_tracks(settings: Settings, prefix: str, numbers: range) -> None:
    producer = Producer(producer_config(settings))
    for number in numbers:
        track = CatalogueTrack(track_id=f"{prefix}-{number}", name=f"Song {number}", artists=("Ada",))
        producer.produce(CATALOGUE, encode(track), track.track_id.encode())
    assert producer.flush(60) == 0


def restore_catalogue(database: Database, prefix: str, keep: int) -> None:
    """The catalogue as it was before its first record of `prefix`, but for `keep` of these tracks."""
    with database.transaction() as cursor:
        cursor.execute(
            "delete from tracks where track_id like %s and split_part(track_id, '-', 2)::int >= %s", (f"{prefix}-%", keep)
        )
        cursor.execute("update partition_marks set next_offset = 1 where topic = %s and next_offset > 1", (CATALOGUE,))


def test_a_restored_postgres_gets_its_catalogue_back_although_nothing_is_published(
    processors: LocalStack, settings: Settings, database: Database, wait_until: Callable[..., None]
) -> None:
    publish_tracks(settings, "back", range(400))
    wait_until(lambda: tracks(database, "back") == 400, 30, "the catalogue")
    processors.stop("process-1", "process-2")
    restore_catalogue(database, "back", keep=50)
    assert tracks(database, "back") == 50
    processors.start("process-1", "process-2")
    wait_until(lambda: tracks(database, "back") == 400, 60, "the whole catalogue")


def test_a_catalogue_restored_under_running_processors_comes_back_with_the_next_record(
    processors: LocalStack, settings: Settings, database: Database, wait_until: Callable[..., None]
) -> None:
    publish_tracks(settings, "under", range(400))
    wait_until(lambda: tracks(database, "under") == 400, 30, "the catalogue")
    restore_catalogue(database, "under", keep=50)
    publish_tracks(settings, "under", range(400, 500))
    wait_until(lambda: tracks(database, "under") == 500, 60, "the whole catalogue")


def test_marks_are_compared_as_soon_as_postgres_is_back(
    processors: LocalStack, settings: Settings, database: Database, wait_until: Callable[..., None]
) -> None:
    publish_tracks(settings, "away", range(400))
    wait_until(lambda: tracks(database, "away") == 400, 30, "the catalogue")
    restore_catalogue(database, "away", keep=50)
    log = processors.log_path("process-2")
    seen = log.stat().st_size
    processors.stop("postgres")
    # The other worker gets its partitions while Postgres is away.
    processors.kill("process-1", signal.SIGKILL)
    wait_until(lambda: b"marks are compared later" in log.read_bytes()[seen:], 60, "an assignment without Postgres")
    publish_tracks(settings, "away", range(400, 500))
    processors.start("postgres")
    processors.wait_ready("postgres")
    wait_until(lambda: tracks(database, "away") == 500, 60, "the whole catalogue")


def test_a_hung_worker_ends_itself_and_another_takes_over(
    processors: LocalStack, settings: Settings, database: Database, wait_until: Callable[..., None], tmp_path: Path
) -> None:
    processors.stop("process-2")
    restarts_before = processors.restarts()["process-1"]
    environment = os.environ | processors.environment | {"SEGUE_STALLED_AFTER_S": "3"}
    log = tmp_path / "hung.log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "tests.integration.hung_worker"]
        hung = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: b"Worker ready" in log.read_bytes(), 60, "the hanging worker's assignment")
        events = random_events(2_000, seed=6, prefix="hung")
        publish(settings, events, per_record=10)
        wait_until(lambda: hung.poll() is not None, 60, "the end of the hung worker")
        assert hung.returncode == EXIT_CRASHED
        assert b"msg='no progress, ending the process' idle=listening-events" in log.read_bytes()
        wait_until(lambda: listens(database, "hung") == 2_000, 60, "every event, by the other worker")
    finally:
        hung.kill()
        hung.wait()
    assert differences(fold(events), of("hung", in_postgres(database))) == []
    assert processors.restarts()["process-1"] == restarts_before
