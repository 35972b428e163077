"""Mean and spread of a list of scores without making the list.

Scores that are linear, `s = V x` with one row of V for each track, have the mean `v̄·x` and the variance `xᵀ Cov x`: both of V
alone, so they are worked out once. Exact but for rounding, and no pass over the catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite, sqrt

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from segue.models.rows import entries_of

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Tags = npt.NDArray[np.int32]
SINGLE = 1e-6
"""What products that are kept in single precision are good for."""


@dataclass(frozen=True)
class Moments:
    """Mean and standard deviation of a list; the latter infinite when the list has no spread, so says nothing."""

    mean: float
    spread: float

    @classmethod
    def of_sums(cls, n: int, total: float, squares: float, rounding: float = 1e-12) -> Moments:
        """From the sum and the sum of squares of `n` scores, of which the latter is known to `rounding`, relatively."""
        mean = total / max(n, 1)
        return cls.of_variance(mean, squares / max(n, 1) - mean * mean, squares / max(n, 1), rounding)

    @classmethod
    def of_variance(cls, mean: float, variance: float, mean_square: float, rounding: float = 1e-12) -> Moments:
        """From a variance: a trace of it beside the mean of the squares is what rounding has left of a constant list."""
        return cls(mean, sqrt(variance) if variance > rounding * mean_square else float("inf"))

    @classmethod
    def of_list(cls, scores: Floats) -> Moments:
        """Of the scores themselves."""
        mean = float(scores.mean(dtype=np.float64)) if len(scores) else 0.0
        centred = scores - np.float32(mean)
        variance = float(np.dot(centred, centred)) / max(len(scores), 1)
        return cls.of_variance(mean, variance, variance + mean * mean)

    def without(self, n: int, some: Floats) -> Moments:
        """Those of the rest, where `some` of the `n` scores are left out."""
        rest = n - len(some)
        if len(some) == 0 or not isfinite(self.spread):
            return self
        if rest == 0:
            return Moments(0.0, float("inf"))
        deviation = np.subtract(some, self.mean, dtype=np.float64)
        shift, removed = float(deviation.sum()) / rest, float(deviation @ deviation) / rest
        variance = self.spread**2 * n / rest - removed - shift * shift
        # What is taken away is known in single precision.
        return Moments.of_variance(self.mean - shift, variance, removed, SINGLE)


@dataclass(frozen=True)
class DenseMoments:
    """Of rows V (n, d): their mean (d,) and covariance (d, d)."""

    mean: Doubles
    covariance: Doubles

    @classmethod
    def of(cls, rows: Floats, gram: Doubles) -> DenseMoments:
        """`gram`: VᵀV."""
        n = max(len(rows), 1)
        mean = rows.sum(axis=0, dtype=np.float64) / n
        return cls(mean, gram / n - np.outer(mean, mean))

    def along(self, direction: Floats) -> Moments:
        """Of the scores `V @ direction`."""
        mean = float(self.mean @ direction)
        variance = float(direction @ self.covariance @ direction)
        return Moments.of_variance(mean, variance, variance + mean * mean)


@dataclass(frozen=True)
class TaggedMoments:
    """Of rows [S | T] with a dense part S (n, d) and sparse tags T (n, t): sums and products over the rows.

    `tag_products`: csr (t, t), the part of TᵀT in which the row's tag is the rarer one or the same, those of two tags doubled. So
    the row of a tag holds few entries, however many tracks a genre has. `rank`: of each tag, the most common first.
    """

    n: int
    dense_sum: Doubles
    dense_products: Doubles
    tag_sum: Doubles
    cross: Floats
    tag_products: csr_matrix[np.float32]
    rank: Tags

    @classmethod
    def of(cls, dense: Floats, tags: csr_matrix[np.float32]) -> TaggedMoments:
        """Of all rows."""
        count = np.bincount(tags.indices, minlength=tags.shape[1])
        rank = np.empty(len(count), np.int32)
        rank[np.argsort(-count, kind="stable")] = np.arange(len(count), dtype=np.int32)
        d = dense.shape[1]
        nothing: csr_matrix[np.float32] = csr_matrix(np.zeros((0, 0), np.float32))
        empty = cls(0, np.zeros(d), np.zeros((d, d)), np.zeros(0), np.zeros((0, d), np.float32), nothing, rank[:0])
        return replace(empty._widened(len(count)), rank=rank).changed(dense, tags, 1)

    def changed(self, dense: Floats, tags: csr_matrix[np.float32], sign: int) -> TaggedMoments:
        """With these rows more (`sign` 1) or fewer (-1); `tags` may be wider than before."""
        grown = self._widened(tags.shape[1])
        exact: csr_matrix[np.float64] = tags.astype(np.float64)
        used = np.flatnonzero(np.bincount(tags.indices, minlength=tags.shape[1]))
        cross = grown.cross.copy()
        cross[used] += sign * np.asarray(exact[:, used].T @ dense.astype(np.float64), np.float32)
        return replace(
            grown,
            n=grown.n + sign * len(dense),
            dense_sum=grown.dense_sum + sign * dense.sum(axis=0, dtype=np.float64),
            dense_products=grown.dense_products + sign * (dense.T.astype(np.float64) @ dense),
            tag_sum=grown.tag_sum + sign * np.bincount(tags.indices, weights=tags.data, minlength=tags.shape[1]),
            cross=cross,
            tag_products=csr_matrix((grown.tag_products + sign * _rarer_rows(exact, grown.rank)).astype(np.float32)),
        )

    def along(self, direction: Floats, tags: Tags, counts: Floats) -> Moments:
        """Of the scores `S @ direction + T @ counts`; `tags`: distinct, those whose `counts` (t,) are not 0."""
        weights = counts[tags].astype(np.float64)
        total = float(self.dense_sum @ direction + self.tag_sum[tags] @ weights)
        squares = float(direction @ self.dense_products @ direction) + 2.0 * float(
            weights @ (self.cross.take(tags, 0) @ direction)
        )
        pairs = entries_of(self.tag_products, tags)
        tag_squares = float(pairs.value @ (weights[pairs.row] * counts[pairs.column]))
        return Moments.of_sums(self.n, total, squares + tag_squares, SINGLE)

    def _widened(self, width: int) -> TaggedMoments:
        more = width - len(self.rank)
        if more == 0:
            return self
        products, last = self.tag_products, self.tag_products.indptr[-1]
        indptr = np.concatenate([products.indptr, np.full(more, last, products.indptr.dtype)])
        return replace(
            self,
            tag_sum=np.concatenate([self.tag_sum, np.zeros(more)]),
            cross=np.concatenate([self.cross, np.zeros((more, self.cross.shape[1]), np.float32)]),
            tag_products=csr_matrix((products.data, products.indices, indptr), shape=(width, width)),
            rank=np.concatenate([self.rank, np.arange(len(self.rank), width, dtype=np.int32)]),
        )


def _rarer_rows(tags: csr_matrix[np.float64], rank: Tags) -> csr_matrix[np.float64]:
    products = (tags.T @ tags).tocoo()
    kept = rank[products.row] >= rank[products.col]
    row, column = products.row[kept], products.col[kept]
    values = products.data[kept] * np.where(row == column, 1.0, 2.0)
    return csr_matrix((values, (row, column)), shape=products.shape)
