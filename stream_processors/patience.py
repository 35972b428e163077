"""Waiting out a store that restarts, fails over or is slow, without giving the partition away."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from segue.errors import Unavailable
from segue.logs import fields
from stream_processors.metrics import STORE_WAITS

log = logging.getLogger(__name__)

FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 5.0

Result = TypeVar("Result")


class Stopped(Exception):
    """The worker is shutting down in the middle of a wait; what was not stored will be delivered again."""


class Patience:
    """Tries again until it works or the worker stops. While it waits, nothing is fetched and the assignment is kept.

    One for each thread, so that `waiting` tells of that thread alone; all that share `stopping` end together.
    """

    def __init__(self, stopping: threading.Event | None = None, answered: Callable[[], None] = lambda: None) -> None:
        """`answered` hears of every attempt that came back, whatever it brought: a sign of life."""
        self._stopping, self._answered = stopping or threading.Event(), answered
        self.waiting = False
        """Whether a store is being waited for right now: no progress is no fault of the worker then."""

    def stop(self) -> None:
        """End every wait with Stopped."""
        self._stopping.set()

    def until_available(self, attempt: Callable[[], Result]) -> Result:
        """The result of `attempt`, tried again with growing waits while it raises Unavailable. Raises Stopped."""
        wait_s = FIRST_WAIT_S
        try:
            while True:
                try:
                    return attempt()
                except Unavailable as error:
                    self._wait(error, wait_s)
                    wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        finally:
            self.waiting = False
            self._answered()

    def _wait(self, error: Unavailable, wait_s: float) -> None:
        self.waiting = True
        STORE_WAITS.labels(error.service).inc()
        log.warning("store unavailable, waiting", extra=fields(service=error.service, wait_s=wait_s, reason=error))
        if self._stopping.wait(wait_s):
            raise Stopped from error
