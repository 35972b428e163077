from __future__ import annotations

import numpy as np
import pytest

from segue.models.contract import MAX_PREFERENCE
from segue.stores.postgres.training import Pairs, TrainingData
from segue.taste import LANDMARK_S, TasteWeights
from tests.unit.models.tables import track
from trainer.dataset import built

WEIGHTS = TasteWeights(half_life_days=1.0)
DAY_S = 86_400.0


def pairs(*rows: tuple[int, int, float, int, int, float]) -> Pairs:
    columns = list(zip(*rows, strict=True)) or [()] * 6
    kinds = (np.int32, np.int32, np.float64, np.int32, np.int32, np.float64)
    return Pairs(*(np.array(column, kind) for column, kind in zip(columns, kinds, strict=True)))


def data(
    now: Pairs, past: Pairs | None = None, cut_s: float | None = None, playlists: tuple[tuple[int, int], ...] = ()
) -> TrainingData:
    members = np.array(playlists, np.int32).reshape(-1, 2)
    return TrainingData(now, past, cut_s, members[:, 0], members[:, 1], {}, 0)


def test_columns_are_the_tracks_of_catalogue_interactions_and_playlists_in_order() -> None:
    dataset = built(data(pairs((1, 7, 1.0, 0, 0, 0.0)), playlists=((1, 5), (1, 3))), [track(9)], WEIGHTS, LANDMARK_S)
    assert dataset.interactions.track_nos.tolist() == [3, 5, 7, 9]
    assert [None if t is None else t.track_no for t in dataset.catalogue] == [None, None, None, 9]


def test_weights_are_decayed_to_now_and_statements_stand() -> None:
    now = pairs((1, 3, 2.0, 0, 0, 0.0), (1, 5, 0.0, 0, 1, 0.0), (2, 3, 9.0, 0, -1, 0.0), (2, 5, 0.0, 1, 0, 0.0))
    dataset = built(data(now), [], WEIGHTS, LANDMARK_S + DAY_S)
    assert dataset.interactions.preference.toarray().tolist() == [[1.0, 4.0], [-4.0, 2.0]]


def test_a_weight_out_of_all_proportion_counts_as_the_greatest_and_one_that_is_no_number_is_refused() -> None:
    dataset = built(data(pairs((1, 3, 1e300, 0, 0, 0.0))), [], WEIGHTS, LANDMARK_S)
    assert dataset.interactions.preference.toarray().tolist() == [[MAX_PREFERENCE]]
    with pytest.raises(ValueError, match="track number 3"):
        built(data(pairs((1, 3, float("nan"), 0, 0, 0.0))), [], WEIGHTS, LANDMARK_S)


def test_playlists_follow_the_listeners_and_short_ones_are_left_out() -> None:
    now = pairs((1, 3, 1.0, 0, 0, 0.0))
    dataset = built(data(now, playlists=((8, 3), (8, 5), (9, 5))), [], WEIGHTS, LANDMARK_S)
    assert dataset.interactions.listeners == 1
    assert dataset.interactions.preference.toarray().tolist() == [[1.0, 0.0], [1.0, 1.0]]


def test_a_catalogue_alone_gives_columns_and_no_rows() -> None:
    dataset = built(data(pairs()), [track(4), track(2)], WEIGHTS, LANDMARK_S)
    assert dataset.interactions.preference.shape == (0, 2)
    assert dataset.validation is None


def test_the_past_holds_out_what_was_discovered_after_the_cut() -> None:
    cut_s = LANDMARK_S + 10.0
    now = pairs((1, 3, 2.0, 0, 0, 0.0), (1, 5, 1.0, 0, 0, 0.0))
    past = pairs((1, 3, 1.0, 0, 0, LANDMARK_S), (1, 5, 0.0, 0, 0, LANDMARK_S + 20.0))
    dataset = built(data(now, past, cut_s, playlists=((1, 3), (1, 5))), [], WEIGHTS, LANDMARK_S)
    assert dataset.validation is not None
    assert dataset.validation.known.toarray()[0] == pytest.approx([1.0, 0.0], abs=1e-3)
    assert dataset.validation.held_out.toarray().tolist() == [[0.0, 1.0]]
    assert dataset.before_cut().preference.toarray()[1].tolist() == [1.0, 1.0]


def test_listens_of_users_deleted_since_are_left_out() -> None:
    past = pairs((1, 3, 1.0, 0, 0, LANDMARK_S), (2, 3, 1.0, 0, 0, LANDMARK_S))
    dataset = built(data(pairs((1, 3, 1.0, 0, 0, 0.0)), past, LANDMARK_S + 1), [], WEIGHTS, LANDMARK_S)
    assert dataset.validation is not None
    assert dataset.validation.known.shape == (1, 1)
