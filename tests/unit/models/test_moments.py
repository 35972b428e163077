"""Mean and spread that are worked out without the list are those of the list; a few scores are those of the whole list."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, vstack

from segue.catalogue import Track
from segue.models.als import AlsConfig, AlsModel
from segue.models.blend import Blend, BlendConfig
from segue.models.contract import History, Interactions, Model
from segue.models.moments import Moments
from segue.models.ranking import standardise
from segue.models.rows import SparseList
from tests.unit.models.tables import track

N_TRACKS = 90
GENRES = ("rock", "jazz", "folk", "funk", "soul")


def made(number: int, *, energy: float, genre: str) -> Track:
    return track(number, artist=f"Band {number % 17}", genre=genre, energy=energy, year=1960 + number % 50)


@cache
def blend(transfer: float = 0.5) -> Blend:
    """Fitted to what 50 listeners play of the first two thirds; the rest is played by nobody, and three tracks came later."""
    random = np.random.default_rng(2)
    catalogue = [made(n, energy=float(random.random()), genre=GENRES[n % 5]) for n in range(N_TRACKS)]
    plays = (random.random((50, N_TRACKS)) < 0.2).astype(np.float32)
    plays[:, 60:] = 0.0
    every_weight = BlendConfig(weights=((1, (0.4, 0.3, 0.2, 0.1)),), transfer=transfer)
    als = AlsModel(AlsConfig(factors=16, regularization=1.0, alpha=10.0, iterations=4))
    fitted = Blend(every_weight, als=als).fit(Interactions(csr_matrix(plays), np.arange(N_TRACKS, dtype=np.int32), 50), catalogue)
    late = [
        made(N_TRACKS + 1, energy=0.9, genre="rock"),
        made(7, energy=0.0, genre="polka"),
        made(N_TRACKS, energy=0.1, genre="new"),
    ]
    return fitted.placed(np.array([N_TRACKS + 1, 7, N_TRACKS], np.int32), late)


histories = st.lists(
    st.tuples(st.integers(0, N_TRACKS + 4), st.sampled_from([-2.0, -0.5, 0.0, 0.5, 1.0, 7.0])),
    max_size=40,
    unique_by=lambda p: p[0],
).map(lambda pairs: History.of([column for column, _ in pairs], [preference for _, preference in pairs]))


@pytest.mark.parametrize("part", ["als", "co_listening", "content", "popularity"])
@settings(max_examples=40)
@given(history=histories)
def test_moments_are_those_of_the_list(part: str, history: History) -> None:
    reading = blend().parts()[part].read(history)
    scores, moments = reading.scores().astype(np.float64), reading.moments()
    assert moments.mean == pytest.approx(scores.mean(), rel=1e-4, abs=1e-5)
    if np.isfinite(moments.spread):
        assert moments.spread == pytest.approx(scores.std(), rel=1e-3, abs=1e-5)
    else:
        assert scores.std() <= 1e-3 * np.abs(scores).max(initial=1e-9)


@pytest.mark.parametrize("transfer", [0.0, 0.5])
@settings(max_examples=40)
@given(history=histories, columns=st.lists(st.integers(0, N_TRACKS + 1), max_size=30))
def test_the_blend_of_a_few_tracks_is_that_of_all(transfer: float, history: History, columns: list[int]) -> None:
    few = np.array(columns, np.int32)
    everything, some = blend(transfer).blended(history), blend(transfer).blended(history, few)
    np.testing.assert_allclose(some.total, everything.total[few], atol=1e-4)
    assert set(some.parts) == set(everything.parts)
    for name, part in some.parts.items():
        np.testing.assert_allclose(part, everything.parts[name][few], atol=1e-4)


@pytest.mark.parametrize("transfer", [0.0, 0.5])
@settings(max_examples=40)
@given(some=st.lists(histories, min_size=1, max_size=3))
def test_a_blend_for_many_listeners_is_that_of_each(transfer: float, some: list[History]) -> None:
    model = blend(transfer)
    # A row has no place for tracks that came even later.
    known = [history.within(model.n_tracks) for history in some]
    together = model.score_many(csr_matrix(vstack([history.as_row(model.n_tracks) for history in known], format="csr")))
    for history, row in zip(known, together, strict=True):
        np.testing.assert_allclose(row, model.score_all(history), rtol=1e-3, atol=1e-3)


def test_a_listeners_own_tracks_count_for_neither_mean_nor_spread() -> None:
    scores = np.array([[100.0, 1.0, 3.0, -50.0], [1.0, 1.0, 3.0, 3.0]], np.float32)
    standard, spread = standardise(scores, csr_matrix(np.array([[1.0, 0.0, 0.0, -1.0], [0.0] * 4], np.float32)))
    assert standard.tolist() == [[98.0, -1.0, 1.0, -52.0], [-1.0, -1.0, 1.0, 1.0]]
    assert spread.tolist() == [[1.0], [1.0]]


@given(
    scores=st.lists(st.floats(-100, 100, width=16), min_size=1, max_size=30),
    left_out=st.sets(st.integers(0, 29)),
)
def test_moments_without_some_scores_are_those_of_the_rest(scores: list[float], left_out: set[int]) -> None:
    some = np.isin(np.arange(len(scores)), list(left_out))
    values = np.array(scores, np.float32)
    rest = values[~some].astype(np.float64)
    found = Moments.of_list(values).without(len(values), values[some])
    if np.isfinite(found.spread):
        assert found.mean == pytest.approx(rest.mean(), rel=1e-4, abs=1e-4)
        assert found.spread == pytest.approx(rest.std(), rel=1e-2, abs=1e-4)
    else:
        assert len(rest) == 0 or rest.std() <= 1e-2 * np.abs(values).max()


@pytest.mark.parametrize("part", ["als", "co_listening", "content", "popularity", "blend"])
def test_columns_that_a_model_does_not_know_score_zero(part: str) -> None:
    model: Model = blend() if part == "blend" else blend().parts()[part]
    strangers = np.array([model.n_tracks, model.n_tracks + 40], np.int32)
    assert model.score(History.of([1, 2]), strangers).tolist() == [0.0, 0.0]


def test_a_list_without_spread_says_nothing() -> None:
    same = [track(n, name="Same", artist="Same") for n in range(8)]
    content = Blend().content.fit(Interactions(csr_matrix(np.zeros((0, 8), np.float32)), np.arange(8, dtype=np.int32), 0), same)
    assert content.read(History.of([0, 1])).moments().spread == float("inf")


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(-5, 5)), max_size=60), st.lists(st.integers(0, 50), max_size=20))
def test_sparse_sums_are_those_of_a_dense_array(entries: list[tuple[int, int]], asked: list[int]) -> None:
    columns, values = np.array([c for c, _ in entries], np.int32), np.array([v for _, v in entries], np.float32)
    dense = np.bincount(columns, weights=values, minlength=51).astype(np.float32)
    sparse = SparseList.summed(51, columns, values)
    assert sparse.dense().tolist() == dense.tolist()
    assert sparse.at(np.array(asked, np.int32)).tolist() == dense[asked].tolist()
    told = sparse.places.columns[sparse.values != 0].tolist()
    assert len(set(told)) == len(told)
