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
from scipy.sparse import csr_matrix, diags

from segue.models.contract import Catalogue, Columns, Floats, History, Interactions, Reading, ReadingModel, dampen, positive
from segue.models.moments import Moments
from segue.models.rows import Entries, Places, SparseList, entries_of
from segue.models.sharpening import sharpened

BLOCK_ENTRIES = 20_000_000
"""Entries of RᵀR held at once while fitting: about 240 MB."""


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
    sharpening: float = 1.0
    rank: int = 128
    entries_per_rank: int = 4_000
    seed: int = 11


class CoListeningModel(ReadingModel):
    """`S` of shape (n_tracks, n_tracks), csr, at most `neighbours` entries a row."""

    name = "co_listening"

    def __init__(self, config: CoListeningConfig | None = None) -> None:
        self.config = config or CoListeningConfig()
        self._neighbours: csr_matrix[np.float32] = csr_matrix(np.zeros((0, 0), np.float32))

    @classmethod
    def of(cls, neighbours: csr_matrix[np.float32], config: CoListeningConfig | None = None) -> Self:
        """A model with this S."""
        model = cls(config)
        model._neighbours = neighbours
        return model

    def fit(self, interactions: Interactions, catalogue: Catalogue) -> Self:  # noqa: ARG002
        liked = positive(interactions.preference)
        liked.data = dampen(liked.data)
        rank = min(self.config.rank, liked.nnz // self.config.entries_per_rank)
        neighbours = _neighbours(liked, self.config)
        self._neighbours = sharpened(neighbours, liked, rank, self.config.sharpening, self.config.seed)
        return self

    @property
    def n_tracks(self) -> int:
        return int(self._neighbours.shape[0])

    def score_many(self, histories: csr_matrix[np.float32]) -> Floats:
        weighted = histories.copy()
        weighted.data = self.weights(histories.data)
        scores: Floats = (weighted @ self._neighbours).toarray()
        return scores

    def read(self, history: History) -> CoListeningReading:
        return CoListeningReading(self, history)

    @property
    def neighbours(self) -> csr_matrix[np.float32]:
        """S."""
        return self._neighbours

    def similarity(self, column: int, columns: Columns | None = None) -> Floats:
        part = slice(self._neighbours.indptr[column], self._neighbours.indptr[column + 1])
        scores = np.zeros(self.n_tracks, np.float32)
        scores[self._neighbours.indices[part]] = self._neighbours.data[part]
        return scores if columns is None else np.asarray(scores[columns], np.float32)

    def save(self, directory: Path) -> None:
        (directory / "config.json").write_text(json.dumps(asdict(self.config)))
        for part in ("data", "indices", "indptr"):
            np.save(directory / f"neighbours_{part}.npy", getattr(self._neighbours, part), allow_pickle=False)

    @classmethod
    def load(cls, directory: Path) -> Self:
        config = CoListeningConfig(**json.loads((directory / "config.json").read_text()))
        data, indices, indptr = (
            np.load(directory / f"neighbours_{part}.npy", allow_pickle=False) for part in ("data", "indices", "indptr")
        )
        n_tracks = len(indptr) - 1
        return cls.of(csr_matrix((data, indices, indptr), shape=(n_tracks, n_tracks)), config)

    def weights(self, preference: Floats) -> Floats:
        """What each preference of a history counts."""
        dampened: Floats = dampen(preference)
        return np.where(dampened > 0, dampened, np.float32(self.config.rejection) * dampened).astype(np.float32)


class CoListeningReading(Reading):
    """The neighbours of a history's tracks, added up; most tracks are nobody's neighbour."""

    def __init__(self, model: CoListeningModel, history: History) -> None:
        super().__init__(model, history)
        self._n, weights = model.n_tracks, model.weights(history.preference)
        self._inside = np.flatnonzero((history.columns < self._n) & (history.columns >= 0) & (weights != 0))
        near = entries_of(model.neighbours, history.columns[self._inside])
        self._near = Entries(near.row, near.column, near.value * weights[self._inside][near.row])
        self._list = SparseList.summed(self._n, near.column, self._near.value)

    def scores(self, columns: Columns | None = None) -> Floats:
        if columns is None:
            return self._list.dense()
        scores = np.zeros(len(columns), np.float32)
        known = (columns >= 0) & (columns < self._n)
        scores[known] = self._list.at(columns[known])
        return scores

    def moments(self) -> Moments:
        return Moments.of_sums(self._n, float(self._list.values.sum()), float(self._list.values @ self._list.values))

    def contributions(self, columns: Columns) -> Floats:
        shares = np.zeros((len(columns), len(self.history)), np.float32)
        known = np.flatnonzero(columns < self._n)
        place = Places(self._n, columns[known]).of(self._near.column)
        asked = np.flatnonzero(place >= 0)
        shares[known[place[asked]], self._inside[self._near.row[asked]]] = self._near.value[asked]
        return shares


def _neighbours(liked: csr_matrix[np.float32], config: CoListeningConfig) -> csr_matrix[np.float32]:
    degree = np.asarray(liked.sum(axis=0)).ravel()
    by_listener = diags(_power(np.asarray(liked.sum(axis=1)).ravel(), config.listener_exponent)) @ liked
    by_target = csr_matrix(by_listener @ diags(_power(degree, config.target_exponent)), dtype=np.float32)
    by_source = csr_matrix(diags(_power(degree, config.source_exponent)) @ liked.T, dtype=np.float32)
    blocks = [_pruned(by_source[rows] @ by_target, rows, config.neighbours) for rows in _row_blocks(by_source, liked)]
    data, indices, counts = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return csr_matrix((data, indices, indptr), shape=(liked.shape[1], liked.shape[1]))


def _row_blocks(by_source: csr_matrix[np.float32], liked: csr_matrix[np.float32]) -> list[slice]:
    """Blocks of rows whose product can have at most about BLOCK_ENTRIES entries."""
    row_sizes = np.diff(liked.indptr).astype(np.int64)
    reach = np.add.reduceat(np.append(row_sizes[by_source.indices], 0), np.minimum(by_source.indptr[:-1], by_source.nnz))
    reach = np.minimum(np.where(np.diff(by_source.indptr) > 0, reach, 0), liked.shape[1])
    block = np.cumsum(reach) // BLOCK_ENTRIES
    starts = np.flatnonzero(np.diff(block, prepend=-1))
    ends = np.append(starts, len(block))[1:]
    return [slice(int(a), int(b)) for a, b in zip(starts, ends, strict=True)] or [slice(0, 0)]


def _pruned(
    product: csr_matrix[np.float32], rows: slice, neighbours: int
) -> tuple[Floats, Columns, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """The strongest entries of each row, itself left out, in order of column."""
    data: list[Floats] = []
    indices: list[Columns] = []
    for row in range(product.shape[0]):
        part = slice(product.indptr[row], product.indptr[row + 1])
        other = product.indices[part] != rows.start + row
        columns, values = product.indices[part][other], product.data[part][other]
        if len(values) > neighbours:
            kept = np.argpartition(-values, neighbours)[:neighbours]
            columns, values = columns[kept], values[kept]
        order = np.argsort(columns)
        indices.append(columns[order].astype(np.int32))
        data.append(values[order].astype(np.float32))
    counts = np.array([len(values) for values in data], np.int64)
    empty_data, empty_indices = np.empty(0, np.float32), np.empty(0, np.int32)
    return np.concatenate([*data, empty_data]), np.concatenate([*indices, empty_indices]), counts


def _power(degree: np.ndarray[tuple[int], np.dtype[np.float32]], exponent: float) -> Floats:
    """`degree^-exponent`, 0 where nobody played."""
    known = degree > 0
    scaled: Floats = np.zeros(len(degree), np.float32)
    scaled[known] = degree[known] ** -exponent
    return scaled
