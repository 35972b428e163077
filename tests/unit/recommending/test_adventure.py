"""The dial: each step towards discovery shows tracks at least as novel."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import InvalidInput
from segue.ids import TrackNo
from segue.models.contract import History
from segue.recommending.adventure import REACH, novelty
from segue.recommending.answer import Answer, Recommender
from segue.recommending.diversity import Diversity
from segue.recommending.steering import Steering
from tests.unit.recommending.worlds import recommender

STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)
RANKED = Diversity(0.0, 40, 40)
histories = st.lists(st.integers(0, 159), min_size=1, max_size=12, unique=True).map(History.of)


def novelties(answers: Recommender, history: History) -> dict[int, float]:
    """Novelty, by track_no, of all that can be shown: fewer tracks than the dial's reach."""
    shown = [item.track_no for item in answers.for_listener(history, 1_000).items]
    columns = np.array(shown, np.int32) - 1_000
    assert len(columns) < REACH
    blend = answers._blend
    found = novelty(blend.popularity.scores[columns], blend.content.score(history, columns))
    return dict(zip(shown, found.tolist(), strict=True))


def mean_novelty(answer: Answer, novelty_of: dict[int, float]) -> float:
    return float(np.mean([novelty_of[item.track_no] for item in answer.items]))


@settings(max_examples=40)
@given(history=histories, n=st.integers(1, 20))
def test_novelty_never_falls_as_the_dial_turns_to_discovery(history: History, n: int) -> None:
    novelty_of = novelties(recommender(), history)
    answers = [recommender().for_listener(history, n, Steering(diversity=RANKED, adventurousness=dial)) for dial in STEPS]
    means = [mean_novelty(answer, novelty_of) for answer in answers]
    assert all(after >= before - 1e-6 for before, after in pairwise(means)), means


@settings(max_examples=40)
@given(history=histories)
def test_with_variety_and_caps_discovery_is_still_more_novel_than_familiar_and_the_middle_between(history: History) -> None:
    novelty_of = novelties(recommender(), history)
    familiar, middle, discovery = (
        mean_novelty(recommender().for_listener(history, 10, Steering(adventurousness=dial)), novelty_of) for dial in (0, 0.5, 1)
    )
    # The middle may be the familiar list itself, where nothing more familiar passes the caps.
    assert familiar <= middle <= discovery
    assert familiar < discovery


def test_discovery_is_less_popular_and_farther_from_taste() -> None:
    history = History.of([0, 1, 8])
    blend = recommender()._blend
    popularity, closeness = blend.popularity.scores, blend.content.score_all(history)
    known, far = (
        [item.track_no - 1_000 for item in recommender().for_listener(history, 10, Steering(adventurousness=dial)).items]
        for dial in (0.0, 1.0)
    )
    assert popularity[known].mean() > popularity[far].mean()
    assert closeness[known].mean() > closeness[far].mean()


def test_the_middle_leaves_the_answer_alone() -> None:
    history = History.of([3, 5])
    assert recommender().for_listener(history, 10, Steering(adventurousness=0.5)) == recommender().for_listener(history, 10)


Ask = Callable[[Recommender, Steering], Answer]
ASKS: dict[str, Ask] = {
    "song": lambda answers, steering: answers.for_song(TrackNo(1_000), 10, steering),
    "newcomer": lambda answers, steering: answers.for_listener(History.empty(), 10, steering),
}


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS.keys())
def test_the_dial_works_for_songs_and_newcomers_too(ask: Ask) -> None:
    popularity = recommender()._blend.popularity.scores
    familiar, far = (ask(recommender(), Steering(adventurousness=dial)).items for dial in (0.0, 1.0))
    known, unknown = ([item.track_no - 1_000 for item in items] for items in (familiar, far))
    assert popularity[known].mean() > popularity[unknown].mean()


@pytest.mark.parametrize("dial", [-0.01, 1.01, float("nan")])
def test_an_impossible_dial_is_refused(dial: float) -> None:
    with pytest.raises(InvalidInput, match="adventurousness"):
        Steering(adventurousness=dial)
