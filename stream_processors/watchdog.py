"""The end of a worker that has work and does none: a thread of its own, since an event loop that hangs watches nothing."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Collection

from segue.logs import fields
from stream_processors.progress import Progress

log = logging.getLogger(__name__)

EXIT_CRASHED = 70
WATCH_EVERY_S = 1.0
BEAT_EVERY_S = 1.0
LOOP = "event loop"


class Watchdog(threading.Thread):
    """Looks at the progress every second, and at whether the event loop still turns."""

    def __init__(self, progress: Progress, waiting: Callable[[], Collection[str]], limit_s: float) -> None:
        super().__init__(daemon=True, name="watchdog")
        self._progress, self._waiting, self._limit_s = progress, waiting, limit_s
        self._loop_idle_s = 0.0

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start, and hear from the loop itself: Faust's timers begin only when the consumer group was joined."""
        loop.call_soon(self._beat_again, loop)
        self.start()

    def beat(self) -> None:
        """The event loop turns."""
        self._loop_idle_s = 0.0

    def _beat_again(self, loop: asyncio.AbstractEventLoop) -> None:
        self.beat()
        loop.call_later(min(BEAT_EVERY_S, self._limit_s / 4), self._beat_again, loop)

    def run(self) -> None:
        """Until the process ends."""
        before = time.monotonic()
        while True:
            time.sleep(min(WATCH_EVERY_S, self._limit_s / 4))
            now = time.monotonic()
            # A process that was stopped (SIGSTOP, a sleeping laptop) did not have that time.
            self.pass_time(min(now - before, 2 * WATCH_EVERY_S))
            before = now

    def pass_time(self, elapsed_s: float) -> None:
        """End the process if something was idle for too long."""
        self._loop_idle_s += elapsed_s
        idle = LOOP if self._loop_idle_s > self._limit_s else self._progress.stalled(elapsed_s, self._waiting())
        if idle is not None:
            lag = sum(self._progress.lag().values())
            log.critical("no progress, ending the process", extra=fields(idle=idle, after_s=self._limit_s, lag=lag))
            logging.shutdown()
            os._exit(EXIT_CRASHED)
