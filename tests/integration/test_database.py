"""Transactions on a server that answers late, never, or ends the session."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import psutil
import pytest

from infra.local.stack import LocalStack
from segue.errors import PostgresUnavailable, RefusedByStore
from segue.settings import Settings
from segue.stores.postgres.database import Database

pytestmark = pytest.mark.stack


@pytest.fixture
def impatient(settings: Settings) -> Iterator[Database]:
    opened = Database(settings.require_postgres(), answer_timeout_s=1.0)
    yield opened
    opened.close()


@contextmanager
def stopped(stack: LocalStack) -> Iterator[None]:
    """Postgres and all its backends get no time: their kernel still acknowledges."""
    server = psutil.Process(stack.pid("postgres"))
    processes = [server, *server.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def test_a_statement_without_an_answer_is_given_up_and_the_next_transaction_works(impatient: Database) -> None:
    with pytest.raises(PostgresUnavailable), impatient.transaction() as cursor:
        cursor.execute("select pg_sleep(600)")
    impatient.ping()


def test_a_statement_within_its_time_is_left_alone(impatient: Database) -> None:
    with impatient.transaction() as cursor:
        for _ in range(8):
            cursor.execute("select pg_sleep(0.3)")


def test_a_stopped_server_is_unavailable_and_goes_on_when_it_continues(stack: LocalStack, impatient: Database) -> None:
    impatient.ping()
    with stopped(stack):
        with pytest.raises(PostgresUnavailable):
            impatient.ping()
        with pytest.raises(PostgresUnavailable):
            impatient.ping()
    impatient.ping()


def test_a_server_that_stops_within_a_copy_is_unavailable(stack: LocalStack, impatient: Database) -> None:
    def copy_into_a_stopped_server() -> None:
        with impatient.transaction() as cursor:
            cursor.execute("create temporary table copied (n integer)")
            with stopped(stack):
                cursor.copy_expert("copy copied from stdin", io.StringIO("1\n" * 1_000_000))

    with pytest.raises(PostgresUnavailable):
        copy_into_a_stopped_server()


def test_a_server_that_stops_before_the_commit_is_unavailable(stack: LocalStack, impatient: Database) -> None:
    def commit_on_a_stopped_server(until_after_the_commit: ExitStack) -> None:
        with impatient.transaction() as cursor:
            cursor.execute("select 1")
            until_after_the_commit.enter_context(stopped(stack))

    with ExitStack() as until_after_the_commit, pytest.raises(PostgresUnavailable):
        commit_on_a_stopped_server(until_after_the_commit)


def test_a_client_that_pauses_in_a_transaction_loses_its_locks(
    settings: Settings, wait_until: Callable[..., None], database: Database
) -> None:
    pausing = Database(settings.require_postgres(), statement_timeout_s=0.2)

    def sessions(number: int) -> int:
        with database.transaction(read_only=True) as cursor:
            cursor.execute("select count(*) from pg_stat_activity where pid = %s", (number,))
            row = cursor.fetchone()
            return int(row[0]) if row else 0

    def pause_too_long() -> None:
        with pausing.transaction() as cursor:
            cursor.execute("select pg_backend_pid()")
            (number,) = cursor.fetchone() or (0,)
            wait_until(lambda: sessions(number) == 0, 20, "the end of the session")
            cursor.execute("select 1")

    with pytest.raises(PostgresUnavailable):
        pause_too_long()
    pausing.close()


@pytest.mark.parametrize(
    "statement",
    ["select 'x'::integer", "select 1/0", "select 2147483647 + 1", "insert into partition_marks values (null, 1, 1)"],
)
def test_data_that_postgres_refuses_is_called_so(own_database: Database, statement: str) -> None:
    with pytest.raises(RefusedByStore, match="SQLSTATE 2"), own_database.transaction() as cursor:
        cursor.execute(statement)


def test_a_rehearsal_leaves_nothing_and_checks_what_waits_for_the_commit(own_database: Database) -> None:
    with own_database.transaction() as cursor:
        cursor.execute("create table late (n integer, constraint once unique (n) deferrable initially deferred)")
    with own_database.rehearsal() as cursor:
        cursor.execute("insert into late values (1)")
    with pytest.raises(RefusedByStore, match="once"), own_database.rehearsal() as cursor:
        cursor.execute("insert into late values (2), (2)")
    with own_database.transaction(read_only=True) as cursor:
        cursor.execute("select count(*) from late")
        assert cursor.fetchone() == (0,)
