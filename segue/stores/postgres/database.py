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
from psycopg2.extensions import STATUS_READY, connection, cursor

from segue.errors import ConfigurationError, PostgresUnavailable

Isolation = Literal["REPEATABLE READ", "SERIALIZABLE"]
CONNECT_TIMEOUT_S = 5

psycopg2.extras.register_uuid()  # type: ignore[no-untyped-call]

UNAVAILABLE = (
    psycopg2.OperationalError,
    psycopg2.InterfaceError,
    psycopg2.errors.AdminShutdown,
    psycopg2.errors.CrashShutdown,
    psycopg2.errors.ReadOnlySqlTransaction,
)
"""What a restarting, failing-over or missing server raises; all are worth another try later."""

LIMIT_EXCEEDED = "54"
"""Class of SQLSTATE codes: a statement or value is larger than Postgres can take."""

_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}\Z")


class Database:
    """Transactions on one schema of one database; safe for use by several threads, each with its own connection.

    `statement_timeout_s` ends a statement that takes longer, so that a stuck server turns into an error.
    """

    def __init__(
        self, url: str, schema: str = "public", max_connections: int = 4, statement_timeout_s: float | None = None
    ) -> None:
        if urlsplit(url).scheme not in {"postgresql", "postgres"}:
            raise ConfigurationError("the Postgres URL must start with postgresql://")
        if not _SCHEMA.match(schema):
            raise ConfigurationError(f"schema {schema!r}: use small letters, digits and underscores")
        self.schema = schema
        self._url = url
        self._options = f"-c search_path={schema} -c timezone=UTC"
        if statement_timeout_s is not None:
            self._options += f" -c statement_timeout={round(statement_timeout_s * 1000)}"
        self._idle: list[connection] = []
        self._slots = threading.BoundedSemaphore(max_connections)

    @contextmanager
    def transaction(self, isolation: Isolation | None = None, read_only: bool = False) -> Iterator[cursor]:
        """A cursor in a transaction that commits at the end of the block and rolls back on any error.

        Waits while all connections are in use. Raises PostgresUnavailable when the server cannot be reached, goes away, refuses
        writes or has no tables yet.
        """
        with self._slots:
            try:
                checked = self._checked_out()
                checked.set_session(isolation_level=isolation or "READ COMMITTED", readonly=read_only, autocommit=False)
                try:
                    with checked, checked.cursor() as opened:
                        yield opened
                finally:
                    self._put_back(checked)
            except UNAVAILABLE as error:
                if (error.pgcode or "").startswith(LIMIT_EXCEEDED):
                    # psycopg2 calls this operational too, but waiting does not make a statement smaller.
                    raise
                raise PostgresUnavailable(_reason(error)) from error
            except psycopg2.errors.UndefinedTable as error:
                raise PostgresUnavailable(f"{_reason(error)}: run `segue migrate`") from error

    def ping(self) -> None:
        """Raises PostgresUnavailable unless the server answers."""
        with self.transaction(read_only=True) as opened:
            opened.execute("select 1")

    def maintain(self) -> None:
        """What Postgres does by itself after a while, now: statistics, visibility map, checkpoint (needs pg_checkpoint)."""
        with self._slots:
            opened = psycopg2.connect(self._url, options=self._options, connect_timeout=CONNECT_TIMEOUT_S)
            try:
                opened.autocommit = True
                with opened.cursor() as cursor:
                    cursor.execute("vacuum analyze")
                    cursor.execute("checkpoint")
            finally:
                opened.close()

    def close(self) -> None:
        """Close the idle connections; the next transaction opens a new one."""
        while self._idle:
            self._idle.pop().close()

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


def _is_dead(candidate: connection) -> bool:
    # After a server crash the peer is gone, which psycopg2 does not notice: the socket is readable then. A poll costs 2 µs
    # where a `select 1` costs a round trip.
    return bool(candidate.closed) or _readable(candidate.fileno())


def _readable(socket_number: int) -> bool:
    poll = select.poll()
    poll.register(socket_number, select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))


def _reason(error: Exception) -> str:
    """The first line of libpq's message; it names host and user, never the password."""
    return str(error).strip().split("\n", 1)[0] or type(error).__name__
