"""What every model promises where data is missing, broken or out of all proportion: an answer, and never a NaN."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace as with_features
from scipy.sparse import csr_matrix

from segue.catalogue import Track
from segue.models.blend import BlendConfig
from segue.models.contract import MAX_PREFERENCE, Catalogue, Floats, History, Interactions, Model
from tests.unit.models.tables import FIRST_TRACK_NO, MODELS, N_TRACKS, catalogue, checkerboard, fitted_blend, track

COLUMNS = np.arange(N_TRACKS, dtype=np.int32)
HISTORY = History.of([0, 2, 4], [1.0, 3.0, 1.0])
BROKEN = (float("nan"), float("inf"), -float("inf"), 1e300)
Make = Callable[[], Model]


@pytest.fixture(params=MODELS)
def make(request: pytest.FixtureRequest) -> Make:
    return MODELS[request.param]


def matrix(rows: list[list[float]]) -> Interactions:
    values = csr_matrix(np.array(rows, np.float32).reshape(len(rows), len(rows[0])))
    return Interactions(values, np.arange(FIRST_TRACK_NO, FIRST_TRACK_NO + values.shape[1], dtype=np.int32), len(rows))


def answers(model: Model, history: History) -> list[Floats]:
    """Everything that a model says about a history, all of which must be finite numbers."""
    columns = np.arange(model.n_tracks, dtype=np.int32)
    said = [model.score_all(history), model.score(history, columns), model.contributions(history, columns)]
    said += [model.score_many(history.as_row(model.n_tracks))]
    return said + [model.similarity(int(column)) for column in columns]


def assert_sound(model: Model, history: History) -> None:
    for said in answers(model, history):
        assert said.dtype == np.float32
        assert np.isfinite(said).all()


def wild(value: float) -> Catalogue:
    """A catalogue in which two tracks have a feature, or all, of that value."""
    tracks = catalogue()
    features = tracks[1].features
    assert features is not None
    everywhere = with_features(features, **{name: value for name in features.__struct_fields__ if name not in ("key", "mode")})
    tracks[1] = replace(tracks[1], features=with_features(features, tempo=value))
    tracks[3] = replace(tracks[3], features=everywhere)
    return tracks


def test_one_track_is_a_catalogue(make: Make, tmp_path: Path) -> None:
    model = make().fit(matrix([[1.0], [1.0]]), [track(FIRST_TRACK_NO)])
    assert_sound(model, History.of([0]))
    assert model.candidates(History.empty(), 10).tolist() == [0]
    assert model.candidates(History.of([0]), 10).tolist() == []
    assert model.similar(0, 10).tolist() == []
    model.save(tmp_path)
    assert_sound(type(model).load(tmp_path), History.of([0]))


def test_no_track_is_a_catalogue(make: Make, tmp_path: Path) -> None:
    nothing = Interactions(csr_matrix(np.zeros((3, 0), np.float32)), np.empty(0, np.int32), 3)
    model = make().fit(nothing, [])
    assert model.score_all(HISTORY).shape == (0,)
    assert model.candidates(HISTORY, 10).tolist() == []
    model.save(tmp_path)
    assert type(model).load(tmp_path).n_tracks == 0


@pytest.mark.parametrize("listeners", [0, 5])
def test_nobody_has_played_anything(make: Make, listeners: int, tmp_path: Path) -> None:
    nothing = Interactions(csr_matrix(np.zeros((listeners, N_TRACKS), np.float32)), checkerboard().track_nos, listeners)
    model = make().fit(nothing, catalogue())
    assert_sound(model, HISTORY)
    assert_sound(model, History.empty())
    assert len(model.candidates(HISTORY, 100)) == N_TRACKS - 3
    model.save(tmp_path)
    np.testing.assert_array_equal(type(model).load(tmp_path).score_all(HISTORY), model.score_all(HISTORY))


def test_a_listener_who_heard_everything_is_recommended_nothing_new(make: Make) -> None:
    model = make().fit(checkerboard(), catalogue())
    everything = History.of(list(range(N_TRACKS)))
    assert_sound(model, everything)
    assert model.candidates(everything, 10).tolist() == []


def test_a_listener_who_turned_everything_down_has_scores(make: Make) -> None:
    model = make().fit(checkerboard(), catalogue())
    assert_sound(model, History.of(list(range(N_TRACKS)), [-4.0] * N_TRACKS))


def test_everybody_likes_everything_alike(make: Make) -> None:
    assert_sound(make().fit(matrix([[1.0] * N_TRACKS] * 30), catalogue()), HISTORY)


def test_only_rejections_are_known(make: Make) -> None:
    assert_sound(make().fit(matrix([[-4.0] * N_TRACKS] * 30), catalogue()), HISTORY)


def test_two_fits_agree(make: Make) -> None:
    first, second = (make().fit(checkerboard(), catalogue()).score_all(HISTORY) for _ in range(2))
    np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-5)


def test_asking_changes_nothing(make: Make) -> None:
    model = make().fit(checkerboard(), catalogue())
    before = [said.copy() for said in answers(model, HISTORY)]
    model.score_all(HISTORY)[:] = 9.0
    model.similarity(0)[:] = 9.0
    model.candidates(HISTORY, 5)
    for was, now in zip(before, answers(model, HISTORY), strict=True):
        np.testing.assert_array_equal(was, now)


def test_the_order_of_a_history_does_not_change_what_order_free_models_say(make: Make) -> None:
    model = make().fit(checkerboard(), catalogue())
    there, back = (model.score_all(History.of(columns)) for columns in ([0, 2, 5], [5, 2, 0]))
    np.testing.assert_allclose(there, back, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("value", BROKEN)
def test_broken_audio_features_count_as_unknown(make: Make, value: float) -> None:
    model = make().fit(checkerboard(), wild(value))
    assert_sound(model, HISTORY)
    assert_sound(model, History.of([1, 3]))


@pytest.mark.parametrize("value", BROKEN)
def test_one_broken_track_leaves_the_others_as_they_are(value: float) -> None:
    content = MODELS["content"]
    whole, broken = (content().fit(checkerboard(), tracks).similarity(0) for tracks in (catalogue(), wild(value)))
    np.testing.assert_allclose(broken[[2, 4, 6]], whole[[2, 4, 6]], atol=0.05)
    assert broken[5] < 0.5


@pytest.mark.parametrize("value", BROKEN)
def test_a_broken_track_that_is_placed_later_is_sound(value: float) -> None:
    late = wild(value)[3]
    assert late is not None
    assert_sound(fitted_blend().placed(np.array([N_TRACKS], np.int32), [replace(late, genres=(), artists=())]), HISTORY)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_preference_that_is_no_number_counts_as_unknown(make: Make, value: float) -> None:
    model = make().fit(checkerboard(), catalogue())
    history = History.of([0, 2, 4, 5], [1.0, 3.0, 1.0, value])
    assert_sound(model, history)
    np.testing.assert_allclose(model.score_all(history), model.score_all(HISTORY), rtol=1e-5)
    assert history.liked == 3
    assert 5 not in model.candidates(history, 100)


@pytest.mark.parametrize("value", [3e38, -3e38, 1e12])
def test_a_huge_preference_counts_as_the_greatest(make: Make, value: float) -> None:
    model = make().fit(checkerboard(), catalogue())
    history = History.of([0, 2], [value, value])
    assert_sound(model, history)
    assert history.preference.tolist() == [np.sign(value) * MAX_PREFERENCE] * 2


@pytest.mark.parametrize("value", [1e-45, -1e-45, 1e-30])
def test_a_vanishing_preference_is_sound(make: Make, value: float) -> None:
    assert_sound(make().fit(checkerboard(), catalogue()), History.of([0, 2], [value, value]))


@pytest.mark.parametrize("value", [1e6, 1e-30, -1e6])
def test_learns_from_preferences_of_any_size(make: Make, value: float) -> None:
    rows = checkerboard().preference.toarray()
    rows[0] *= value
    interactions = Interactions(csr_matrix(rows), checkerboard().track_nos, len(rows))
    assert_sound(make().fit(interactions, catalogue()), HISTORY)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_matrix_with_a_preference_that_is_no_number_is_refused(value: float) -> None:
    rows = checkerboard().preference.toarray()
    rows[3, 5] = value
    with pytest.raises(ValueError, match="row 3, column 5"):
        Interactions(csr_matrix(rows), checkerboard().track_nos, len(rows))


def test_a_column_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="below 0"):
        History.of([0, -1])


def test_unknown_columns_have_no_contributions(make: Make) -> None:
    model = make().fit(checkerboard(), catalogue())
    assert not model.contributions(HISTORY, np.array([N_TRACKS, N_TRACKS + 9], np.int32)).any()


@pytest.mark.parametrize("weights", [(0.0, 0.0, 0.0, 0.0), (1.0, float("nan"), 0.0, 0.0), (1.0, 1.0, 1.0)])
def test_weights_that_say_nothing_are_refused(weights: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="from 5 liked tracks on"):
        BlendConfig(weights=((1, (1.0, 0.0, 0.0, 0.0)), (5, weights)))


def test_a_track_without_anything_is_like_nothing() -> None:
    bare = Track(track(1).track_no, "bare", "", (), None, None, None, None, None, (), None)
    model = MODELS["content"]().fit(checkerboard(), [*catalogue()[:-1], bare])
    assert not model.similarity(N_TRACKS - 1).any()
