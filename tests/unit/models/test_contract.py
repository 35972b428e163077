"""What every model promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix, vstack

from segue.models.contract import History, Interactions, Model
from tests.unit.models.tables import MODELS, N_TRACKS, catalogue, checkerboard, left_out

LOOKING_AT_HISTORY = ("als", "co_listening", "content", "blend")
HISTORY = History.of([0, 2, 4], [1.0, 3.0, 1.0])


@pytest.fixture(params=MODELS, scope="module")
def model(request: pytest.FixtureRequest) -> Model:
    return MODELS[request.param]().fit(checkerboard(), catalogue())


@pytest.fixture(params=LOOKING_AT_HISTORY, scope="module")
def looking(request: pytest.FixtureRequest) -> Model:
    return MODELS[request.param]().fit(checkerboard(), catalogue())


def test_scores_every_track(model: Model) -> None:
    scores = model.score_all(HISTORY)
    assert scores.shape == (N_TRACKS,)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()


def test_refit_with_the_same_data_gives_the_same_scores(model: Model) -> None:
    before = model.score_all(HISTORY)
    np.testing.assert_allclose(model.fit(checkerboard(), catalogue()).score_all(HISTORY), before, rtol=1e-4, atol=1e-5)


def test_save_and_load_give_the_same_scores(model: Model, tmp_path: Path) -> None:
    model.save(tmp_path)
    loaded = type(model).load(tmp_path)
    np.testing.assert_array_equal(loaded.score_all(HISTORY), model.score_all(HISTORY))
    np.testing.assert_array_equal(loaded.similarity(3), model.similarity(3))


def test_saves_nothing_that_runs_code_when_loaded(model: Model, tmp_path: Path) -> None:
    model.save(tmp_path)
    kinds = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert kinds <= {".npy", ".json"}
    for path in tmp_path.rglob("*.npy"):
        assert np.load(path, allow_pickle=False).dtype != object


def test_many_histories_score_as_each_alone(model: Model) -> None:
    histories = [HISTORY, History.of([1]), History.of([5, 7], [2.0, -1.0]), History.empty()]
    rows = csr_matrix(vstack([history.as_row(N_TRACKS) for history in histories], format="csr"))
    alone = np.stack([model.score_all(history) for history in histories])
    np.testing.assert_allclose(model.score_many(rows), alone, rtol=1e-3, atol=1e-4)


def test_scores_of_candidates_are_those_of_all_tracks(model: Model) -> None:
    candidates = np.array([7, 1], np.int32)
    np.testing.assert_allclose(model.score(HISTORY, candidates), model.score_all(HISTORY)[[7, 1]], rtol=1e-4, atol=1e-6)


def test_unknown_candidates_score_zero(model: Model) -> None:
    assert model.score(HISTORY, np.array([N_TRACKS, N_TRACKS + 5], np.int32)).tolist() == [0.0, 0.0]


def test_unknown_tracks_in_the_history_change_nothing(model: Model) -> None:
    stranger = History.of([0, 2, 4, N_TRACKS + 3], [1.0, 3.0, 1.0, 9.0])
    np.testing.assert_allclose(model.score_all(stranger), model.score_all(HISTORY), rtol=1e-5)
    assert model.contributions(stranger, np.array([1], np.int32))[0, 3] == 0.0


def test_asks_for_more_than_the_catalogue_holds(model: Model) -> None:
    assert sorted(model.candidates(HISTORY, 1_000).tolist()) == [1, 3, 5, 6, 7, 8, 9, 10, 11]
    assert sorted(model.similar(0, 1_000).tolist()) == list(range(1, N_TRACKS))


def test_asks_for_nothing(model: Model) -> None:
    assert model.candidates(HISTORY, 0).tolist() == []


def test_an_empty_history_has_scores_only_where_the_model_says_so(model: Model) -> None:
    scores = model.score_all(History.empty())
    assert scores.any() == model.for_cold_users


def test_nothing_is_similar_to_an_unknown_track(model: Model) -> None:
    assert model.similar(N_TRACKS, 5).tolist() == []


def test_learns_from_an_empty_matrix(model: Model) -> None:
    nobody = Interactions(csr_matrix(np.zeros((0, N_TRACKS), np.float32)), checkerboard().track_nos, 0)
    fresh = MODELS[model.name]().fit(nobody, catalogue())
    assert np.isfinite(fresh.score_all(HISTORY)).all()


def test_learns_from_a_catalogue_of_stubs(model: Model) -> None:
    fresh = MODELS[model.name]().fit(checkerboard(), [None] * N_TRACKS)
    assert np.isfinite(fresh.score_all(HISTORY)).all()


@pytest.mark.parametrize("listener", range(12))
def test_finds_the_square_that_is_missing_from_the_checkerboard(looking: Model, listener: int) -> None:
    row = checkerboard().preference[listener]
    best = looking.candidates(History.of(row.indices.tolist()), 1)
    assert best.tolist() == [left_out(listener)] or looking.name == "content"
    assert best[0] % 2 == listener % 2


def test_similar_tracks_have_the_same_colour(looking: Model) -> None:
    assert {int(column) % 2 for column in looking.similar(4, 5)} == {0}


def test_a_disliked_track_pulls_its_like_down(looking: Model) -> None:
    with_dislike = looking.score_all(History.of([0, 1, 3], [1.0, 1.0, -4.0]))
    without = looking.score_all(History.of([0, 1], [1.0, 1.0]))
    calm = [5, 7, 9, 11]
    assert with_dislike[calm].mean() < without[calm].mean()


@pytest.mark.parametrize("name", ["als", "co_listening", "content"])
def test_contributions_of_the_history_add_up_to_the_score(name: str) -> None:
    model = MODELS[name]().fit(checkerboard(), catalogue())
    history = History.of([0, 2, 3], [1.0, 3.0, -1.0])
    columns = np.arange(N_TRACKS, dtype=np.int32)
    np.testing.assert_allclose(model.contributions(history, columns).sum(axis=1), model.score_all(history), rtol=1e-3, atol=1e-5)
