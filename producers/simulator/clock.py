"""The live simulator's clock, passed in so that a test can turn its hands."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits; `wait` returns early once somebody has asked to stop."""

    def now_s(self) -> float:
        """Unix time in seconds."""

    def wait(self, seconds: float) -> None:
        """Let this much time pass."""

    def stopped(self) -> bool:
        """Whether somebody has asked to stop."""


class SystemClock:
    """Real time, which SIGINT and SIGTERM end in an orderly way from `stop_on_signals` on."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def now_s(self) -> float:
        """Unix time in seconds."""
        return time.time()

    def wait(self, seconds: float) -> None:
        """Sleep, or return at once when asked to stop."""
        self._stop.wait(seconds)

    def stopped(self) -> bool:
        """Whether a signal has arrived."""
        return self._stop.is_set()

    def stop_on_signals(self) -> None:
        """Call from the main thread."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stop.set()
