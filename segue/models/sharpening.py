"""Takes broad taste out of co-listening, so that what is left is local: the songs that belong to each other.

Co-listening `S` mixes broad taste (the leading eigenvectors of the normalised co-occurrence `L = AᵀA`, `A = D_u^-½ R D_t^-½`)
with neighbourhoods. The blend has ALS for broad taste, so `S` is filtered by `exp(-tL)`, restricted to the leading subspace V of
L: `S' = S - S V (1 - exp(-tΛ)) Vᵀ`, kept where S has entries. The idea of a sharpening filter is from Choi et al.,
"Blurring-Sharpening Process Models for Collaborative Filtering" (SIGIR 2023), which filters each listener's scores instead.

Measured by recall and NDCG@20 of the blend on a fifth held out of each listener's training rows: +2 / +3 % on gowalla, no loss on
amazon_cds; it costs a third of an ALS fit, and nothing at answer time.
"""

from __future__ import annotations

import faiss
import numpy as np
from scipy.sparse import csr_matrix, diags
from sklearn.utils.extmath import randomized_svd

from segue.models.contract import Floats

POWER_ITERATIONS = 3
"""Fewer miss the leading subspace: with one, half of the gain is lost."""
BLOCK_ENTRIES = 2_000_000
"""Entries corrected at once: their indices take 32 MB."""


def sharpened(
    neighbours: csr_matrix[np.float32], liked: csr_matrix[np.float32], rank: int, time: float, seed: int
) -> csr_matrix[np.float32]:
    """`neighbours` (n_tracks, n_tracks) less its part in the `rank` leading eigenvectors; entries that fall to 0 or below go.

    `liked`: (n_rows, n_tracks), what the neighbours were counted from. `time`: t of the formula; 0 changes nothing, and at
    infinity the subspace is gone.
    """
    rank = min(rank, min(liked.shape) - 1)
    if rank < 1 or time <= 0.0 or neighbours.nnz == 0:
        return neighbours
    vectors, eigenvalues = _leading(liked, rank, seed)
    removed = np.ascontiguousarray((neighbours @ vectors) * (1.0 - np.exp(-time * eigenvalues)), np.float32)
    data = neighbours.data[: neighbours.nnz] - _products(removed, vectors, neighbours)
    # Copied: eliminate_zeros works in place, and the arrays are the caller's.
    indices, indptr = neighbours.indices[: neighbours.nnz].copy(), neighbours.indptr.copy()
    kept = csr_matrix((np.maximum(data, np.float32(0)), indices, indptr), shape=neighbours.shape)
    kept.eliminate_zeros()
    return kept


def _leading(liked: csr_matrix[np.float32], rank: int, seed: int) -> tuple[Floats, Floats]:
    """The leading eigenvectors of L (n_tracks, rank) and their eigenvalues (rank,), which lie in 0..1."""
    rows, columns = (_inverse_root(np.asarray(liked.sum(axis=axis)).ravel()) for axis in (1, 0))
    normalised = csr_matrix(diags(rows) @ liked @ diags(columns), dtype=np.float32)
    _, singular, vectors = randomized_svd(
        normalised, rank, n_iter=POWER_ITERATIONS, power_iteration_normalizer="QR", random_state=seed
    )
    return np.ascontiguousarray(vectors.T, np.float32), (singular**2).astype(np.float32)


def _products(left: Floats, right: Floats, pattern: csr_matrix[np.float32]) -> Floats:
    """`left[i] · right[j]` for each entry (i, j) of the pattern, in its order."""
    products = np.empty(pattern.nnz, np.float32)
    row = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    for start in range(0, pattern.nnz, BLOCK_ENTRIES):
        part = slice(start, start + BLOCK_ENTRIES)
        i, j = row[part], pattern.indices[part].astype(np.int64)
        found = products[part]
        pointers = [faiss.swig_ptr(array) for array in (left, i, right, j, found)]
        faiss.pairwise_indexed_inner_product(left.shape[1], len(found), *pointers)  # type: ignore[attr-defined]
    return products


def _inverse_root(degree: Floats) -> Floats:
    return np.where(degree > 0, 1.0 / np.sqrt(np.where(degree > 0, degree, 1.0)), 0.0).astype(np.float32)
