"""Cutting interactions into what a model may see and what it is judged by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Split:
    """`known` and `held_out`: csr_matrix of shape (n_listeners, n_tracks), float32; no entry stands in both."""

    known: csr_matrix[np.float32]
    held_out: csr_matrix[np.float32]


def random_split(preference: csr_matrix[np.float32], share: float, seed: int = 0) -> Split:
    """Hold out a random `share` (0..1) of the positive entries. Tunes a model on training data; it knows nothing of time."""
    chance = np.random.default_rng(seed).random(preference.nnz)
    return _split(preference, (chance < share) & (preference.data > 0))


def time_split(
    known: csr_matrix[np.float32], final: csr_matrix[np.float32], first_at_s: csr_matrix[np.float64], cut_s: float
) -> Split:
    """Hold out what listeners *first* met at or after `cut_s` (Unix time) and liked in the end.

    `known`: preferences as of the cut; `final`: as of now; `first_at_s`: when each pair began; all (n_listeners, n_tracks). A
    track played before and after the cut is known, not a discovery.
    """
    begun = final.tocoo()
    first = np.asarray(first_at_s.tocsr()[begun.row, begun.col]).ravel()
    held = (first >= cut_s) & (begun.data > 0)
    held_out = csr_matrix((begun.data[held], (begun.row[held], begun.col[held])), shape=final.shape, dtype=np.float32)
    return Split(known, held_out)


def _split(preference: csr_matrix[np.float32], held: npt.NDArray[np.bool_]) -> Split:
    entries = preference.tocoo()
    parts = [
        csr_matrix((entries.data[mask], (entries.row[mask], entries.col[mask])), shape=preference.shape, dtype=np.float32)
        for mask in (~held, held)
    ]
    return Split(*parts)
