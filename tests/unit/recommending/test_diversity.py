from __future__ import annotations

import numpy as np
import pytest

from segue.errors import InvalidInput
from segue.models.contract import Floats
from segue.models.ranking import top_columns
from segue.recommending.diversity import Codes, Diversity, diversified, first_versions

SCORES = np.array([1.0, 0.9, 0.8, 0.3], np.float32)
TWINS = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
APART = np.eye(4, dtype=np.float32)


ALBUMS = np.arange(10, 14, dtype=np.int32)


def codes(*values: int) -> Codes:
    return np.array(values, np.int32)


def chosen(vectors: Floats, artists: Codes, n: int, diversity: Diversity, albums: Codes = ALBUMS) -> list[int]:
    positions: list[int] = diversified(SCORES, vectors, artists, albums, n, diversity).positions.tolist()
    return positions


def test_strength_zero_keeps_the_ranking() -> None:
    assert chosen(TWINS, codes(0, 1, 2, 3), 4, Diversity(0.0, 9)) == [0, 1, 2, 3]


def test_a_twin_of_a_shown_track_waits() -> None:
    assert chosen(TWINS, codes(0, 1, 2, 3), 3, Diversity(0.6, 9)) == [0, 2, 3]


def test_at_most_so_many_tracks_of_one_artist() -> None:
    assert chosen(APART, codes(7, 7, 7, 8), 3, Diversity(0.0, 2)) == [0, 1, 3]


def test_at_most_so_many_tracks_of_one_album() -> None:
    assert chosen(APART, codes(7, 7, 7, 8), 3, Diversity(0.0, 9, 1), codes(1, 1, 2, 3)) == [0, 2, 3]


def test_the_album_cap_gives_way_before_the_artist_cap_and_both_say_so() -> None:
    one_artist, one_album = codes(7, 7, 7, 7), codes(1, 1, 2, 2)
    three = diversified(SCORES, APART, one_artist, one_album, 3, Diversity(0.0, 3, 1))
    assert (three.positions.tolist(), three.relaxed) == ([0, 2, 1], ("per_album",))
    four = diversified(SCORES, APART, one_artist, one_album, 4, Diversity(0.0, 3, 1))
    assert (four.positions.tolist(), four.relaxed) == ([0, 2, 1, 3], ("per_album", "per_artist"))


def test_caps_that_hold_say_nothing() -> None:
    assert diversified(SCORES, APART, codes(1, 2, 3, 4), ALBUMS, 4, Diversity(0.0, 1, 1)).relaxed == ()


def test_room_counts_what_both_caps_let_in() -> None:
    assert Diversity(0.0, 3, 2).room(codes(7, 7, 7, 7, 8), codes(1, 1, 1, 2, 3)) == 4
    assert Diversity(0.0, 2, 2).room(codes(7, 7, 7, 7, 8), codes(1, 1, 1, 2, 3)) == 3
    assert Diversity().room(codes(), codes()) == 0


def test_an_empty_pool_gives_nothing() -> None:
    none = np.empty(0, np.float32)
    assert diversified(none, np.empty((0, 0), np.float32), codes(), codes(), 5, Diversity()).positions.tolist() == []


@pytest.mark.parametrize("wrong", [{"strength": 1.1}, {"strength": float("nan")}, {"per_artist": 0}, {"per_album": 0}])
def test_impossible_diversity_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidInput):
        Diversity(**wrong)  # type: ignore[arg-type]


def test_the_first_version_of_each_song_stays() -> None:
    assert first_versions(np.array([5, 3, 5, 9, 3], np.int32)).tolist() == [0, 1, 3]


def test_equal_scores_stand_in_tie_order_also_at_the_cut() -> None:
    scores = np.array([1.0, 2.0, 1.0, 1.0], np.float32)
    assert top_columns(scores, 2).tolist() == [1, 0]
    assert top_columns(scores, 2, tie_order=np.array([9, 8, 7, 1], np.int32)).tolist() == [1, 3]


def test_minus_infinity_never_counts() -> None:
    assert top_columns(np.array([-np.inf, 1.0, -np.inf], np.float32), 3).tolist() == [1]
