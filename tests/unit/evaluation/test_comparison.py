"""Three listeners, four tracks, two models: one is always right, the other shows track 3 first and is right second."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from segue.errors import InvalidInput
from segue.evaluation.baselines import RandomScorer
from segue.evaluation.bootstrap import Interval
from segue.evaluation.comparison import Comparison, compared
from segue.evaluation.judging import MIN_LISTENERS, Case, Rules, crossed, from_train_only, judged
from segue.evaluation.lists import TrackFacts
from segue.evaluation.report import ranked_lists
from segue.evaluation.splits import Split
from segue.models.contract import Interactions
from tests.unit.models.tables import N_TRACKS, catalogue, checkerboard, left_out

KNOWN = csr_matrix(np.array([[1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]], np.float32))
HELD_OUT = csr_matrix(np.array([[0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], np.float32))
LISTS = {
    "right": np.array([[1, 2], [1, 2], [2, 1]], np.int32),
    "second": np.array([[3, 1], [3, 1], [3, 2]], np.int32),
}


@pytest.fixture
def comparison() -> Comparison:
    facts = TrackFacts.of(Interactions(KNOWN, np.arange(4, dtype=np.int32), 3), [None] * 4)
    return compared(LISTS, Split(KNOWN, HELD_OUT), facts, "right")


def test_every_model_has_every_metric_with_an_interval(comparison: Comparison) -> None:
    assert comparison.metrics["right"]["recall"] == Interval(1.0, 1.0, 1.0)
    assert comparison.metrics["second"]["mrr"] == Interval(0.5, 0.5, 0.5)


def test_the_lead_of_the_subject_is_counted_listener_by_listener(comparison: Comparison) -> None:
    assert list(comparison.differences) == ["second"]
    assert comparison.differences["second"]["mrr"] == Interval(0.5, 0.5, 0.5)
    assert comparison.differences["second"]["recall"] == Interval(0.0, 0.0, 0.0)


def test_coverage_and_exposure_speak_of_all_lists(comparison: Comparison) -> None:
    assert comparison.overall["second"]["coverage"] == 0.75
    assert comparison.exposure["second"].tolist() == [3.0, 2.0, 1.0, 0.0]


def test_listeners_fall_into_the_band_of_their_likes(comparison: Comparison) -> None:
    assert [(band.label, band.listeners) for band in comparison.by_listener] == [
        ("cold (0-4)", 3),
        ("warm (5-19)", 0),
        ("hot (20+)", 0),
    ]
    assert comparison.by_listener[0].metrics["right"]["ndcg"].mean == 1.0
    assert comparison.by_listener[2].metrics == {}


def test_only_tracks_of_the_band_are_relevant_in_it() -> None:
    rows = np.zeros((8, 4), np.float32)
    rows[:, 1] = 1.0  # track 1 is warm, track 2 cold
    facts = TrackFacts.of(Interactions(csr_matrix(rows), np.arange(4, dtype=np.int32), 8), [None] * 4)
    both = csr_matrix(np.array([[0, 1, 1, 0]] * 3, np.float32))
    cold, warm, hot = compared(LISTS, Split(KNOWN, both), facts, "right").by_track
    assert [band.listeners for band in (cold, warm, hot)] == [3, 3, 0]
    assert warm.metrics["second"]["recall"].mean == pytest.approx(2 / 3)
    assert cold.metrics["second"]["recall"].mean == pytest.approx(1 / 3)


def missing_squares(listeners: int) -> csr_matrix[np.float32]:
    rows = np.zeros((listeners, N_TRACKS), np.float32)
    rows[np.arange(listeners), [left_out(listener) for listener in range(listeners)]] = 1.0
    return csr_matrix(rows)


def checkerboard_case(listeners: int = 80) -> Case:
    data = checkerboard(listeners)
    return Case(data, catalogue(), Split(data.preference, missing_squares(listeners)))


@pytest.mark.parametrize("blends_of", [crossed, from_train_only])
def test_the_blend_its_parts_and_random_meet_on_the_same_listeners(blends_of: type) -> None:
    case = checkerboard_case()
    found = judged(case, blends_of(case), Rules(k=1))
    assert {"blend", "als", "co_listening", "content", "popularity", "random"} <= set(found.metrics)
    assert found.listeners == 80
    assert found.metrics["blend"]["recall"].mean > 0.9
    assert found.differences["random"]["recall"].low > 0.5
    assert found.metrics["random"]["recall"].mean == pytest.approx(1 / 7, abs=0.12)


def test_nobody_is_judged_by_weights_that_saw_what_is_held_out_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    taught: list[int] = []

    def noted(blend: object, known: csr_matrix[np.float32], held_out: csr_matrix[np.float32]) -> tuple[object, dict[str, int]]:
        taught.append(int(held_out.indices[0]))
        return getattr(blend, "config"), {}  # noqa: B009

    monkeypatch.setattr("segue.evaluation.judging.learn_weights", noted)
    crossed(checkerboard_case())
    # Blend 0 judges even listeners, so listener 1 is the first that teaches it; blend 1 the other way round.
    assert taught == [left_out(1), left_out(0)]


def test_a_sample_of_listeners_is_the_same_for_the_same_seed() -> None:
    case = checkerboard_case()
    blends = crossed(case)
    first, again = (judged(case, blends, Rules(k=1, max_listeners=20, seed=9)) for _ in range(2))
    assert (first.by_listener, first.by_track, first.overall) == (again.by_listener, again.by_track, again.overall)
    assert first.listeners == 20


def test_nothing_held_out_says_what_to_do() -> None:
    case = checkerboard_case()
    empty = Case(case.train, case.catalogue, Split(case.split.known, csr_matrix(np.zeros((80, N_TRACKS), np.float32))))
    with pytest.raises(InvalidInput, match="--split user") as refused:
        judged(empty, [], Rules())
    assert refused.value.code == "empty_split"


def test_too_few_listeners_says_how_many_are_needed() -> None:
    with pytest.raises(InvalidInput, match=f"only 8 listeners can be judged, {MIN_LISTENERS}") as refused:
        judged(checkerboard_case(8), [], Rules())
    assert refused.value.code == "too_few_listeners"


def test_random_lists_are_the_same_for_the_same_seed_and_as_often_right_as_chance() -> None:
    known: csr_matrix[np.float32] = csr_matrix(np.zeros((2_000, 10), np.float32))
    lists = ranked_lists(RandomScorer(10, seed=4), known, 3)
    assert lists.tolist() == ranked_lists(RandomScorer(10, seed=4), known, 3).tolist()
    assert np.bincount(lists.ravel(), minlength=10) / 2_000 == pytest.approx([0.3] * 10, abs=0.04)
