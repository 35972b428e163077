"""Whatever dies, stops or restarts under load: nothing is lost, nothing is doubled, and a replay equals the live state."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator

import pytest

from infra.local.stack import LocalStack
from segue.settings import Settings
from segue.stores.postgres.database import Database
from segue.stores.postgres.verification import compare, drop_schema, unequal_marks
from stream_processors.replay import replay
from tests.chaos.faults import Load, draw_faults, inflict
from tests.oracle import differences, fold, in_postgres, in_redis

pytestmark = [pytest.mark.stack, pytest.mark.chaos]

FAULTS = int(os.environ.get("SEGUE_CHAOS_FAULTS", "5"))
SEED = int(os.environ.get("SEGUE_CHAOS_SEED", "20261123"))
WORKERS = 2


@pytest.fixture
def workers(stack: LocalStack) -> Iterator[LocalStack]:
    names = [f"process-{number}" for number in range(1, WORKERS + 1)]
    stack.start(*names)
    yield stack
    stack.stop(*names)


def stored(database: Database, prefix: str) -> int:
    with database.transaction(read_only=True) as cursor:
        cursor.execute("select coalesce(sum(events), 0) from users where user_id like %s", (f"{prefix}-%",))
        row = cursor.fetchone()
        return int(row[0]) if row else 0


def test_faults_under_load_lose_and_double_nothing(
    workers: LocalStack, settings: Settings, database: Database, wait_until: Callable[..., None]
) -> None:
    prefix, rng = f"chaos{SEED}", random.Random(SEED)
    load = Load(settings, SEED, prefix)
    load.start()
    wait_until(lambda: stored(database, prefix) > 0, 60, "the first event")
    for number, fault in enumerate(draw_faults(SEED, FAULTS, WORKERS), start=1):
        print(f"fault {number} of {FAULTS}: {fault}, {len(load.published):,} events published", flush=True)
        inflict(workers, fault, time.sleep)
        time.sleep(rng.uniform(0.5, 3.0))
    load.stop()

    expected = fold(load.published)
    wait_until(lambda: stored(database, prefix) == len(load.published), 120, f"all {len(load.published):,} events")
    mine = {key: cell for key, cell in in_postgres(database).items() if key[0].startswith(f"{prefix}-")}
    assert differences(expected, mine) == []

    def redis_differences() -> list[str]:
        rows = {k: cell for k, cell in in_redis(settings.require_redis(), database).items() if k[0].startswith(f"{prefix}-")}
        return differences(expected, rows)

    wait_until(lambda: not redis_differences(), 30, "Redis equal to the oracle")
    assert_replay_equals_live(settings, database, wait_until)


def assert_replay_equals_live(settings: Settings, database: Database, wait_until: Callable[..., None]) -> None:
    schema = "chaos_replay"

    def replayed_to_the_same_marks() -> bool:
        replay(settings, "earliest", schema, lambda _done, _total: None)
        return not unequal_marks(database, schema)

    wait_until(replayed_to_the_same_marks, 120, "a replay to the live marks")
    assert [c for c in compare(database, schema) if c.different] == []
    drop_schema(Database(settings.require_postgres(), schema=schema))
