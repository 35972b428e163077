"""When charts are counted: what changed soon, what costs much seldom."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from api.live_trending import IDLE_EVERY_S, PAST_EVERY_S, LiveTrending
from api.metrics import Metrics
from segue.errors import PostgresUnavailable
from segue.trending.counts import Heard
from segue.trending.windows import WINDOWS, Window, WindowName
from tests.unit.api.fakes import FakePostgres
from tests.unit.api.stream_fakes import FakeCounts

pytestmark = pytest.mark.anyio


class SlowCounts(FakeCounts):
    """Counting the newest window takes `cost_s` on the clock."""

    now_s = 0.0
    cost_s = 0.0
    failing: WindowName | None = None

    def heard(self, window: Window, now: datetime, most: int) -> Heard:
        self.now_s += self.cost_s
        found = super().heard(window, now, most)
        if window.name == self.failing:
            raise PostgresUnavailable("no space left on device")
        return found

    def clock(self) -> float:
        return self.now_s


@pytest.fixture
def counts() -> SlowCounts:
    return SlowCounts(FakePostgres(()))


@pytest.fixture
async def trending(counts: SlowCounts) -> AsyncIterator[LiveTrending]:
    with ThreadPoolExecutor(2) as executor:
        yield LiveTrending(counts, executor, Metrics(), 10, 0.05, counts.clock)


async def asked(counts: SlowCounts, trending: LiveTrending, after_s: float) -> Counter[tuple[str, str]]:
    """What a look so much later counts."""
    counts.asked.clear()
    counts.now_s += after_s
    await trending.refresh()
    return Counter(counts.asked)


async def test_the_first_look_counts_everything_once(counts: SlowCounts, trending: LiveTrending) -> None:
    everything = {(name, part) for name in WINDOWS for part in ("heard", "past")}
    assert await asked(counts, trending, 0) == dict.fromkeys(everything, 1)
    assert set(trending.charts) == set(WINDOWS)


async def test_what_was_stored_is_counted_soon_in_short_windows(counts: SlowCounts, trending: LiveTrending) -> None:
    await trending.refresh()
    counts.stored += 1
    assert await asked(counts, trending, 0.5) == {("1h", "heard"): 1}
    counts.stored += 1
    assert await asked(counts, trending, 9) == {("1h", "heard"): 1, ("24h", "heard"): 1}
    assert ("1h", "past") in await asked(counts, trending, PAST_EVERY_S)


async def test_while_nothing_is_stored_time_goes_on(counts: SlowCounts, trending: LiveTrending) -> None:
    await trending.refresh()
    assert await asked(counts, trending, IDLE_EVERY_S - 1) == {}
    short = {(name, part) for name in ("1h", "24h") for part in ("heard", "past")}
    assert await asked(counts, trending, 1) == dict.fromkeys(short, 1)


async def test_a_dear_count_takes_its_share_of_the_time_and_no_more(counts: SlowCounts, trending: LiveTrending) -> None:
    counts.cost_s = 2.0
    await trending.refresh()
    counts.stored += 1
    assert ("1h", "heard") not in await asked(counts, trending, 2.0 / 0.05 - 10)
    assert ("1h", "heard") in await asked(counts, trending, 10)


async def test_a_count_that_fails_keeps_nothing_else_from_being_counted(counts: SlowCounts, trending: LiveTrending) -> None:
    counts.failing, counts.cost_s = "1h", 2.0
    await trending.refresh()
    assert trending.failure == "no space left on device"
    again = await asked(counts, trending, 1)
    assert ("1h", "heard") not in again
    assert ("24h", "heard") in again
    assert ("1h", "heard") in await asked(counts, trending, 40)


async def test_an_outage_keeps_the_charts_and_is_told(counts: SlowCounts, trending: LiveTrending) -> None:
    counts.now = {"1h": {1: 5}}
    await trending.refresh()
    counts.postgres.away = True
    await trending.refresh()
    assert (trending.failure, trending.charts["1h"].top.track_no.tolist()) == ("connection refused", [1])
    counts.postgres.away = False
    await trending.refresh()
    assert trending.failure is None


async def test_a_chart_is_bounded(counts: SlowCounts, trending: LiveTrending) -> None:
    counts.now = {"24h": {number: number for number in range(1, 30)}}
    await trending.refresh()
    assert trending.charts["24h"].top.track_no.tolist() == list(range(29, 19, -1))
