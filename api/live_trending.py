"""Charts of what is heard now, counted behind the answers, so that no answer waits for a count and an outage leaves the last one.

Each span is counted as often as it changes, at most for a share of the time; short spans do not wait for long ones. What a count
costs: docs/decisions/0016-trending.md.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Literal, Protocol, TypeVar

import numpy as np

from api.metrics import Metrics
from segue.errors import Unavailable
from segue.logs import fields
from segue.models.popularity import NOTHING_HEARD, PopularNow
from segue.trending.charts import Chart, rising, top
from segue.trending.counts import Heard, Past
from segue.trending.windows import WINDOWS, Window, WindowName

log = logging.getLogger(__name__)

PACE = 10_000
"""A window is counted again after this fraction of its length at the earliest: an hour at every look, a week every minute."""
PAST_EVERY_S = 60.0
"""What is usual changes slowly."""
IDLE_EVERY_S = 60.0
"""While nothing is stored, only the passing of time changes a count."""

T = TypeVar("T")
Part = Literal["heard", "past"]
_NO_PAST = Past(np.empty(0, np.int32), np.empty(0, np.int32), 0)


class Counts(Protocol):
    """Where counts come from; `segue.stores.postgres.trending.TrendingStore` is one. Every call may raise PostgresUnavailable."""

    def progress(self) -> int:
        """A number that grows whenever something is stored or deleted."""

    def heard(self, window: Window, now: datetime, most: int) -> Heard:
        """The `most` tracks with most listeners in the window that ends now."""

    def past(self, window: Window, now: datetime, most: int) -> Past:
        """The same of the windows before it."""


@dataclass(frozen=True)
class Charts:
    """Both charts of one window; `has_past`: there is something to compare with."""

    counted_at: datetime
    top: Chart
    rising: Chart
    has_past: bool

    @classmethod
    def of(cls, heard: Heard, past: Past) -> Charts:
        """From the newest counts."""
        return cls(heard.counted_at, top(heard, past), rising(heard, past), past.total > 0)


@dataclass
class _Count:
    """One span that is counted again and again: when it was, what that cost, and how far the state was."""

    window: Window
    part: Part
    at_s: float = float("-inf")
    cost_s: float = 0.0
    progress: int = -1

    def is_due(self, now_s: float, progress: int, share: float) -> bool:
        """Whether it is worth counting again."""
        least_s = max(self.window.seconds / PACE, PAST_EVERY_S if self.part == "past" else 0.0, self.cost_s / share)
        return now_s - self.at_s >= (least_s if progress != self.progress else max(least_s, IDLE_EVERY_S))

    @contextmanager
    def timed(self, clock: Callable[[], float]) -> Iterator[None]:
        """Note when the block ends and how long it takes."""
        started = clock()
        try:
            yield
        finally:
            self.at_s = clock()
            self.cost_s = self.at_s - started


@dataclass
class _Lane:
    """Spans that are counted one after the other, and why the last look at them failed; None if it did not."""

    spans: Sequence[_Count]
    failure: str | None = None


@dataclass(frozen=True)
class _Counted:
    heard: Heard | None = None
    past: Past = field(default=_NO_PAST)


class LiveTrending:
    """Holds the charts; `executor` needs two threads, one for what changes by the second and one for long spans."""

    def __init__(
        self,
        counts: Counts,
        executor: Executor,
        metrics: Metrics,
        most: int,
        share: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._counts, self._executor, self._metrics, self._clock = counts, executor, metrics, clock
        self._most, self._share = most, share
        heard = {name: _Count(window, "heard") for name, window in WINDOWS.items()}
        past = [_Count(window, "past") for window in WINDOWS.values()]
        self._lanes = (_Lane((heard["1h"], heard["24h"])), _Lane((*past, heard["7d"], heard["30d"])))
        self._charting = asyncio.Lock()
        self._counted: dict[WindowName, _Counted] = {name: _Counted() for name in WINDOWS}
        self.charts: dict[WindowName, Charts] = {}
        """By window, those that have been counted."""
        self._popular = (tuple[datetime, ...](), NOTHING_HEARD)

    @property
    def failure(self) -> str | None:
        """Why a last look failed; None if none did."""
        return next((lane.failure for lane in self._lanes if lane.failure is not None), None)

    def popular(self) -> PopularNow:
        """What is popular now, by all windows; the same object until one of them is counted again. Safe in any thread."""
        heard = [counted.heard for counted in reversed(self._counted.values()) if counted.heard is not None]
        counted_at, popular = tuple(one.counted_at for one in heard), self._popular
        if popular[0] != counted_at:
            self._popular = popular = (counted_at, PopularNow.of(heard))
        return popular[1]

    async def run(self, poll_s: float) -> None:
        """Count for ever."""
        async with asyncio.TaskGroup() as group:
            for lane in self._lanes:
                group.create_task(self._follow(lane, poll_s))

    async def refresh(self) -> None:
        """Count once what is due."""
        for lane in self._lanes:
            await self._look(lane)

    async def _follow(self, lane: _Lane, poll_s: float) -> None:
        while True:
            await self._look(lane)
            await asyncio.sleep(poll_s)

    async def _look(self, lane: _Lane) -> None:
        failure = None
        try:
            progress = await self._in_thread(self._counts.progress)
            for span in lane.spans:
                if span.is_due(self._clock(), progress, self._share):
                    await self._count(span, progress)
        except Unavailable as error:
            failure = str(error)
        if failure != lane.failure:
            lane.failure = failure
            log.log(logging.WARNING if failure else logging.INFO, "trending", extra=fields(failure=failure or "none"))

    async def _count(self, span: _Count, progress: int) -> None:
        now, name = datetime.now(UTC), span.window.name
        # Also a count that fails takes its share of the time and no more.
        with span.timed(self._clock):
            found = await self._in_thread(partial(getattr(self._counts, span.part), span.window, now, self._most))
        span.progress = progress
        self._metrics.trending(name, span.part, span.cost_s, now.timestamp())
        # Both parts of a window may end at once, and the chart that is made last must be of the newest of both.
        async with self._charting:
            counted = self._counted[name] = replace(self._counted[name], **{span.part: found})
            if counted.heard is not None:
                self.charts[name] = await self._in_thread(partial(Charts.of, counted.heard, counted.past))

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)
