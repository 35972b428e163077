"""Whatever dies, stops or restarts under load: nothing is lost, nothing is doubled, and a replay equals the live state."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from infra.local.stack import LocalStack
from segue.events import ListeningEvent
from segue.log_reader import LogReader
from segue.settings import Settings
from segue.stores.postgres.database import Database
from segue.stores.postgres.marks import Mark, read_marks
from segue.stores.postgres.verification import compare, drop_replay
from segue.topics import CATALOGUE, LISTENING_EVENTS, PLAYLISTS, USERS
from stream_processors.replay import replay
from tests.chaos.faults import WORKERS, Fault, draw_faults, inflict, loses_rows, worker_names
from tests.chaos.load import Leavers, Listening, Tables
from tests.oracle import Matrix, differences, fold, fold_changes, in_postgres, in_redis, rows_in_postgres

pytestmark = [pytest.mark.stack, pytest.mark.chaos]

FAULTS = int(os.environ.get("SEGUE_CHAOS_FAULTS", "5"))
SEED = int(os.environ.get("SEGUE_CHAOS_SEED", "20261123"))
PREFIX = f"chaos{SEED}"
TOPICS = (LISTENING_EVENTS, CATALOGUE, PLAYLISTS, USERS)


@pytest.fixture
def workers(stack: LocalStack) -> Iterator[LocalStack]:
    names = worker_names(1, WORKERS)
    stack.start(*names)
    yield stack
    stack.stop(*names)


def test_faults_under_load_lose_and_double_nothing(
    workers: LocalStack, settings: Settings, database: Database, wait_until: Callable[..., None]
) -> None:
    faults, done, began, load_before = draw_faults(SEED, FAULTS), list[Fault](), time.monotonic(), os.getloadavg()[0]
    loads = (Listening(settings, SEED, PREFIX), Tables(settings, SEED, PREFIX), Leavers(settings, SEED, PREFIX))
    try:
        for load in loads:
            load.start()
        inflict_all(workers, faults, done)
        for load in loads:
            load.finish()
        everything_is_stored(settings, database, wait_until)
        lost, doubled = verify_all(workers, settings, database, loads, wait_until, any(map(loses_rows, faults)))
    except BaseException:
        print(
            f"\nto repeat: SEGUE_CHAOS_SEED={SEED} SEGUE_CHAOS_FAULTS={FAULTS} make chaos; faults so far: {list(map(str, done))}"
        )
        raise
    listening, tables, leavers = loads
    print(
        f"\nchaos: {len(faults)} faults {dict(Counter(fault.kind for fault in faults))} on "
        f"{dict(Counter(fault.program for fault in faults))}; {len(listening.published):,} events and "
        f"{listening.retried:,} retried duplicates of them, {len(tables.published):,} changes of tracks, playlists and profiles, "
        f"{len(leavers.changes):,} deletions and returns with {leavers.refused:,} events refused and {len(leavers.published):,} "
        f"kept; lost {lost}, doubled {doubled}; {time.monotonic() - began:.0f} s, "
        f"load {load_before:.1f} at the start, {os.getloadavg()[0]:.1f} at the end, seed {SEED}",
        flush=True,
    )
    assert (lost, doubled) == (0, 0)


def inflict_all(stack: LocalStack, faults: list[Fault], done: list[Fault]) -> None:
    rng = random.Random(SEED)
    for fault in faults:
        print(f"fault {len(done) + 1} of {len(faults)}: {fault}", flush=True)
        done.append(fault)
        inflict(stack, fault, time.sleep)
        time.sleep(rng.uniform(0.5, 3.0))


def everything_is_stored(settings: Settings, database: Database, wait_until: Callable[..., None]) -> None:
    """Every partition's mark is where its log ends."""
    with closing(LogReader(settings)) as reader:
        _, ends = reader.bounds(TOPICS)

    def all_stored() -> bool:
        with database.transaction(read_only=True) as cursor:
            marks = read_marks(cursor)
        return all(marks.get(where, Mark()).offset >= end for where, end in ends.items())

    wait_until(all_stored, 180, "the marks at the log's end")


def verify_all(
    stack: LocalStack,
    settings: Settings,
    database: Database,
    loads: tuple[Listening, Tables, Leavers],
    wait_until: Callable[..., None],
    rows_were_lost: bool,
) -> tuple[int, int]:
    """Compare both stores with the oracle, and a replay with the live state. Returns events lost and events doubled."""
    listening, tables, leavers = loads
    published = listening.published + leavers.published
    expected = fold(published)
    found = mine(in_postgres(database))
    lost, doubled = events_lost(database, published), events_doubled(expected, found)
    assert differences(expected, found)[:10] == []
    assert differences_of_rows(tables, leavers, database) == []

    def redis_differences(complete: bool) -> list[str]:
        rows = mine(in_redis(settings.require_redis(), database))
        there = {user_id for user_id, _ in rows}
        wanted = expected if complete else {key: cell for key, cell in expected.items() if key[0] in there}
        return differences(wanted, rows)[:10]

    if rows_were_lost:
        # Each row is complete or absent; then a rebuild leaves none absent.
        wait_until(lambda: not redis_differences(complete=False), 30, "every row in Redis complete or absent")
        stack.run_segue("events", "rebuild")
        assert redis_differences(complete=True) == []
    else:
        wait_until(lambda: not redis_differences(complete=True), 30, "Redis equal to the oracle")
    assert_replay_equals_live(settings, database)
    return lost, doubled


def mine(matrix: Matrix) -> Matrix:
    return {key: cell for key, cell in matrix.items() if key[0].startswith(PREFIX)}


def events_lost(database: Database, published: list[ListeningEvent]) -> int:
    with database.transaction(read_only=True) as cursor:
        cursor.execute("select event_id from listens join users using (user_no) where user_id like %s", (f"{PREFIX}%",))
        found = {event_id for (event_id,) in cursor}
    return len({event.event_id for event in published} - found)


def events_doubled(expected: Matrix, found: Matrix) -> int:
    return sum(
        max(0, cell.plays + cell.skips - expected[key].plays - expected[key].skips)
        for key, cell in found.items()
        if key in expected
    )


def differences_of_rows(tables: Tables, leavers: Leavers, database: Database) -> list[str]:
    expected, found = fold_changes([*tables.published, *leavers.changes]), rows_in_postgres(database, PREFIX)
    return [
        f"{key}: expected {expected.get(key)}, found {found.get(key)}"
        for key in sorted(expected.keys() | found.keys())
        if expected.get(key) != found.get(key)
    ]


def assert_replay_equals_live(settings: Settings, database: Database) -> None:
    schema = "chaos_replay"
    replay(settings, "earliest", schema, lambda _done, _total: None)
    assert [c for c in compare(database, schema) if c.different] == []
    drop_replay(Database(settings.require_postgres(), schema=schema))
