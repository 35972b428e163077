"""One Postgres database: a small pool of psycopg2 connections, checked before use, and transactions."""

from __future__ import annotations

import re
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal
from urllib.parse import urlsplit

import psycopg2
import psycopg2.errors
import psycopg2.extras
from psycopg2.extensions import STATUS_READY, connection, cursor, parse_dsn

from segue.errors import ConfigurationError, PostgresUnavailable, RefusedByStore, SegueError
from segue.stores.postgres.deadlines import Deadlines, limited_cursor

Isolation = Literal["REPEATABLE READ", "SERIALIZABLE"]
CONNECT_TIMEOUT_S = 5

psycopg2.extras.register_uuid()  # type: ignore[no-untyped-call]

UNAVAILABLE = (
    psycopg2.OperationalError,
    psycopg2.InterfaceError,
    psycopg2.errors.AdminShutdown,
    psycopg2.errors.CrashShutdown,
    psycopg2.errors.ReadOnlySqlTransaction,
    psycopg2.errors.IdleInTransactionSessionTimeout,
)
"""What a restarting, failing-over or missing server raises; all are worth another try later."""

REFUSED = ("22", "23", "54")
"""Classes of SQLSTATE codes that blame the data: a value's form or range, a constraint, a size beyond Postgres's limits."""

_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}\Z")


class Database:
    """Transactions on one schema of one database; safe for use by several threads, each with its own connection.

    `statement_timeout_s` is the server's limit for one statement, and for the pause between two of a transaction: a client that
    was stopped may not hold its locks for ever. `answer_timeout_s` is ours, for a server that was stopped and so keeps no limit.
    """

    def __init__(
        self,
        url: str,
        schema: str = "public",
        max_connections: int = 4,
        statement_timeout_s: float | None = None,
        answer_timeout_s: float | None = None,
    ) -> None:
        _check_url(url)
        if not _SCHEMA.match(schema):
            raise ConfigurationError(f"schema {schema!r}: use small letters, digits and underscores")
        self.schema = schema
        self._url = url
        self._options = f"-c search_path={schema} -c timezone=UTC"
        if statement_timeout_s is not None:
            limit_ms = round(statement_timeout_s * 1000)
            self._options += f" -c statement_timeout={limit_ms} -c idle_in_transaction_session_timeout={limit_ms}"
        self._deadlines = Deadlines(answer_timeout_s)
        self._cursor_class = limited_cursor(self._deadlines)
        self._idle: list[connection] = []
        self._slots = threading.BoundedSemaphore(max_connections)

    @contextmanager
    def transaction(self, isolation: Isolation | None = None, read_only: bool = False) -> Iterator[cursor]:
        """A cursor in a transaction that commits at the end of the block and rolls back on any error.

        Waits while all connections are in use. Raises PostgresUnavailable when the server cannot be reached, goes away, refuses
        writes or has no tables yet, RefusedByStore when the data itself is at fault.
        """
        with self._slots:
            try:
                checked = self._checked_out()
                checked.set_session(isolation_level=isolation or "READ COMMITTED", readonly=read_only, autocommit=False)
                try:
                    with self._ended(checked), checked.cursor(cursor_factory=self._cursor_class) as opened:
                        yield opened
                finally:
                    self._put_back(checked)
            except psycopg2.Error as error:
                translated = _translated(error)
                if translated is None:
                    raise
                raise translated from error

    @contextmanager
    def rehearsal(self) -> Iterator[cursor]:
        """As `transaction`, but everything is taken back at the end, after constraints that wait for the commit were checked."""
        with self.transaction() as opened:
            yield opened
            opened.execute("set constraints all immediate")
            with self._deadlines.limit(opened.connection):
                opened.connection.rollback()

    def ping(self) -> None:
        """Raises PostgresUnavailable unless the server answers."""
        with self.transaction(read_only=True) as opened:
            opened.execute("select 1")

    def close(self) -> None:
        """Close the idle connections; the next transaction opens a new one."""
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _ended(self, used: connection) -> Iterator[None]:
        """Commit or roll back, within the deadline."""
        try:
            yield
        except BaseException:
            with self._deadlines.limit(used):
                used.rollback()
            raise
        with self._deadlines.limit(used):
            used.commit()

    def _checked_out(self) -> connection:
        """A live connection, the one used last. psycopg2's own pool closes what it gets back beyond its minimum, and a new
        connection with SCRAM costs 10 ms."""
        while self._idle:
            candidate = self._idle.pop()
            if not _is_dead(candidate):
                return candidate
            candidate.close()
        opened: connection = psycopg2.connect(self._url, options=self._options, connect_timeout=CONNECT_TIMEOUT_S)
        return opened

    def _put_back(self, used: connection) -> None:
        if used.closed or used.status != STATUS_READY:
            used.close()
        else:
            self._idle.append(used)


def _check_url(url: str) -> None:
    """Raises ConfigurationError. libpq would find the same later, and quote a part of the URL, which may be of the password."""
    if urlsplit(url).scheme not in {"postgresql", "postgres"}:
        raise ConfigurationError("the Postgres URL must start with postgresql://")
    try:
        ports = str(parse_dsn(url).get("port", "")).split(",")
    except psycopg2.ProgrammingError:
        ports = ["?"]
    if not all(port.isdecimal() or not port for port in ports):
        raise ConfigurationError("the Postgres URL cannot be read: percent-encode /, %, @ and : in user name and password")


def _is_dead(candidate: connection) -> bool:
    # After a server crash the peer is gone, which psycopg2 does not notice: the socket is readable then. A poll costs 2 µs
    # where a `select 1` costs a round trip.
    return bool(candidate.closed) or _readable(candidate.fileno())


def _readable(socket_number: int) -> bool:
    poll = select.poll()
    poll.register(socket_number, select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))


def _translated(error: psycopg2.Error) -> SegueError | None:
    """None for what no caller can expect: a bug."""
    sqlstate = error.pgcode or ""
    # First, because psycopg2 calls an exceeded limit operational, but waiting does not make a statement smaller.
    if sqlstate[:2] in REFUSED:
        return RefusedByStore(f"{_reason(error)} (SQLSTATE {sqlstate})")
    if isinstance(error, UNAVAILABLE):
        return PostgresUnavailable(_reason(error))
    if isinstance(error, psycopg2.errors.UndefinedTable):
        return PostgresUnavailable(f"{_reason(error)}: run `segue migrate`")
    return None


def _reason(error: Exception) -> str:
    """The first line of libpq's message; it names host and user, never the password."""
    return str(error).strip().split("\n", 1)[0] or type(error).__name__
