"""The vectors of greatest inner product with a query, without reading all of them: an inverted file (FAISS) of measured recall.

Vectors are grouped around centroids and kept in eight bits a component, and only the groups nearest to the query are read
(Jégou, Douze, Schmid, "Product Quantization for Nearest Neighbor Search", PAMI 2011, section IV). Callers score what is found
exactly, so eight bits cost a little recall and no order. How many groups are read is what the recall on sampled queries needs.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import Any

import faiss as typed_faiss
import numpy as np
import numpy.typing as npt

from segue.logs import fields
from segue.models.contract import Columns, Floats, Mask

faiss: Any = typed_faiss
"""Its types do not know the constructors and attributes that it adds in Python."""
log = logging.getLogger(__name__)

EXACT_TRACKS = 20_000
"""A catalogue up to this is scored whole: reading it takes no longer than looking things up."""
LEAST_RECALL = 0.95
CANDIDATES = 300
"""Looked up for one answer of ten by each model."""
RECALL_AT = 100
"""So many of the true best are looked for among the CANDIDATES."""
MOST_LISTS = 1_024
SAMPLED_PER_LIST = 64
ITERATIONS = 8
FIRST_PROBES = 8
USUAL_PROBES = 64
"""Groups that are read where no query could be sampled."""
MOST_READ = 200_000
"""Vectors for one query, of 64 components 1.5 ms: a recall that needs more is not worth the time."""
FEW_HIDDEN = 16
"""Columns, such as a song's own versions, that are found and dropped instead of being looked out for."""
MOST_WIDENED = 4.0
"""Under filters at most so many times as many groups: of a million, one in ten allowed, all groups would take 11 ms, this 4."""


class UnreadableIndex(Exception):
    """Stored files that do not hold the index that is needed; it has to be built anew."""


