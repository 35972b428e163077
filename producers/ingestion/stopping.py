"""The first SIGINT or SIGTERM ends an import after its page; a second one ends it at once, which loses nothing either."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from producers.simulator.clock import SystemClock

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StoppableClock(SystemClock):
    """Real time, and whether a signal has come within `signals`."""

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Take signals as a wish to stop within the block. Call from the main thread."""
        before = {number: signal.getsignal(number) for number in SIGNALS}
        self.stop_on_signals()
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        super()._on_signal(number, frame)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
