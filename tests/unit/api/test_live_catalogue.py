"""Which tracks the live catalogue reads, look by look."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from api.live_catalogue import LiveCatalogue
from api.metrics import Metrics
from segue.ids import TrackNo
from segue.stores.postgres.catalogue import TrackChange
from tests.unit.api.fakes import FakePostgres
from tests.unit.api.made import CATALOGUE

pytestmark = pytest.mark.anyio

AT = datetime(2026, 1, 1, tzinfo=UTC)


class Watched(FakePostgres):
    """Keeps how many changes each look brought."""

    def __init__(self) -> None:
        super().__init__(CATALOGUE)
        self.looks: list[int] = []

    def changes_since(self, changed_at: datetime | None) -> list[TrackChange]:
        found = super().changes_since(changed_at)
        self.looks.append(len(found))
        return found


class Clock:
    """Stands still until it is moved."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def postgres() -> Watched:
    return Watched()


@pytest.fixture
def catalogue(postgres: Watched, clock: Clock) -> LiveCatalogue:
    return LiveCatalogue(postgres, ThreadPoolExecutor(1), Metrics(), clock)


async def test_what_was_written_at_one_time_is_not_read_again_once_it_is_settled(
    catalogue: LiveCatalogue, postgres: Watched, clock: Clock
) -> None:
    await catalogue.refresh()
    await catalogue.refresh()
    clock.now_s = 5.0
    await catalogue.refresh()
    assert postgres.looks == [len(CATALOGUE), len(CATALOGUE), 0]
    assert len(catalogue) == len(CATALOGUE)


async def test_a_change_that_becomes_visible_late_is_found(catalogue: LiveCatalogue, postgres: Watched, clock: Clock) -> None:
    await catalogue.refresh()
    late = replace(CATALOGUE[0], track_no=TrackNo(900), track_id="late")
    postgres.changes.insert(0, TrackChange(late.track_no, late, AT - timedelta(seconds=4)))
    clock.now_s = 4.0
    await catalogue.refresh()
    assert catalogue.by_id("late") == late


async def test_a_change_right_after_the_newest_is_found_when_that_is_settled(
    catalogue: LiveCatalogue, postgres: Watched, clock: Clock
) -> None:
    await catalogue.refresh()
    clock.now_s = 60.0
    renamed = replace(CATALOGUE[0], name="Renamed")
    postgres.changes.append(TrackChange(renamed.track_no, renamed, AT + timedelta(microseconds=1)))
    await catalogue.refresh()
    found = catalogue.by_id(renamed.track_id)
    assert found is not None
    assert found.name == "Renamed"
