"""The bounded id cache, and waiting for stores."""

from __future__ import annotations

import threading

import pytest

from segue.errors import PostgresUnavailable
from segue.ids import TrackNo
from stream_processors.ids import IdCache
from stream_processors.patience import Patience, Stopped


def test_the_cache_asks_for_unknown_ids_only_and_keeps_its_bound() -> None:
    cache: IdCache[TrackNo] = IdCache(2)
    asked: list[list[str]] = []

    def resolve(ids: list[str]) -> dict[str, TrackNo]:
        asked.append(sorted(ids))
        return {external: TrackNo(len(external)) for external in ids}

    cache.remember(cache.lookup(["a", "bb"], resolve)[1])
    found, fresh = cache.lookup(["bb", "ccc"], resolve)
    cache.remember(fresh)
    assert found == {"bb": 2, "ccc": 3}
    assert asked == [["a", "bb"], ["ccc"]]
    assert len(cache) == 2


def test_a_number_is_not_kept_until_it_is_remembered() -> None:
    cache: IdCache[TrackNo] = IdCache(10)
    cache.lookup(["a"], lambda _: {"a": TrackNo(1)})
    assert len(cache) == 0


def test_an_unavailable_store_is_tried_again() -> None:
    failures = [PostgresUnavailable("restarting"), PostgresUnavailable("restarting")]

    def attempt() -> str:
        if failures:
            raise failures.pop()
        return "stored"

    assert Patience().until_available(attempt) == "stored"


def test_stopping_ends_the_wait() -> None:
    patience = Patience()

    def attempt() -> None:
        raise PostgresUnavailable("gone")

    threading.Timer(0.1, patience.stop).start()
    with pytest.raises(Stopped):
        patience.until_available(attempt)


def test_other_errors_are_not_waited_out() -> None:
    def attempt() -> None:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        Patience().until_available(attempt)


def test_one_threads_success_says_nothing_about_another_that_waits() -> None:
    stopping, waited = threading.Event(), threading.Event()
    one, other = Patience(stopping), Patience(stopping)

    def away() -> None:
        waited.set()
        raise PostgresUnavailable("gone")

    def wait_in_vain() -> None:
        with pytest.raises(Stopped):
            one.until_available(away)

    thread = threading.Thread(target=wait_in_vain)
    thread.start()
    assert waited.wait(10)
    other.until_available(lambda: None)
    while not one.waiting:
        assert thread.is_alive()
    assert not other.waiting
    one.stop()
    thread.join(10)
    assert not one.waiting


def a_bug() -> None:
    raise ValueError("a bug")


def test_every_answer_is_a_sign_of_life() -> None:
    answers: list[str] = []
    patience = Patience(answered=lambda: answers.append("answered"))
    patience.until_available(lambda: None)
    with pytest.raises(ValueError, match="a bug"):
        patience.until_available(a_bug)
    assert answers == ["answered", "answered"]
