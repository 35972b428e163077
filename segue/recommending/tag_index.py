"""From a name to the columns that carry it, for names that many tracks share: genres, artists, songs, words."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Columns = npt.NDArray[np.int32]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TagIndex:
    """Columns grouped by name: those of the name with code c are `columns[starts[c]:starts[c + 1]]`, in no promised order.

    Immutable: `placed` returns a new index. Its cost is one copy of the arrays plus the changed pairs, never a sort.
    """

    codes: dict[str, int]
    starts: Positions
    columns: Columns

    @classmethod
    def empty(cls) -> TagIndex:
        """Without any name."""
        return cls({}, np.zeros(1, np.int64), np.empty(0, np.int32))

    def __len__(self) -> int:
        return len(self.codes)

    def of(self, name: str) -> Columns:
        """The columns of a name; none for an unknown one."""
        code = self.codes.get(name, -1)
        return self.columns[self.starts[code] : self.starts[code + 1]] if code >= 0 else self.columns[:0]

    def count(self, name: str) -> int:
        """How many columns carry it."""
        return len(self.of(name))

    def of_codes(self, codes: npt.NDArray[np.int32]) -> Columns:
        """The columns of these codes, one after the other."""
        first, last = self.starts[codes], self.starts[codes + 1]
        counts = last - first
        offsets = np.arange(int(counts.sum())) + np.repeat(first - np.cumsum(counts) + counts, counts)
        found: Columns = self.columns[offsets]
        return found

    def placed(self, columns: Columns, names: Sequence[Collection[str]], n_known: int) -> TagIndex:
        """An index in which each of `columns` carries just its `names`; those from `n_known` on are new."""
        codes = dict(self.codes)
        pairs = [
            (codes.setdefault(name, len(codes)), col) for col, own in zip(columns.tolist(), names, strict=True) for name in own
        ]
        new = np.array(pairs, np.int64).reshape(-1, 2)
        return self._without(columns[columns < n_known], n_known)._inserted(codes, new[np.argsort(new[:, 0], kind="stable")])

    def _without(self, columns: Columns, n_known: int) -> TagIndex:
        if len(columns) == 0 or len(self.columns) == 0:
            return self
        leaving = np.zeros(n_known, np.bool_)
        leaving[columns] = True
        gone = np.flatnonzero(leaving[self.columns])
        code = np.searchsorted(self.starts, gone, side="right") - 1
        fewer = np.cumsum(np.bincount(code, minlength=len(self.starts) - 1))
        return TagIndex(self.codes, self.starts - np.concatenate([[0], fewer]), np.delete(self.columns, gone))

    def _inserted(self, codes: dict[str, int], pairs: npt.NDArray[np.int64]) -> TagIndex:
        """`pairs` of (code, column), shape (n, 2), ascending by code."""
        starts = np.concatenate([self.starts, np.full(len(codes) + 1 - len(self.starts), self.starts[-1])])
        columns = np.insert(self.columns, starts[pairs[:, 0] + 1], pairs[:, 1].astype(np.int32))
        more = np.cumsum(np.bincount(pairs[:, 0], minlength=len(codes)))
        return TagIndex(codes, starts + np.concatenate([[0], more]), columns)
