"""Six tracks: rock by one artist, rock by another, jazz, rock and jazz in equal parts, and one of which nothing is known."""

from __future__ import annotations

from math import log, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from segue.catalogue import Track
from segue.evaluation.lists import TrackFacts, calibration, gini, of_all_lists, of_each_list
from segue.ids import TrackNo
from segue.models.contract import Interactions

LISTENERS = 3
KNOWN_BY = [3, 2, 1, 0, 0]


def described(number: int, artist: str, *genres: str) -> Track:
    return Track(TrackNo(number), f"t{number}", "Song", (artist,), None, None, None, None, None, genres, None)


CATALOGUE = [
    described(0, "A", "rock"),
    described(1, "B", "Rock"),
    described(2, "C", "jazz"),
    described(3, "A", "rock", "jazz"),
    None,
]


@pytest.fixture
def facts() -> TrackFacts:
    rows = np.array([[1, 1, 1, 0, 0], [1, 1, 0, 0, 0], [1, -1, 0, 0, 0]], np.float32)
    playlist = np.array([[0, 0, 0, 1, 1]], np.float32)
    return TrackFacts.of(
        Interactions(csr_matrix(np.vstack([rows, playlist])), np.arange(5, dtype=np.int32), LISTENERS), CATALOGUE
    )


def each(facts: TrackFacts, name: str, *ranked: list[int], history: list[list[float]] | None = None) -> list[float]:
    rows = history or [[0.0] * 5] * len(ranked)
    values = of_each_list(np.array(ranked, np.int32), csr_matrix(np.array(rows, np.float32)), facts)
    return [float(value) for value in values[name]]


def test_only_likes_of_listeners_make_a_track_known(facts: TrackFacts) -> None:
    assert facts.known_by.tolist() == KNOWN_BY


def test_popularity_is_the_mean_share_of_listeners_who_know_the_tracks(facts: TrackFacts) -> None:
    assert each(facts, "popularity", [0, 1], [2, -1], [4, 3]) == pytest.approx([(1 + 2 / 3) / 2, 1 / 3, 0])


def test_novelty_is_the_mean_surprise_in_bits(facts: TrackFacts) -> None:
    assert each(facts, "novelty", [0, 2], [4, -1]) == pytest.approx([(-log2(4 / 4) - log2(2 / 4)) / 2, -log2(1 / 4)])


def test_diversity_is_one_minus_the_mean_cosine(facts: TrackFacts) -> None:
    # Tracks 0 and 1 share the genre but not the artist, 0 and 2 nothing; 0 and 3 the artist and one genre of two.
    pairs = each(facts, "diversity", [0, 1], [0, 2], [0, 3])
    assert pairs == pytest.approx([0.5, 1.0, 1 - (1 + 1 / 2**0.5) / 2], abs=1e-6)
    assert each(facts, "diversity", [0, 1, 2]) == pytest.approx([(0.5 + 1 + 1) / 3], abs=1e-6)


def test_diversity_of_fewer_than_two_described_tracks_cannot_be_told(facts: TrackFacts) -> None:
    assert np.isnan(each(facts, "diversity", [0, 4], [0, -1])).all()


def test_calibration_of_a_list_like_the_history_is_0(facts: TrackFacts) -> None:
    history = [[1.0, 0, 1.0, 0, 0]]
    assert each(facts, "calibration", [1, 2], history=history) == pytest.approx([0.0], abs=1e-9)
    assert each(facts, "calibration", [3, -1], history=history) == pytest.approx([0.0], abs=1e-9)


def test_calibration_weighs_the_history_and_smooths_the_list(facts: TrackFacts) -> None:
    # p = (3/4 rock, 1/4 jazz), q = (1, 0): KL = 3/4 ln(.75 / (.99 + .0075)) + 1/4 ln(.25 / .0025)
    history = [[3.0, -9.0, 1.0, 0, 0]]
    expected = 0.75 * log(0.75 / 0.9975) + 0.25 * log(100)
    assert each(facts, "calibration", [0, 1], history=history) == pytest.approx([expected])


def test_calibration_without_genres_on_either_side_cannot_be_told(facts: TrackFacts) -> None:
    assert np.isnan(each(facts, "calibration", [4, -1], [0, 1], history=[[1, 0, 0, 0, 0], [0, 0, 0, 0, 1]])).all()


def test_a_catalogue_that_says_nothing_leaves_accuracy_only() -> None:
    interactions = Interactions(csr_matrix(np.ones((2, 3), np.float32)), np.arange(3, dtype=np.int32), 2)
    facts = TrackFacts.of(interactions, [None] * 3)
    values = of_each_list(np.array([[0, 1]], np.int32), csr_matrix(np.ones((1, 3), np.float32)), facts)
    assert values["popularity"].tolist() == [1.0]
    assert np.isnan([values["diversity"][0], values["calibration"][0]]).all()


def test_coverage_is_the_share_of_the_catalogue_shown_to_anybody() -> None:
    lists = np.array([[0, 1], [1, -1]], np.int32)
    assert of_all_lists(lists, 8) == {"coverage": 0.25, "gini": pytest.approx((5 * 1 + 7 * 2) / (8 * 3))}


def test_gini_of_equal_counts_is_0_and_of_one_that_has_all_nearly_1() -> None:
    assert gini(np.array([4, 4, 4, 4])) == pytest.approx(0.0)
    assert gini(np.array([0, 0, 0, 9])) == pytest.approx(0.75)
    assert gini(np.zeros(4, np.int64)) == 0.0


@given(st.integers(0, 10_000))
def test_every_figure_keeps_its_bounds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tracks = [described(i, f"A{rng.integers(3)}", *rng.choice(["x", "y", "z"], rng.integers(3), replace=False)) for i in range(9)]
    history = rng.normal(size=(6, 9)).astype(np.float32)
    facts = TrackFacts.of(Interactions(csr_matrix(history), np.arange(9, dtype=np.int32), 6), tracks)
    ranked = rng.random((6, 9)).argsort(axis=1)[:, :4].astype(np.int32)
    values = of_each_list(ranked, csr_matrix(history), facts)
    most = {"popularity": 1.0, "novelty": log2(7), "diversity": 1.0, "calibration": log(100)}
    for name, value in values.items():
        known = value[np.isfinite(value)]
        assert ((known >= -1e-6) & (known <= most[name] + 1e-6)).all(), name


def test_calibration_in_chunks_is_calibration_at_once(facts: TrackFacts, monkeypatch: pytest.MonkeyPatch) -> None:
    ranked = np.array([[0, 1], [2, 3], [1, 2]], np.int32)
    history = csr_matrix(np.array([[1, 0, 2, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 5, 0]], np.float32))
    whole = calibration(ranked, history, facts.genres)
    monkeypatch.setattr("segue.evaluation.lists.CHUNK_CELLS", 1)
    assert calibration(ranked, history, facts.genres).tolist() == whole.tolist()
