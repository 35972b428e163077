"""Tracks that the same listeners play: a sparse item-item model, degree-normalised.

`S = D_s^-a · Rᵀ D_u^-b R · D_t^-c` with D_s, D_u, D_t the degrees of the source track, the listener and the target track, after
Steck, "Markov Random Fields for Collaborative Filtering" (2019), and the item-based tradition (Sarwar et al., 2001). A history
is scored by adding up its tracks' rows, so an event counts at once.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from segue.models.contract import Catalogue, Columns, Floats, History, Interactions, ReadingModel, dampen, lenient, positive
from segue.models.neighbours import NeighbourReading, likeness_row
from segue.models.parallel import in_threads, processors
from segue.models.rows import Places, SparseList, load_rows, row_of, save_rows
from segue.models.sharpening import Subspace, leading, sharpen

BLOCK_FRACTION = 8
"""All threads together hold blocks of RᵀR of one BLOCK_FRACTION-th of the entries of R; an entry takes about 20 bytes."""
LEAST_BLOCK = 100_000
"""Smaller blocks are all overhead. A single row may be as long as there are tracks."""


@dataclass(frozen=True)
class CoListeningConfig:
    """Exponents as in the module's formula; `neighbours` kept of each track; `rejection`: weight of a negative preference.

    `sharpening`: time t of `segue.models.sharpening`, over at most `rank` eigenvectors: one for each `entries_per_rank`
    interactions, as the finer ones of small data are noise.
    """

    source_exponent: float = 0.6
    listener_exponent: float = 0.5
    target_exponent: float = 0.4
    neighbours: int = 400
    rejection: float = 0.25
    sharpening: float = 1.5
    rank: int = 128
    entries_per_rank: int = 4_000
    seed: int = 11


class CoListeningModel(ReadingModel):
    """`S` of shape (n_tracks, n_tracks), csr, at most `neighbours` entries a row."""

    name = "co_listening"

    def __init__(self, config: CoListeningConfig | None = None) -> None:
        self.config = config or CoListeningConfig()
        self._neighbours = _nothing(0)
        self._broad: Subspace | None = None
        """Of the last fit, from which the next one goes on; not saved."""

    @classmethod
    def of(cls, neighbours: csr_matrix[np.float32], config: CoListeningConfig | None = None) -> Self:
        """A model with this S."""
        model = cls(config)
        model._neighbours = neighbours
        return model

    def fit(self, interactions: Interactions, catalogue: Catalogue) -> Self:  # noqa: ARG002
        # The last fit's S is larger than all that a fit takes: it must be gone before the next one grows.
        self._neighbours = _nothing(interactions.n_tracks)
        liked = _liked(interactions.preference)
        if self.config.sharpening > 0:
            rank = min(self.config.rank, liked.nnz // self.config.entries_per_rank)
            self._broad = leading(liked, rank, self.config.seed, self._broad)
        self._neighbours = _neighbours(liked, self.config)
        if self._broad is not None:
            sharpen(self._neighbours, self._broad, self.config.sharpening)
        return self

    @property
    def n_tracks(self) -> int:
        return int(self._neighbours.shape[0])

    def score_many(self, histories: csr_matrix[np.float32]) -> Floats:
        weighted = histories.copy()
        weighted.data = lenient(dampen(histories.data), self.config.rejection)
        scores: Floats = (weighted @ self._neighbours).toarray()
        return scores

    def read(self, history: History) -> NeighbourReading:
        return NeighbourReading(self, history, self._neighbours, lenient(history.dampened, self.config.rejection))

    def similarity(self, column: int, columns: Columns | None = None) -> Floats:
        return likeness_row(self._neighbours, column, columns)

    def played_with(self, column: int) -> SparseList:
        """The row of the track in `column`; of an unknown one, nothing."""
        near, values = row_of(self._neighbours, column) if column < self.n_tracks else (_NONE, _NONE)
        return SparseList(self.n_tracks, Places(self.n_tracks, near), values.astype(np.float64))

    def save(self, directory: Path) -> None:
        (directory / "config.json").write_text(json.dumps(asdict(self.config)))
        save_rows(directory, "neighbours", self._neighbours)

    @classmethod
    def load(cls, directory: Path) -> Self:
        config = CoListeningConfig(**json.loads((directory / "config.json").read_text()))
        return cls.of(load_rows(directory, "neighbours"), config)


_NONE = np.empty(0, np.int32)


def _nothing(n_tracks: int) -> csr_matrix[np.float32]:
    entries = np.empty(0, np.float32), np.empty(0, np.int32), np.zeros(n_tracks + 1, np.int32)
    return csr_matrix(entries, shape=(n_tracks, n_tracks))


def _liked(preference: csr_matrix[np.float32]) -> csr_matrix[np.float32]:
    """The dampened likes; shares the structure of `preference` where nobody rejects anything."""
    liked = preference if preference.data.min(initial=1.0) > 0 else positive(preference)
    data = liked.data + np.float32(1.0)
    return csr_matrix((np.log2(data, out=data), liked.indices, liked.indptr), shape=preference.shape)


def _neighbours(liked: csr_matrix[np.float32], config: CoListeningConfig) -> csr_matrix[np.float32]:
    """S before sharpening, in blocks of rows: holds the transpose of `liked`, its scaled values, one block and the result."""
    degree = np.asarray(liked.sum(axis=0)).ravel()
    of_listener = np.asarray(liked.sum(axis=1)).ravel()
    by_source = csr_matrix(liked.T, dtype=np.float32)
    by_source.data *= np.repeat(_power(degree, config.source_exponent), np.diff(by_source.indptr))
    scaled = liked.data * np.repeat(_power(of_listener, config.listener_exponent), np.diff(liked.indptr))
    scaled *= _power(degree, config.target_exponent)[liked.indices]
    by_target = csr_matrix((scaled, liked.indices, liked.indptr), shape=liked.shape)
    reach = _reach(by_source, by_target)
    room = int(np.minimum(reach, config.neighbours).sum())
    # Memory that no row fills is never touched, so it is never taken.
    data, indices = np.empty(room, np.float32), np.empty(room, np.int32)
    indptr = np.zeros(liked.shape[1] + 1, np.int64)
    blocks = _row_blocks(reach, max(LEAST_BLOCK, liked.nnz // BLOCK_FRACTION // processors()))
    found = in_threads(lambda rows: _pruned(by_source[rows] @ by_target, rows.start, config.neighbours), blocks)
    for rows, block in zip(blocks, found, strict=True):
        start = int(indptr[rows.start])
        indptr[rows.start + 1 : rows.stop + 1] = start + block.indptr[1:]
        data[start : start + block.nnz], indices[start : start + block.nnz] = block.data, block.indices
    count = int(indptr[-1])
    return csr_matrix((data[:count], indices[:count], indptr), shape=(liked.shape[1], liked.shape[1]))


def _reach(by_source: csr_matrix[np.float32], by_target: csr_matrix[np.float32]) -> npt.NDArray[np.int64]:
    """The most entries that each row of the product can have."""
    row_sizes = np.diff(by_target.indptr).astype(np.int64)
    total = np.concatenate([[0], np.cumsum(row_sizes[by_source.indices])])
    reach: npt.NDArray[np.int64] = np.minimum(np.diff(total[by_source.indptr]), by_target.shape[1])
    return reach


def _row_blocks(reach: npt.NDArray[np.int64], entries: int) -> list[slice]:
    """Blocks of whole rows whose product has at most about that many entries."""
    block = np.cumsum(reach) // entries
    starts = np.flatnonzero(np.diff(block, prepend=-1))
    ends = [*starts[1:], len(block)][: len(starts)]
    return [slice(int(a), int(b)) for a, b in zip(starts, ends, strict=True)]


def _pruned(product: csr_matrix[np.float32], first: int, neighbours: int) -> csr_matrix[np.float32]:
    """The strongest entries of each row, itself left out, in order of column; of equals at the cut the first columns stay.

    `first`: number of the first row. Before sharpening a fit takes 2.3 (gowalla) and 2.1 times (amazon_cds) the bytes of the
    interactions above its result; of its 2 s about 60 % are this pruning.
    """
    counts = np.diff(product.indptr)
    row = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    product.data[product.indices == row + np.int32(first)] = 0.0
    bound = _bounds(product, counts, neighbours)
    kept = np.flatnonzero((product.data >= bound[row]) & (product.data > 0))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row[kept], minlength=len(counts)))])
    strongest = csr_matrix((product.data[kept], product.indices[kept], indptr), shape=product.shape)
    strongest.sort_indices()
    return _without_surplus(strongest, bound, neighbours)


def _bounds(product: csr_matrix[np.float32], counts: npt.NDArray[np.int32], neighbours: int) -> Floats:
    """The value that a row's entry must reach to be among its strongest; 0 where all of them are."""
    bound = np.zeros(len(counts), np.float32)
    for row in np.flatnonzero(counts > neighbours):
        values = product.data[product.indptr[row] : product.indptr[row + 1]]
        bound[row] = np.partition(values, len(values) - neighbours)[len(values) - neighbours]
    return bound


