"""Co-listening before sharpening against the formula of its module, computed densely."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.sparse import csr_matrix

from segue.models import co_listening
from segue.models.co_listening import CoListeningConfig, CoListeningModel
from segue.models.contract import Interactions

Doubles = npt.NDArray[np.float64]


def plays(rows: int, tracks: int, seed: int, rejected: bool = False) -> npt.NDArray[np.float32]:
    random = np.random.default_rng(seed)
    likes = random.gamma(1.0, 2.0, (rows, tracks)) + 0.1
    matrix = np.where(random.random((rows, tracks)) < 0.2, likes, 0.0)
    if rejected:
        matrix *= np.where(random.random((rows, tracks)) < 0.3, -1.0, 1.0)
    return matrix.astype(np.float32)


def by_formula(matrix: npt.NDArray[np.float32], config: CoListeningConfig) -> Doubles:
    liked = np.log2(1.0 + np.maximum(matrix.astype(np.float64), 0.0))
    source, listener, target = (
        np.where(degree > 0, np.where(degree > 0, degree, 1.0) ** -exponent, 0.0)
        for degree, exponent in (
            (liked.sum(0), config.source_exponent),
            (liked.sum(1), config.listener_exponent),
            (liked.sum(0), config.target_exponent),
        )
    )
    product: Doubles = source[:, None] * (liked.T @ (listener[:, None] * liked)) * target
    np.fill_diagonal(product, 0.0)
    best = np.argsort(-product, axis=1, kind="stable")[:, : config.neighbours]
    kept: Doubles = np.zeros_like(product)
    np.put_along_axis(kept, best, np.take_along_axis(product, best, axis=1), axis=1)
    return kept


def of_model(matrix: npt.NDArray[np.float32], config: CoListeningConfig) -> npt.NDArray[np.float32]:
    n_tracks = matrix.shape[1]
    model = CoListeningModel(config).fit(interactions(matrix), [None] * n_tracks)
    return np.stack([model.similarity(column) for column in range(n_tracks)])


def interactions(matrix: npt.NDArray[np.float32]) -> Interactions:
    return Interactions(csr_matrix(matrix), np.arange(matrix.shape[1], dtype=np.int32), len(matrix))


@pytest.mark.parametrize("neighbours", [1, 5, 400])
@pytest.mark.parametrize("rejected", [False, True])
@pytest.mark.parametrize("block", [1, 300, 1_000_000])
def test_the_strongest_neighbours_are_those_of_the_formula(
    neighbours: int, rejected: bool, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(co_listening, "LEAST_BLOCK", block)
    matrix, config = plays(90, 40, seed=neighbours, rejected=rejected), CoListeningConfig(neighbours=neighbours, sharpening=0.0)
    matrix[:, 7] = 0.0
    matrix[3] = 0.0
    np.testing.assert_allclose(of_model(matrix, config), by_formula(matrix, config), rtol=1e-5, atol=1e-7)


def test_of_equally_strong_neighbours_the_first_columns_stay() -> None:
    matrix = np.ones((6, 9), np.float32)
    found = of_model(matrix, CoListeningConfig(neighbours=3))
    assert [np.flatnonzero(row).tolist() for row in found] == [
        [1, 2, 3], [0, 2, 3], [0, 1, 3], *[[0, 1, 2]] * 6,
    ]  # fmt: skip


def test_strong_neighbours_stay_when_equals_are_cut() -> None:
    matrix = np.ones((6, 5), np.float32)
    # Twice as many people play track 4 with track 0.
    matrix = np.vstack([matrix, np.tile(np.array([1, 0, 0, 0, 1], np.float32), (6, 1))])
    found = of_model(matrix, CoListeningConfig(0.0, 0.0, 0.0, neighbours=2))
    assert np.flatnonzero(found[0]).tolist() == [1, 4]


def test_the_training_data_stay_as_they_are() -> None:
    matrix = plays(30, 20, seed=4)
    data = interactions(matrix)
    CoListeningModel().fit(data, [None] * 20)
    np.testing.assert_array_equal(data.preference.toarray(), matrix)


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (4, 0), (4, 5)])
def test_no_plays_are_no_neighbours(shape: tuple[int, int]) -> None:
    model = CoListeningModel().fit(interactions(np.zeros(shape, np.float32)), [None] * shape[1])
    assert model.n_tracks == shape[1]
    assert all(not model.similarity(column).any() for column in range(shape[1]))
