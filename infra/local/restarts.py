"""Runs inside supervisor, which does not count restarts itself: an extra RPC namespace `segue` that does."""

from __future__ import annotations

from collections import Counter
from typing import Any

from supervisor import events
from supervisor.states import ProcessStates

UNASKED = (ProcessStates.EXITED, ProcessStates.BACKOFF)
"""States from which supervisor starts a process again by itself."""


class RestartCounter:
    """Counts, for each process, the starts that nobody asked for."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        events.subscribe(events.ProcessStateStartingEvent, self._count)

    def restarts(self) -> dict[str, int]:
        """Restarts by process name since supervisor started; a name without any is missing."""
        return dict(self._counts)

    def _count(self, event: Any) -> None:
        if event.from_state in UNASKED:
            self._counts[event.process.config.name] += 1


def make_rpcinterface(_supervisord: object, **_config: str) -> RestartCounter:
    """What supervisor's `[rpcinterface:segue]` section names."""
    return RestartCounter()
