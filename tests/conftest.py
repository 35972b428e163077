"""Real Kafka, Postgres and Redis, started once per test session in a directory of their own."""

from __future__ import annotations

import gc
import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
import redis

from infra.local.stack import LocalStack
from segue.settings import Settings, load_settings
from segue.stores.commands import state_facts
from segue.stores.postgres.database import Database
from segue.stores.postgres.migrations import migrate

REDIS_TEST_DATABASE = 15

# Hypothesis gives each example 200 ms, which a busy machine may take from any of them.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """An API keeps what it began with from the collector (api.garbage); here are many, one after the other."""
    yield
    if gc.get_freeze_count():
        gc.unfreeze()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The servers, with topics and tables; programs are started by those who need them."""
    for name in [name for name in os.environ if name.startswith("SEGUE_")]:
        del os.environ[name]
    state_dir = tmp_path_factory.mktemp("state")
    running = LocalStack(state_dir, workers=4, preferred_ports={})
    try:
        os.environ |= running.start_servers()
        running.prepare_stores()
        yield running
    finally:
        running.erase()


@pytest.fixture(scope="session")
def settings(stack: LocalStack) -> Settings:
    """Settings that point at the session's servers."""
    assert stack.environment["SEGUE_KAFKA_BOOTSTRAP"]
    return load_settings()


@pytest.fixture(scope="session")
def database(settings: Settings) -> Iterator[Database]:
    """The database that the running processors write."""
    opened = Database(settings.require_postgres())
    yield opened
    opened.close()


@pytest.fixture
def own_database(settings: Settings) -> Iterator[Database]:
    """A schema of this test's own, up to date and empty."""
    opened = Database(settings.require_postgres(), schema=f"t{uuid.uuid4().hex[:12]}", max_connections=6)
    migrate(opened, state_facts(settings))
    yield opened
    with opened.transaction() as cursor:
        cursor.execute(f"drop schema {opened.schema} cascade")
    opened.close()


@pytest.fixture
def own_redis_url(settings: Settings) -> Iterator[str]:
    """A Redis database of this test's own, empty."""
    url = redis_url_of(settings.require_redis(), REDIS_TEST_DATABASE)
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        yield url
        client.flushdb()


def redis_url_of(url: str, number: int) -> str:
    """The URL of another logical database of the same server."""
    base, _, last = url.rpartition("/")
    return f"{base}/{number}" if last.isdigit() else f"{url.rstrip('/')}/{number}"


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., None]:
    """`wait_until(condition, within_s=20, what="…")`: returns as soon as the condition holds, fails at the deadline."""

    def wait(condition: Callable[[], bool], within_s: float = 20.0, what: str = "the condition") -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline, f"{what} did not come true within {within_s} s"
            time.sleep(0.05)

    return wait


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The folder of pyproject.toml."""
    return Path(__file__).parent.parent
