from __future__ import annotations

import numpy as np

from segue.models.ranking import top_columns
from segue.recommending.diversity import Diversity, diversified, first_versions

SCORES = np.array([1.0, 0.9, 0.8, 0.3], np.float32)
TWINS = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], np.float32)
APART = np.eye(4, dtype=np.float32)


def artists(*codes: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.array(codes, np.int32)


def test_strength_zero_keeps_the_ranking() -> None:
    assert diversified(SCORES, TWINS, artists(0, 1, 2, 3), 4, Diversity(0.0, 9)) == [0, 1, 2, 3]


def test_a_twin_of_a_shown_track_waits() -> None:
    assert diversified(SCORES, TWINS, artists(0, 1, 2, 3), 3, Diversity(0.6, 9)) == [0, 2, 3]


def test_at_most_so_many_tracks_of_one_artist() -> None:
    assert diversified(SCORES, APART, artists(7, 7, 7, 8), 3, Diversity(0.0, 2)) == [0, 1, 3]


def test_the_cap_gives_way_when_nothing_else_is_left() -> None:
    assert diversified(SCORES, APART, artists(7, 7, 7, 7), 4, Diversity(0.0, 1)) == [0, 1, 2, 3]


def test_an_empty_pool_gives_nothing() -> None:
    assert diversified(np.empty(0, np.float32), np.empty((0, 0), np.float32), artists(), 5, Diversity()) == []


def test_the_first_version_of_each_song_stays() -> None:
    assert first_versions(np.array([5, 3, 5, 9, 3], np.int32)).tolist() == [0, 1, 3]


def test_equal_scores_stand_in_tie_order_also_at_the_cut() -> None:
    scores = np.array([1.0, 2.0, 1.0, 1.0], np.float32)
    assert top_columns(scores, 2).tolist() == [1, 0]
    assert top_columns(scores, 2, tie_order=np.array([9, 8, 7, 1], np.int32)).tolist() == [1, 3]


def test_minus_infinity_never_counts() -> None:
    assert top_columns(np.array([-np.inf, 1.0, -np.inf], np.float32), 3).tolist() == [1]