def _without_surplus(strongest: csr_matrix[np.float32], bound: Floats, neighbours: int) -> csr_matrix[np.float32]:
    """At most `neighbours` of each row, given those that reach the bound: only its equals can be too many."""
    counts = np.diff(strongest.indptr)
    surplus = counts - neighbours
    if surplus.max(initial=0) <= 0:
        return strongest
    row = np.repeat(np.arange(len(counts)), counts)
    equal = np.flatnonzero(strongest.data == bound[row])
    row_of_equal = row[equal]
    n_equal = np.bincount(row_of_equal, minlength=len(counts))
    rank = np.arange(len(equal)) - (np.cumsum(n_equal) - n_equal)[row_of_equal]
    dropped = equal[rank >= (n_equal - np.maximum(surplus, 0))[row_of_equal]]
    indptr = np.concatenate([[0], np.cumsum(np.minimum(counts, neighbours))])
    data, indices = np.delete(strongest.data, dropped), np.delete(strongest.indices, dropped)
    return csr_matrix((data, indices, indptr), shape=strongest.shape)


def _power(degree: Floats, exponent: float) -> Floats:
    """`degree^-exponent`, 0 where nobody played."""
    known = degree > 0
    scaled: Floats = np.zeros(len(degree), np.float32)
    scaled[known] = degree[known] ** -exponent
    return scaled
