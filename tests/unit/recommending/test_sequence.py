"""What is played next: in a session, and for a listener who is listening now."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from segue.ids import TrackNo
from segue.models.contract import History, Interactions
from segue.models.transitions import OrderedListens, TransitionCounter
from segue.recommending.answer import Recommender
from segue.recommending.recency import RECENT_TRACKS, running_session
from tests.unit.models.tables import FIRST_TRACK_NO, N_TRACKS, catalogue, checkerboard, fitted_blend

NOW_S = 1_000_000.0
FIRST, ODD = TrackNo(FIRST_TRACK_NO), TrackNo(FIRST_TRACK_NO + 7)


def recommender(weight: float) -> Recommender:
    """Column 7, which is of the other colour, follows column 0, and each other one of twelve its neighbour."""
    counter = TransitionCounter()
    for user in range(20 * N_TRACKS):
        twice, zeros, first = np.full(2, user, np.int32), np.zeros(2, np.int32), FIRST + user % N_TRACKS
        follows = ODD if first == FIRST else FIRST + (user + 1) % N_TRACKS
        counter.add(OrderedListens(twice, np.array([first, follows], np.int32), np.array([0.0, 200.0]), zeros, zeros))
    board = checkerboard()
    known = Interactions(board.preference, board.track_nos, board.listeners, counter.transitions().matrix(board.track_nos))
    blend = fitted_blend()
    blend.sequence.fit(known, catalogue())
    return Recommender.build(blend.reweighted(replace(blend.config, sequence=weight)), board.track_nos, catalogue())


def test_a_session_goes_on_with_what_follows_its_last_track_and_says_so() -> None:
    best = recommender(3.0).for_session([(FIRST, False)], 3).items[0]
    assert (best.track_no, best.reason.code, best.reason.seed_track_no) == (ODD, "played_next", FIRST)
    assert best.reason.text == "Often played after Song 100 by Artist 100"
    assert best.score == pytest.approx(sum(best.parts.values()), abs=1e-3)
    assert best.sources[0] == "sequence"


def test_without_a_weight_the_order_has_no_say() -> None:
    assert all("sequence" not in item.parts for item in recommender(0.0).for_session([(FIRST, False)], 5).items)


def test_a_skipped_track_is_followed_by_nothing() -> None:
    answer = recommender(3.0).for_session([(FIRST, True)], 5)
    assert all(item.reason.code != "played_next" for item in answer.items)


@pytest.mark.parametrize(("age_s", "code"), [(60.0, "played_next"), (1_900.0, "because_you_played")])
def test_a_listener_who_listens_now_hears_what_comes_next(age_s: float, code: str) -> None:
    history = History(np.array([0], np.int32), np.ones(1, np.float32), np.array([NOW_S - age_s]))
    best = recommender(3.0).for_listener(history, 3, now_s=NOW_S).items[0]
    assert (best.track_no == ODD) == (code == "played_next")
    assert (best.reason.code == "played_next") == (code == "played_next")


def test_a_playlist_has_no_order() -> None:
    assert all("sequence" not in item.parts for item in recommender(3.0).for_playlist([FIRST], 5).items)


def ages(*seconds: float) -> History:
    n = len(seconds)
    return History(np.arange(n, dtype=np.int32), np.ones(n, np.float32), NOW_S - np.array(seconds))


def test_a_session_runs_until_a_pause() -> None:
    assert running_session(ages(5_000.0, 100.0, 1_500.0, 3_400.0), NOW_S).columns.tolist() == [1, 2]
    assert running_session(ages(1_801.0), NOW_S).columns.tolist() == []
    assert running_session(ages(-60.0), NOW_S).columns.tolist() == [0]
    assert running_session(ages(float("nan")), NOW_S).columns.tolist() == []
    assert running_session(ages(10.0), None).columns.tolist() == []
    assert running_session(History.empty(), NOW_S).columns.tolist() == []
    assert len(running_session(ages(*range(100)), NOW_S)) == RECENT_TRACKS
    assert N_TRACKS > RECENT_TRACKS
