from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from segue.models.parallel import in_threads, processors


def test_results_come_in_the_order_of_their_blocks() -> None:
    assert list(in_threads(lambda block: block * block, range(20))) == [block * block for block in range(20)]
    assert list(in_threads(lambda block: block, [])) == []


def test_a_block_is_not_looked_at_before_there_is_room_for_its_result() -> None:
    taken: list[int] = []

    def blocks() -> Iterator[int]:
        for block in range(100):
            taken.append(block)
            yield block

    results = in_threads(lambda block: block, blocks())
    assert next(results) == 0
    assert len(taken) == processors()


def test_work_runs_outside_of_the_thread_that_asks_and_its_errors_reach_it() -> None:
    def broken(block: int) -> int:
        if block == 3:
            raise ValueError(threading.current_thread().name)
        return block

    with pytest.raises(ValueError, match="ThreadPool"):
        list(in_threads(broken, range(10)))
