"""Exploration: chance that is reproducible, stays within the rules, and knows its own probabilities."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from segue.errors import InvalidInput
from segue.models.contract import History
from segue.recommending.answer import Answer
from segue.recommending.exploration import drawn
from segue.recommending.steering import Exploration, Steering
from tests.unit.recommending.worlds import recommender

DRAWS = 4_000


def ask(epsilon: float, seed: int, n: int = 4) -> Answer:
    return recommender().for_listener(History.of([0, 1, 2]), n, Steering(exploration=Exploration(epsilon, seed)))


@pytest.mark.parametrize(("n", "m"), [(4, 9), (4, 4), (4, 2), (5, 0), (1, 1), (0, 3)])
def test_the_propensity_of_a_slot_is_the_share_of_draws_that_gave_it_to_that_track(n: int, m: int) -> None:
    shown: Counter[tuple[int, bool, int]] = Counter()
    stated: dict[tuple[int, bool, int], float] = {}
    for seed in range(DRAWS):
        slots = drawn(n, m, Exploration(0.4, seed))
        for slot, (position, explored, propensity) in enumerate(
            zip(slots.positions.tolist(), slots.explored.tolist(), slots.propensity.tolist(), strict=True)
        ):
            shown[slot, explored, position] += 1
            stated[slot, explored, position] = propensity
    for key, propensity in stated.items():
        assert shown[key] / DRAWS == pytest.approx(propensity, abs=5 * np.sqrt(propensity * (1 - propensity) / DRAWS) + 1e-9)


@pytest.mark.parametrize(("n", "m"), [(4, 9), (4, 2), (5, 0)])
def test_the_propensities_of_all_that_a_slot_can_show_sum_to_one(n: int, m: int) -> None:
    length = max(n, m)
    assert m * 0.4 / length + (1 - 0.4 * m / length) == pytest.approx(1)
    assert len({int(p) for p in drawn(n, m, Exploration(1.0, 3)).positions[: min(n, m)]}) == min(n, m)


def test_propensities_of_whole_answers_are_those_of_a_simulation() -> None:
    shown: Counter[tuple[int, int]] = Counter()
    stated: dict[tuple[int, int], float] = {}
    for seed in range(600):
        for slot, item in enumerate(ask(0.5, seed, n=2).items):
            shown[slot, item.track_no] += 1
            stated[slot, item.track_no] = item.propensity
    for key, propensity in stated.items():
        assert shown[key] / 600 == pytest.approx(propensity, abs=5 * np.sqrt(propensity * (1 - propensity) / 600))


def test_the_same_seed_draws_the_same_and_another_one_differently() -> None:
    assert ask(0.5, 7) == ask(0.5, 7)
    assert len({tuple(item.track_no for item in ask(0.5, seed).items) for seed in range(20)}) > 1


def test_without_exploration_every_propensity_is_one() -> None:
    assert {item.propensity for item in ask(0.0, 1).items} == {1.0}


def test_an_explored_track_says_so_and_the_others_stay_where_they_were() -> None:
    plain, mixed = ask(0.0, 3, n=10), ask(0.5, 3, n=10)
    explored = [item.reason.code == "exploring" for item in mixed.items]
    assert 0 < sum(explored) < 10
    for usual, item, tried in zip(plain.items, mixed.items, explored, strict=True):
        assert (item.track_no == usual.track_no) != tried


@pytest.mark.parametrize("epsilon", [-0.1, 1.1, float("nan")])
def test_an_impossible_epsilon_is_refused(epsilon: float) -> None:
    with pytest.raises(InvalidInput, match="epsilon"):
        Exploration(epsilon)
