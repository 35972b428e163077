from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from segue.models.sharpening import leading, sharpen

LIKED = csr_matrix((np.random.default_rng(3).random((40, 12)) < 0.3).astype(np.float32))


def counted() -> csr_matrix[np.float32]:
    product = csr_matrix(LIKED.T @ LIKED, dtype=np.float32)
    product.setdiag(0)
    product.eliminate_zeros()
    return product


def sharpened(
    neighbours: csr_matrix[np.float32], liked: csr_matrix[np.float32], rank: int, time: float
) -> csr_matrix[np.float32]:
    found = neighbours.copy()
    sharpen(found, leading(liked, rank, seed=1), time)
    return found


def filtered(neighbours: np.ndarray, rank: int, time: float) -> np.ndarray:
    """The formula, on dense matrices in double precision."""
    liked = LIKED.toarray().astype(np.float64)
    normalised = liked / np.sqrt(liked.sum(axis=1, keepdims=True)) / np.sqrt(liked.sum(axis=0))
    values, vectors = np.linalg.eigh(normalised.T @ normalised)
    leading = vectors[:, -rank:] * (1.0 - np.exp(-time * values[-rank:])) @ vectors[:, -rank:].T
    return np.where(neighbours > 0, np.maximum(neighbours - neighbours @ leading, 0.0), 0.0)


@pytest.mark.parametrize("rank", [1, 4, 11])
@pytest.mark.parametrize("time", [0.5, 20.0])
def test_takes_out_the_leading_eigenvectors(rank: int, time: float) -> None:
    neighbours = counted()
    found = sharpened(neighbours, LIKED, rank, time)
    np.testing.assert_allclose(found.toarray(), filtered(neighbours.toarray(), rank, time), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("rank", "time"), [(0, 1.5), (5, 0.0)])
def test_nothing_to_take_out_leaves_the_neighbours_alone(rank: int, time: float) -> None:
    neighbours = counted()
    np.testing.assert_array_equal(sharpened(neighbours, LIKED, rank, time).toarray(), neighbours.toarray())


def test_more_eigenvectors_than_there_are_is_as_many_as_there_are() -> None:
    neighbours = counted()
    most = sharpened(neighbours, LIKED, 11, 1.5)
    np.testing.assert_allclose(sharpened(neighbours, LIKED, 500, 1.5).toarray(), most.toarray(), rtol=1e-6)


def test_tracks_and_listeners_without_likes_do_no_harm() -> None:
    empty = csr_matrix(np.zeros((5, 4), np.float32))
    assert sharpened(csr_matrix(np.zeros((4, 4), np.float32)), empty, 2, 1.5).nnz == 0


def test_going_on_from_the_subspace_of_nearly_the_same_likes_ends_in_that_of_the_new_ones() -> None:
    earlier = csr_matrix(np.where(np.random.default_rng(4).random(LIKED.shape) < 0.05, 0.0, LIKED.toarray()).astype(np.float32))
    cold, warm = leading(LIKED, 4, seed=1), leading(LIKED, 4, seed=1, start=leading(earlier, 4, seed=1))
    np.testing.assert_allclose(warm.eigenvalues, cold.eigenvalues, rtol=0.05)
    assert np.linalg.svd(warm.vectors.T @ cold.vectors)[1][0] > 0.99


def test_a_start_of_another_size_is_no_start() -> None:
    start = leading(LIKED, 3, seed=1)
    np.testing.assert_array_equal(leading(LIKED, 4, seed=1, start=start).vectors, leading(LIKED, 4, seed=1).vectors)
