from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from segue.evaluation.report import evaluated, ranked
from segue.evaluation.tuning import learn_weights, peak, shortened
from segue.models.blend import Blend, BlendConfig
from segue.models.contract import Interactions
from segue.models.popularity import PopularityModel
from tests.unit.models.tables import N_TRACKS, catalogue, checkerboard, fitted_blend, left_out, small_als


def missing_squares() -> csr_matrix[np.float32]:
    rows = np.zeros((40, N_TRACKS), np.float32)
    rows[np.arange(40), [left_out(listener) for listener in range(40)]] = 1.0
    return csr_matrix(rows)


def test_a_blend_that_knows_the_checkerboard_finds_every_missing_square_first() -> None:
    result = evaluated(fitted_blend(), checkerboard().preference, missing_squares(), k=1)
    assert result["recall@1"] == pytest.approx(1.0)


def test_known_tracks_are_never_ranked() -> None:
    model = PopularityModel().fit(checkerboard(), catalogue())
    known = checkerboard().preference[:1]
    assert set(ranked(model, known, 20)[0].tolist()) & set(known.indices.tolist()) == set()


def test_a_short_list_is_padded() -> None:
    model = PopularityModel().fit(checkerboard(), catalogue())
    row = ranked(model, checkerboard().preference[:1], 20)[0].tolist()
    assert row[7:] == [-1] * 13


def test_newcomers_weights_are_learned_from_a_part_of_what_warmer_listeners_like() -> None:
    blend = fitted_blend(BlendConfig(weights=((1, (0.0, 0.0, 0.0, 1.0)), (5, (0.5, 0.5, 0.0, 0.0)))))
    held_out = csr_matrix(np.vstack([missing_squares().toarray()] * 2))
    config, counts = learn_weights(blend, checkerboard(80).preference, held_out)
    assert counts["1+"] == 80
    told = shortened(checkerboard().preference, np.full(40, 2), np.random.default_rng(1))
    before, after = (evaluated(model, told, missing_squares(), k=3)["recall@3"] for model in (blend, blend.reweighted(config)))
    assert after > before


def test_a_shortened_history_keeps_as_large_a_share_of_what_was_turned_down() -> None:
    known = csr_matrix(np.array([[1, 2, 1, 3, -1, -1], [1, 0, 0, 0, -2, 0]], np.float32))
    told = shortened(known, np.array([2, 5]), np.random.default_rng(0)).toarray()
    assert np.count_nonzero(told[0] > 0) == 2
    assert np.count_nonzero(told[0] < 0) == 1
    np.testing.assert_array_equal(told[1], known.toarray()[1])
    np.testing.assert_array_equal(told[told != 0], known.toarray()[told != 0])


def test_weights_are_learned_for_each_warmth_that_has_enough_listeners() -> None:
    blend = fitted_blend()
    config, counts = learn_weights(blend, checkerboard(80).preference, csr_matrix(np.vstack([missing_squares().toarray()] * 2)))
    assert counts == {"1+": 80, "5+": 80, "20+": 0}
    assert config.weights_for(20) == blend.config.weights_for(20)
    assert evaluated(blend.reweighted(config), checkerboard().preference, missing_squares(), k=1)["recall@1"] == 1.0


def test_weights_are_learned_in_a_catalogue_smaller_than_the_list() -> None:
    known = csr_matrix(np.tile(np.array([[1.0, 0.0]], np.float32), (40, 1)))
    held_out = csr_matrix(np.tile(np.array([[0.0, 1.0]], np.float32), (40, 1)))
    both = Interactions(csr_matrix(known + held_out), np.array([100, 101], np.int32), 40)
    blend = Blend(als=small_als()).fit(both, catalogue()[:2])
    config, _ = learn_weights(blend, known, held_out)
    assert evaluated(blend.reweighted(config), known, held_out)["recall@20"] == 1.0


def test_the_peak_of_a_noisy_curve_is_not_its_highest_point() -> None:
    hill = np.array([-((level - 13.0) ** 2) for level in range(21)])
    assert peak(hill) == 13
    hill[10] = 1.0
    assert np.argmax(hill) == 10
    assert peak(hill) == 13


def test_a_curve_that_only_rises_or_falls_peaks_at_its_end() -> None:
    assert peak(np.arange(13.0)) == 12
    assert peak(-np.arange(13.0)) == 0
    assert peak(np.array([1.0, 2.0])) == 1


def test_a_level_curve_has_no_peak() -> None:
    assert peak(np.full(6, 0.3)) is None
