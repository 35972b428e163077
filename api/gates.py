"""Calls to servers that may be away: bounded in time, and after a failure not tried again for a moment.

Without the pause every request of an outage would wait for the timeout; with it one request a second finds out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from functools import partial
from typing import ParamSpec, TypeVar

from segue.errors import PostgresUnavailable, Unavailable

P = ParamSpec("P")
T = TypeVar("T")

PAUSE_S = 1.0
POSTGRES_TIMEOUT_S = 1.0


class CircuitBreaker:
    """Open for `pause_s` after an `Unavailable`; then one call is let through to see whether the server is back."""

    def __init__(self, pause_s: float = PAUSE_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause_s, self._clock = pause_s, clock
        self._failure: Unavailable | None = None
        self._retry_at = 0.0

    @property
    def failure(self) -> Unavailable | None:
        """Why the server counts as away; None while it answers."""
        return self._failure

    async def run(self, call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """The call's result. Raises Unavailable, at once while the breaker is open."""
        self.admit()
        try:
            result = await call(*args, **kwargs)
        except Unavailable as error:
            self.failed(error)
            raise
        self.succeeded()
        return result

    def admit(self) -> None:
        """Return if a call may be made. Raises the last failure again while the breaker is open."""
        if self._failure is None:
            return
        if self._clock() < self._retry_at:
            raise type(self._failure)(str(self._failure))
        self._retry_at = self._clock() + self._pause_s

    def succeeded(self) -> None:
        """Close the breaker."""
        self._failure = None

    def failed(self, error: Unavailable) -> None:
        """Open the breaker."""
        self._failure, self._retry_at = error, self._clock() + self._pause_s


class PostgresGate:
    """Blocking store calls from the event loop: in the threads of `executor`, at most `timeout_s` each, behind a breaker."""

    def __init__(self, executor: Executor, timeout_s: float = POSTGRES_TIMEOUT_S, breaker: CircuitBreaker | None = None) -> None:
        self._executor, self._timeout_s = executor, timeout_s
        self.breaker = breaker or CircuitBreaker()

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The call's result. Raises PostgresUnavailable."""
        return await self.breaker.run(self._bounded, partial(call, *args, **kwargs))

    async def _bounded(self, call: Callable[[], T]) -> T:
        running = asyncio.get_running_loop().run_in_executor(self._executor, call)
        try:
            return await asyncio.wait_for(running, self._timeout_s)
        except TimeoutError:
            raise PostgresUnavailable(f"Postgres did not answer within {self._timeout_s:g} s") from None
