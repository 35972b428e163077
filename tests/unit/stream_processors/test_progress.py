"""When a worker has work and does none."""

from __future__ import annotations

import pytest

from stream_processors import watchdog
from stream_processors.patience import Patience
from stream_processors.progress import GROUP, Progress
from stream_processors.watchdog import Watchdog

LISTENS, TRACKS = ("listening-events", 0), ("catalogue", 3)


def progress() -> Progress:
    """Two topics assigned, each read up to offset 10 of 10."""
    made = Progress(limit_s=60)
    made.assigned([LISTENS, TRACKS])
    made.starts({LISTENS: 10, TRACKS: 10})
    made.ends({LISTENS: 10, TRACKS: 10})
    return made


def test_nothing_to_do_is_no_stall() -> None:
    assert progress().stalled(1_000) is None


def test_lag_without_progress_is_a_stall_after_the_limit_only() -> None:
    watched = progress()
    watched.ends({LISTENS: 11})
    assert watched.lag() == {LISTENS: 1, TRACKS: 0}
    assert watched.stalled(60) is None
    assert watched.stalled(1) == "listening-events"


def test_lag_is_known_before_the_first_stored_record() -> None:
    watched = Progress(limit_s=60)
    watched.assigned([LISTENS])
    watched.starts({LISTENS: 4})
    watched.ends({LISTENS: 10})
    assert watched.lag() == {LISTENS: 6}
    assert watched.stalled(61) == "listening-events"


def test_progress_of_one_topic_does_not_hide_the_stall_of_another() -> None:
    watched = progress()
    watched.ends({LISTENS: 1_000, TRACKS: 11})
    for offset in range(11, 72):
        watched.stored(*LISTENS, offset)
        stalled = watched.stalled(1)
    assert stalled == "catalogue"


def test_a_first_batch_that_never_ends_is_a_stall() -> None:
    watched = progress()
    watched.takes("listening-events")
    assert watched.stalled(61) == "listening-events"


def test_a_long_batch_that_moves_on_is_none() -> None:
    watched = progress()
    watched.takes("listening-events")
    for offset in range(10, 1_000):
        watched.stored(*LISTENS, offset)
        assert watched.stalled(50) is None
    watched.lives("listening-events")
    assert watched.stalled(50) is None
    watched.returns("listening-events")
    assert watched.stalled(1_000) is None


def test_waiting_for_a_store_is_no_stall_of_the_topic_that_waits() -> None:
    watched = progress()
    watched.ends({LISTENS: 11, TRACKS: 11})
    assert watched.stalled(1_000, waiting={"listening-events", "catalogue"}) is None
    assert watched.stalled(59) is None
    assert watched.stalled(2, waiting={"listening-events"}) == "catalogue"


def test_an_assignment_that_never_begins_is_a_stall() -> None:
    watched = Progress(limit_s=60)
    watched.assigned([LISTENS])
    assert watched.stalled(61) == "listening-events"


def test_a_group_that_never_answers_is_a_stall_after_twice_the_limit() -> None:
    watched = progress()
    assert watched.revoked([LISTENS, TRACKS, ("users", 1)]) == [LISTENS, TRACKS]
    assert watched.stalled(119) is None
    assert watched.stalled(2) == GROUP
    watched.assigned([])
    assert watched.stalled(1_000) is None


def test_lag_of_what_another_worker_owns_now_is_forgotten() -> None:
    watched = progress()
    watched.ends({LISTENS: 99})
    watched.revoked([LISTENS])
    watched.stored(*LISTENS, 12)
    watched.ends({LISTENS: 99})
    assert watched.lag() == {TRACKS: 0}


def test_what_expired_is_no_lag() -> None:
    watched = progress()
    watched.ends({LISTENS: 500})
    watched.begins({LISTENS: 500})
    assert watched.lag()[LISTENS] == 0
    assert watched.stalled(1_000) is None


class Ended(BaseException):
    """Instead of the process's end."""


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    codes: list[int] = []

    def leave(code: int) -> None:
        codes.append(code)
        raise Ended

    monkeypatch.setattr(watchdog.os, "_exit", leave)  # type: ignore[attr-defined]
    return codes


def test_the_watchdog_ends_a_worker_whose_event_loop_hangs(exits: list[int]) -> None:
    watching = Watchdog(progress(), set, limit_s=60)
    for _ in range(100):
        watching.beat()
        watching.pass_time(59)
    with pytest.raises(Ended):
        watching.pass_time(2)
    assert exits == [70]


def test_the_watchdog_ends_a_stalled_worker_and_waits_for_stores(exits: list[int]) -> None:
    watched, patience = progress(), Patience()
    watched.ends({LISTENS: 11})
    watching = Watchdog(watched, lambda: {"listening-events"} if patience.waiting else set(), limit_s=60)
    patience.waiting = True
    for _ in range(100):
        watching.beat()
        watching.pass_time(2)
    assert exits == []
    patience.waiting = False
    watching.beat()
    watching.pass_time(59)
    watching.beat()
    with pytest.raises(Ended):
        watching.pass_time(2)
    assert exits == [70]
