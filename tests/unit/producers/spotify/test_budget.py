"""The book of requests: what a day allows, and what several processes share."""

from __future__ import annotations

import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from producers.spotify.budget import Budget
from segue.errors import ConfigurationError, Postponed
from tests.unit.producers.spotify.conftest import START_S, FakeClock


def budget(folder: Path, clock: FakeClock, per_day: int = 3, per_s: float = 1.0) -> Budget:
    return Budget(folder, per_day, per_s, wait_max_s=60.0, clock=clock)


def take(found: Budget, count: int = 1) -> None:
    for _ in range(count):
        with found.turn():
            pass


def test_a_spent_day_refuses_and_says_when_all_are_free_again(tmp_path: Path, clock: FakeClock) -> None:
    take(budget(tmp_path, clock), 3)
    with pytest.raises(Postponed, match="the 3 requests of 24 hours are spent") as stopped:
        take(budget(tmp_path, clock))
    assert stopped.value.not_before == datetime.fromtimestamp(START_S + 2 + 86_400, UTC)


def test_the_day_rolls(tmp_path: Path, clock: FakeClock) -> None:
    take(budget(tmp_path, clock), 3)
    clock.at_s = START_S + 86_400.5
    take(budget(tmp_path, clock))
    with pytest.raises(Postponed):
        take(budget(tmp_path, clock))


def test_a_large_budget_goes_on_when_some_are_free(tmp_path: Path, clock: FakeClock) -> None:
    take(budget(tmp_path, clock, per_day=100), 100)
    with pytest.raises(Postponed) as stopped:
        take(budget(tmp_path, clock, per_day=100))
    assert stopped.value.not_before == datetime.fromtimestamp(START_S + 49 + 86_400, UTC)


def test_a_turn_that_fails_counts(tmp_path: Path, clock: FakeClock) -> None:
    found = budget(tmp_path, clock)
    with pytest.raises(ZeroDivisionError), found.turn():
        raise ZeroDivisionError
    assert found.used() == 1


def test_a_pause_holds_for_other_processes(tmp_path: Path, clock: FakeClock) -> None:
    with budget(tmp_path, clock).turn() as turn:
        turn.pause(3_600)
    with pytest.raises(Postponed, match="wants a pause"):
        take(budget(tmp_path, clock))


def test_a_shorter_pause_does_not_cut_a_longer_one(tmp_path: Path, clock: FakeClock) -> None:
    with budget(tmp_path, clock).turn() as turn:
        turn.pause(3_600)
        assert turn.pause(10) == datetime.fromtimestamp(START_S + 3_600, UTC)


def test_a_clock_that_was_set_back_does_not_lengthen_the_day(tmp_path: Path, clock: FakeClock) -> None:
    clock.at_s = START_S + 1e6
    take(budget(tmp_path, clock), 3)
    clock.at_s = START_S
    with pytest.raises(Postponed) as stopped:
        take(budget(tmp_path, clock))
    assert stopped.value.not_before == datetime.fromtimestamp(START_S + 86_400, UTC)


def test_only_one_request_is_made_at_a_time(tmp_path: Path, clock: FakeClock) -> None:
    inside, most = 0, 0
    guard = threading.Lock()

    def ask() -> None:
        nonlocal inside, most
        for _ in range(20):
            with budget(tmp_path, clock, per_day=1_000).turn():
                with guard:
                    inside += 1
                    most = max(most, inside)
                with guard:
                    inside -= 1

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert budget(tmp_path, clock).used() == 80


def test_a_broken_book_is_not_taken_for_an_empty_one(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "requests.json").write_text("{")
    with pytest.raises(ConfigurationError, match="remove it, and wait a day"):
        take(budget(tmp_path, clock))


def test_the_book_is_its_owners(tmp_path: Path, clock: FakeClock) -> None:
    take(budget(tmp_path, clock))
    assert stat.S_IMODE((tmp_path / "requests.json").stat().st_mode) == 0o600
