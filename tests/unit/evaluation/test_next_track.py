from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from segue.evaluation.next_track import MIN_CASES, WEIGHTS, cases, judged_sequence
from segue.models.blend import Blend
from segue.models.contract import Interactions
from segue.models.transitions import OrderedListens, TransitionCounter
from tests.unit.models.tables import small_als, track

N = 40
NUMBERS = np.arange(200, 200 + N, dtype=np.int32)


def sessions(listeners: int, ordered: bool, seed: int) -> OrderedListens:
    """Each listener plays six tracks in a row, each the one after the last in the catalogue, or any."""
    random = np.random.default_rng(seed)
    starts = random.integers(0, N, listeners)
    steps = np.arange(6) if ordered else random.integers(0, N, (listeners, 6))
    track_no = (200 + (starts[:, None] + steps) % N).astype(np.int32).ravel()
    user_no = np.repeat(np.arange(listeners, dtype=np.int32), 6)
    zeros = np.zeros(6 * listeners, np.int32)
    return OrderedListens(user_no, track_no, np.tile(np.arange(6) * 200.0, listeners), zeros, zeros)


def fitted(ordered: bool) -> Blend:
    counter = TransitionCounter()
    counter.add(sessions(400, ordered, seed=1))
    random = np.random.default_rng(2)
    plays = csr_matrix((random.random((60, N)) < 0.2).astype(np.float32))
    interactions = Interactions(plays, NUMBERS, 60, counter.transitions().matrix(NUMBERS))
    return Blend(als=small_als()).fit(interactions, [track(int(number)) for number in NUMBERS])


def test_an_order_that_is_there_is_found_and_weighs() -> None:
    order = judged_sequence(fitted(True), sessions(300, True, seed=3), NUMBERS)
    assert order.weight > 0
    assert order.mrr_lead.low > 0.2
    assert order.hit_with.mean == 1.0
    assert order.metrics()["mrr"] > order.metrics()["mrr_without"]


def test_an_order_that_is_chance_weighs_nothing() -> None:
    order = judged_sequence(fitted(False), sessions(300, False, seed=4), NUMBERS)
    assert order.weight == 0.0
    assert order.mrr_lead.mean == 0.0


def test_too_few_sessions_prove_nothing() -> None:
    order = judged_sequence(fitted(True), sessions(MIN_CASES - 1, True, seed=3), NUMBERS)
    assert order.metrics() == {"weight": 0.0, "sessions": 0.0}
    assert judged_sequence(fitted(True), OrderedListens.none(), NUMBERS).cases == 0
    assert WEIGHTS[0] == 0.0


def test_a_case_never_holds_its_target_and_a_listener_has_one() -> None:
    found = cases(sessions(50, False, seed=5), NUMBERS)
    assert 40 < len(found) <= 50
    assert all(case.target not in case.columns and len(case.columns) for case in found)