@dataclass(frozen=True)
class IndexReport:
    """What was built, for the snapshot's manifest.

    `probes` of `lists` groups are read; `recall_at_100`: share of the true 100 best among CANDIDATES, the mean over `queries`
    sampled ones, None without any; `seconds` to build and to measure.
    """

    vectors: int
    dimensions: int
    lists: int
    probes: int
    queries: int = 0
    recall_at_100: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class VectorIndex:
    """Immutable; searches may run side by side."""

    inverted: Any
    probes: int
    """Groups read for each query when everything is allowed."""

    @classmethod
    def trained(cls, vectors: Floats, columns: Columns, probes: int = USUAL_PROBES) -> VectorIndex:
        """Over the vectors (n, d) of `columns` (n,). Two passes of k-means over a sample, one over all."""
        lists = max(1, min(int(2 * np.sqrt(len(vectors))), len(vectors), MOST_LISTS))
        inverted = faiss.index_factory(vectors.shape[1], f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT)
        clustering = inverted.cp
        clustering.niter, clustering.max_points_per_centroid, clustering.min_points_per_centroid = ITERATIONS, SAMPLED_PER_LIST, 1
        sample = np.random.default_rng(0).permutation(len(vectors))[: lists * SAMPLED_PER_LIST]
        inverted.train(_rows(vectors[np.sort(sample)] if len(sample) else np.zeros((1, vectors.shape[1]))))
        inverted.add_with_ids(_rows(vectors), columns.astype(np.int64))
        return cls(inverted, min(probes, lists))

    @cached_property
    def lists(self) -> int:
        """Number of groups."""
        return int(self.inverted.nlist)

    def with_probes(self, probes: int) -> VectorIndex:
        """The same, reading that many groups."""
        return replace(self, probes=min(probes, self.lists))

    def with_vectors(self, vectors: Floats, columns: Columns) -> VectorIndex:
        """A copy with these too; a column that it has already is then found by either vector."""
        grown = faiss.clone_index(self.inverted)
        grown.add_with_ids(_rows(vectors), columns.astype(np.int64))
        return replace(self, inverted=grown)

    def search(self, query: Floats, n: int, allowed: Mask | None = None) -> Columns:
        """About the `n` columns of greatest inner product with `query` (d,), in no promised order; never fewer than there are.

        `allowed` (None: all): which columns may be found; the fewer, the more groups are read, up to MOST_WIDENED times as many.
        """
        if n <= 0:
            return np.empty(0, np.int32)
        eligible = 1 if allowed is None else max(int(np.count_nonzero(allowed)), 1)
        widened = 1.0 if allowed is None else min(MOST_WIDENED, len(allowed) / eligible)
        probes = min(self.lists, ceil(self.probes * widened))
        found = self._found(query, n, allowed, probes)
        return found if len(found) == n or probes == self.lists else self._found(query, n, allowed, self.lists)

    def report(self) -> IndexReport:
        """Nothing measured."""
        return IndexReport(int(self.inverted.ntotal), int(self.inverted.d), self.lists, self.probes)

    def save(self, path: Path) -> None:
        """One file, without the number of probes."""
        faiss.write_index(self.inverted, str(path))

    @classmethod
    def load(cls, path: Path, expected: IndexReport, shape: tuple[int, int]) -> VectorIndex:
        """What `save` wrote, read into memory: a mapped index can neither be copied nor grown. Raises UnreadableIndex.

        `shape`: (n, d) of the vectors that the model has for it. The caller has checked the file's sum: FAISS trusts the sizes
        that a file names.
        """
        try:
            inverted = faiss.read_index(str(path))
        except RuntimeError as error:
            raise UnreadableIndex(f"FAISS {faiss.__version__} does not read {path.name}: {error}") from error
        if not isinstance(inverted, faiss.IndexIVF):
            raise UnreadableIndex(f"{path.name} holds a {type(inverted).__name__}")
        index = cls(inverted, expected.probes)
        if index.report() != replace(expected, queries=0, recall_at_100=None, seconds=0.0):
            raise UnreadableIndex(f"{path.name} holds {index.report()} instead of {expected}")
        if (expected.vectors, expected.dimensions) != shape:
            raise UnreadableIndex(f"{path.name} is of {expected.vectors} x {expected.dimensions} numbers, the model of {shape}")
        return index

    def _found(self, query: Floats, n: int, allowed: Mask | None, probes: int) -> Columns:
        if allowed is None:
            return self._nearest(query, n, None, probes)
        hidden = len(allowed) - int(np.count_nonzero(allowed))
        if hidden <= FEW_HIDDEN:
            # Dropping a few of what was found takes less than asking of each vector whether it may be.
            found = self._nearest(query, n + hidden, None, probes)
            return found[allowed[found]][:n]
        # The selector reads the bits, and the search reads the selector, so both must live as long.
        bits = np.packbits(allowed, bitorder="little")
        return self._nearest(query, n, faiss.IDSelectorBitmap(bits), probes)

    def _nearest(self, query: Floats, n: int, selector: Any, probes: int) -> Columns:
        parameters = faiss.SearchParametersIVF(sel=selector, nprobe=probes)
        found = self.inverted.search(query[None, :], n, params=parameters)[1][0]
        return np.asarray(found[found >= 0], np.int32)


def tuned(
    index: VectorIndex, truth: Sequence[Columns], found: Callable[[VectorIndex, int], Columns], start: float
) -> tuple[VectorIndex, IndexReport]:
    """The index with as few probes as meet LEAST_RECALL, reading at most MOST_READ; as it is where there is no truth.

    `truth`: the true best of each query; `found(index, i)` answers query i; `start` of the building (`time.perf_counter()`).
    """
    if not any(len(best) for best in truth):
        return index, replace(index.report(), seconds=round(time.perf_counter() - start, 2))
    most = max(1, int(index.lists * min(1.0, MOST_READ / max(int(index.inverted.ntotal), 1))))
    index = index.with_probes(min(FIRST_PROBES, most))
    while (recall := _recall(index, truth, found)) < LEAST_RECALL and index.probes < most:
        index = index.with_probes(min(2 * index.probes, most))
    if recall < LEAST_RECALL:
        log.warning(
            "index misses tracks that are among the best",
            extra=fields(recall_at_100=round(recall, 3), wanted=LEAST_RECALL, probes=index.probes, lists=index.lists),
        )
    measured = {"queries": len(truth), "recall_at_100": round(recall, 4), "seconds": round(time.perf_counter() - start, 2)}
    return index, replace(index.report(), **measured)  # type: ignore[arg-type]


def _recall(index: VectorIndex, truth: Sequence[Columns], found: Callable[[VectorIndex, int], Columns]) -> float:
    return float(np.mean([np.isin(best, found(index, i)).mean() for i, best in enumerate(truth) if len(best)]))


def _rows(vectors: npt.NDArray[np.floating]) -> Floats:
    return np.ascontiguousarray(vectors, np.float32)
