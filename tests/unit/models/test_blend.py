from __future__ import annotations

import numpy as np
import pytest

from segue.models.blend import NOBODY, ONLY_REJECTIONS, BlendConfig
from segue.models.contract import History
from tests.unit.models.tables import N_TRACKS, fitted_blend, track

CONFIG = BlendConfig(weights=((1, (0.1, 0.2, 0.3, 0.4)), (5, (0.5, 0.5, 0.0, 0.0))))


def test_weights_follow_how_warm_the_listener_is() -> None:
    assert CONFIG.weights_for(0) == NOBODY
    assert CONFIG.weights_for(0, rejected=2) == ONLY_REJECTIONS
    assert CONFIG.weights_for(4) == (0.1, 0.2, 0.3, 0.4)
    assert CONFIG.weights_for(5) == (0.5, 0.5, 0.0, 0.0)
    assert CONFIG.weights_for(500) == (0.5, 0.5, 0.0, 0.0)


def test_parts_add_up_to_the_total() -> None:
    scores = fitted_blend(CONFIG).blended(History.of([0, 2]))
    assert set(scores.parts) == {"als", "co_listening", "content", "popularity"}
    np.testing.assert_allclose(sum(scores.parts.values()), scores.total, atol=1e-5)


def test_a_track_placed_later_is_scored_by_content_at_once() -> None:
    loud, calm = track(900), track(901, genre="jazz", energy=0.1, valence=0.2, year=1961)
    blend = fitted_blend(CONFIG).placed(np.array([N_TRACKS, N_TRACKS + 1], np.int32), [loud, calm])
    scores = blend.blended(History.of([0, 2]))
    assert scores.total[N_TRACKS] > scores.total[N_TRACKS + 1]
    assert scores.parts["als"][N_TRACKS] == 0.0
    assert scores.parts["content"][N_TRACKS] > 0.0


def test_a_track_placed_later_is_like_its_kind() -> None:
    blend = fitted_blend().placed(np.array([N_TRACKS], np.int32), [track(900)])
    assert {int(column) % 2 for column in blend.similar(N_TRACKS, 5)} == {0}


def test_placing_a_track_leaves_the_old_blend_alone() -> None:
    blend = fitted_blend()
    blend.placed(np.array([N_TRACKS], np.int32), [track(900)])
    assert blend.n_tracks == N_TRACKS


def test_a_changed_track_is_embedded_anew() -> None:
    blend = fitted_blend()
    changed = blend.placed(np.array([1], np.int32), [track(101)])
    assert blend.content.similarity(1)[0] < 0.5
    assert changed.content.similarity(1)[0] == pytest.approx(0.7)
