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
    """Tries again until it works or the worker stops. While it waits, nothing is fetched and the assignment is kept."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self.waiting = False
        """Whether a store is being waited for right now: no progress is no fault of the worker then."""

    def stop(self) -> None:
        """End every wait with Stopped."""
        self._stopping.set()

    def until_available(self, attempt: Callable[[], Result]) -> Result:
        """The result of `attempt`, tried again with growing waits while it raises Unavailable. Raises Stopped."""
        wait_s = FIRST_WAIT_S
        while True:
            try:
                result = attempt()
            except Unavailable as error:
                self.waiting = True
                STORE_WAITS.labels(error.service).inc()
                log.warning("store unavailable, waiting", extra=fields(service=error.service, wait_s=wait_s, reason=error))
                if self._stopping.wait(wait_s):
                    raise Stopped from error
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            else:
                self.waiting = False
                return result
