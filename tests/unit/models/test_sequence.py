from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from segue.models.blend import BlendConfig
from segue.models.contract import History, Interactions
from segue.models.sequence import SequenceModel
from segue.models.transitions import DECAY, SKIP, WINDOW, OrderedListens, TransitionCounter, Transitions

TRACK_NOS = np.arange(10, 16, dtype=np.int32)


def listens(*rows: tuple[int, int, float, int, int]) -> OrderedListens:
    user, track, at_s, skipped, session = zip(*rows, strict=True)
    whole = [np.array(values, np.int32) for values in (user, track, skipped, session)]
    return OrderedListens(whole[0], whole[1], np.array(at_s, np.float64), whole[2], whole[3])


def counted(*parts: OrderedListens) -> Transitions:
    counter = TransitionCounter()
    for part in parts:
        counter.add(part)
    return counter.transitions()


def weights(found: Transitions) -> dict[tuple[int, int], object]:
    pairs = zip(found.before.tolist(), found.after.tolist(), found.weight.tolist(), strict=True)
    return {(before, after): pytest.approx(weight) for before, after, weight in pairs}


SESSION = listens((1, 10, 0, 0, 0), (1, 11, 200, 0, 0), (1, 12, 400, 1, 0), (1, 13, 600, 0, 0))


def test_the_next_track_counts_most_and_a_skip_against() -> None:
    assert weights(counted(SESSION)) == {
        (10, 11): 1.0, (10, 12): SKIP * DECAY, (10, 13): DECAY**2, (11, 12): SKIP, (11, 13): DECAY,
    }  # fmt: skip


@pytest.mark.parametrize(
    "second",
    [(1, 11, 1_801.0, 0, 0), (2, 11, 10.0, 0, 0), (1, 11, 10.0, 0, 9)],
    ids=["a pause", "another listener", "another session of the player"],
)
def test_nothing_follows_across_sessions(second: tuple[int, int, float, int, int]) -> None:
    assert weights(counted(listens((1, 10, 0.0, 0, 8), second))) == {}


def test_listens_in_parts_count_as_the_whole() -> None:
    random = np.random.default_rng(1)
    rows = [(n // 40, int(random.integers(10, 16)), 200.0 * (n % 40), int(random.random() < 0.2), 0) for n in range(200)]
    cuts = [0, 1, 3, 4, 50, 52, 199, 200]
    parts = [listens(*rows[a:b]) for a, b in pairwise(cuts)]
    assert weights(counted(*parts)) == weights(counted(listens(*rows)))
    assert WINDOW > 1


def test_the_rarest_pairs_are_forgotten_beyond_the_bound() -> None:
    counter = TransitionCounter(max_pairs=4)
    counter.count(np.arange(6, dtype=np.int64), np.array([9.0, 1.0, 8.0, 1.0, -1.0, 1.0]))
    assert counter.transitions().after.tolist() == [0, 2]
    assert counter.forgotten == 4


def fitted(pairs: dict[tuple[int, int], float]) -> SequenceModel:
    rows, columns = (np.array([pair[side] for pair in pairs], np.int32) for side in (0, 1))
    counts = csr_matrix((np.array(list(pairs.values()), np.float32), (rows, columns)), shape=(6, 6))
    nobody = csr_matrix(np.zeros((1, 6), np.float32))
    return SequenceModel().fit(Interactions(nobody, TRACK_NOS, 1, counts), [None] * 6)


def ordered(*columns: int, preference: list[float] | None = None) -> History:
    history = History.of(columns, preference)
    return History(history.columns, history.preference, np.arange(len(columns), dtype=np.float64))


CHAIN = fitted({(0, 1): 10.0, (1, 2): 10.0, (2, 0): 10.0, (3, 4): 1.0, (4, 3): 1.0})


def test_the_successor_of_the_last_track_comes_first() -> None:
    assert CHAIN.candidates(ordered(0, 1), 1).tolist() == [2]
    assert CHAIN.candidates(ordered(1, 0), 1).tolist() == [2]
    assert CHAIN.score_all(ordered(2, 1))[2] > CHAIN.score_all(ordered(1, 2))[2] > 0


def test_a_pair_seen_once_says_less_than_one_seen_often() -> None:
    assert CHAIN.similarity(0)[1] > 2 * CHAIN.similarity(3)[4] > 0


def test_what_follows_everything_is_damped() -> None:
    model = fitted({(0, 5): 10.0, (1, 5): 10.0, (2, 5): 10.0, (3, 5): 10.0, (0, 1): 5.0})
    assert model.similarity(0)[1] > model.similarity(0)[5]


def test_what_was_turned_down_is_followed_by_nothing() -> None:
    assert not CHAIN.score_all(ordered(0, preference=[-1.0])).any()


def test_contributions_name_the_recent_track_and_add_up() -> None:
    history, columns = ordered(0, 3, 1, preference=[1.0, -1.0, 1.0]), np.arange(6, dtype=np.int32)
    shares = CHAIN.contributions(history, columns)
    np.testing.assert_allclose(shares.sum(axis=1), CHAIN.score_all(history), rtol=1e-6)
    assert shares[2].argmax() == 2
    assert not CHAIN.contributions(history, np.array([6, 9], np.int32)).any()


def test_saves_and_loads(tmp_path: Path) -> None:
    CHAIN.save(tmp_path)
    np.testing.assert_array_equal(SequenceModel.load(tmp_path).score_all(ordered(0, 1)), CHAIN.score_all(ordered(0, 1)))


def test_without_an_order_it_has_nothing_to_say() -> None:
    model = SequenceModel().fit(Interactions(csr_matrix(np.ones((2, 6), np.float32)), TRACK_NOS, 2), [None] * 6)
    assert model.pairs == 0
    assert not model.score_all(ordered(0, 1)).any()


def test_transitions_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="transitions"):
        Interactions(csr_matrix(np.ones((2, 6), np.float32)), TRACK_NOS, 2, csr_matrix(np.zeros((5, 5), np.float32)))


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), -1.0])
def test_broken_transitions_are_refused(broken: float) -> None:
    with pytest.raises(ValueError, match="train again"):
        fitted({(0, 1): broken})


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), -1.0])
def test_a_weight_that_is_none_is_refused(broken: float) -> None:
    with pytest.raises(ValueError, match="weight of the sequence"):
        BlendConfig(sequence=broken)


def test_times_that_are_none_give_an_answer() -> None:
    history = History(np.array([0, 1], np.int32), np.ones(2, np.float32), np.array([float("nan"), float("inf")]))
    assert np.isfinite(CHAIN.score_all(history)).all()
    assert CHAIN.contributions(history, np.array([-1, 2], np.int32))[0].tolist() == [0.0, 0.0]


def test_transitions_leave_out_unknown_tracks_and_what_skips_outweigh() -> None:
    found = Transitions(np.array([10, 10, 99], np.int32), np.array([11, 12, 11], np.int32), np.array([2.0, -1.0, 3.0]))
    assert found.matrix(TRACK_NOS).toarray().sum() == 2.0
    assert weights(found.plus(found))[10, 11] == 4.0
