"""An end to waiting for a server that was stopped: its kernel still acknowledges, so no TCP timer fires, and it cannot cancel
its own statements.

A thread shuts down the socket of a call that takes too long, which libpq reports as a lost connection. psycopg2's wait callback
would do it without a thread, but COPY is not available with one. Cost: 0.6 µs for each statement (two dictionary operations
under a lock), and one look a second.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from psycopg2 import InterfaceError
from psycopg2.extensions import connection, cursor

LOOK_EVERY_S = 1.0


class Deadlines:
    """The calls in progress, and the thread that ends those that are late. No limit: no thread."""

    def __init__(self, limit_s: float | None) -> None:
        self._limit_s = limit_s
        self._lock = threading.Lock()
        self._calls: dict[connection, float] = {}
        self._watching: threading.Thread | None = None

    @contextmanager
    def limit(self, used: connection) -> Iterator[None]:
        """Within the block the connection has until the deadline. One call at a time for each connection."""
        self.begin(used)
        try:
            yield
        finally:
            self.end(used)

    def begin(self, used: connection) -> None:
        """A call starts."""
        if self._limit_s is None:
            return
        with self._lock:
            self._calls[used] = time.monotonic() + self._limit_s
            if self._watching is None:
                look_every_s = min(LOOK_EVERY_S, self._limit_s / 4)
                self._watching = threading.Thread(target=self._watch, args=(look_every_s,), daemon=True, name="deadlines")
                self._watching.start()

    def end(self, used: connection) -> None:
        """It is over; the connection may be closed now."""
        if self._limit_s is None:
            return
        with self._lock:
            self._calls.pop(used, None)

    def _watch(self, look_every_s: float) -> None:
        while True:
            time.sleep(look_every_s)
            self._cut_late_calls()

    def _cut_late_calls(self) -> None:
        # Under the lock, so that no call ends meanwhile and its socket's number means another one.
        with self._lock:
            now = time.monotonic()
            for used in [used for used, until in self._calls.items() if until < now]:
                del self._calls[used]
                # The connection may be lost already; this thread must outlive that, since nothing starts it again.
                with suppress(OSError, InterfaceError), socket.socket(fileno=os.dup(used.fileno())) as late:
                    late.shutdown(socket.SHUT_RDWR)


def limited_cursor(deadlines: Deadlines) -> type[cursor]:
    """A cursor class whose statements keep the deadline."""

    class LimitedCursor(cursor):
        def execute(self, query: Any, variables: Any = None) -> None:
            deadlines.begin(self.connection)
            try:
                super().execute(query, variables)
            finally:
                deadlines.end(self.connection)

        def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
            deadlines.begin(self.connection)
            try:
                super().copy_expert(sql, file, size)
            finally:
                deadlines.end(self.connection)

    return LimitedCursor
