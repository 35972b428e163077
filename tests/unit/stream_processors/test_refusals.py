"""Who is blamed when a batch is refused."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from stream_processors.refusals import find_refused


def refused_if_bad(items: Sequence[int]) -> str | None:
    return "negative" if any(item < 0 for item in items) else None


@pytest.mark.parametrize(
    ("items", "at_fault"),
    [([], []), ([1], []), ([-1], [0]), ([1, -2, 3], [1]), ([-1, 2, 3, -4, 5], [0, 3]), ([-1, -2, -3], [0, 1, 2])],
)
def test_each_item_that_is_refused_alone_is_at_fault(items: list[int], at_fault: list[int]) -> None:
    assert find_refused(items, refused_if_bad) == dict.fromkeys(at_fault, "negative")


def test_where_each_is_good_alone_the_one_that_breaks_the_sum_is_at_fault() -> None:
    assert find_refused([4, 3, 2, 5, 1], lambda items: "over 10" if sum(items) > 10 else None) == {3: "over 10"}


def test_one_bad_item_among_many_costs_a_few_tries() -> None:
    tries: list[int] = []

    def refusal(items: Sequence[int]) -> str | None:
        tries.append(len(items))
        return refused_if_bad(items)

    assert find_refused([*range(1000), -1, *range(1000)], refusal) == {1000: "negative"}
    assert len(tries) < 25
