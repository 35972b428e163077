"""How long each stage of an answer takes: a clock in the context of whoever wants to know.

Measured (500,000 stages, one thread of a busy machine): 0.26 µs a stage without a clock, 0.47 with one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType


class StageClock:
    """Seconds by stage, in the order in which the stages first ended; a stage that comes again adds up."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def add(self, stage: str, seconds: float) -> None:
        """Count so much time more for a stage."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds


_current: ContextVar[StageClock | None] = ContextVar("segue_stage_clock", default=None)


@contextmanager
def timed(clock: StageClock) -> Iterator[None]:
    """Count with this clock the stages of what runs inside, in tasks and copied contexts too."""
    token = _current.set(clock)
    try:
        yield
    finally:
        _current.reset(token)


def begun(stage: str) -> Callable[[], None]:
    """Begin a stage that ends when the result is called, in another thread perhaps."""
    clock, began_s = _current.get(), time.perf_counter()

    def ended() -> None:
        if clock is not None:
            clock.add(stage, time.perf_counter() - began_s)

    return ended


class Stage:
    """`with Stage("score"):`; stages do not contain each other."""

    __slots__ = ("_began_s", "_clock", "_name")

    def __init__(self, name: str) -> None:
        self._name, self._clock, self._began_s = name, _current.get(), 0.0

    def __enter__(self) -> None:
        """Begin."""
        if self._clock is not None:
            self._began_s = time.perf_counter()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End, also by an error."""
        if self._clock is not None:
            self._clock.add(self._name, time.perf_counter() - self._began_s)
