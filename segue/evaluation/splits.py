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


def share_split(preference: csr_matrix[np.float32], share: float, seed: int = 0) -> Split:
    """Hold out a random `share` (0..1) of each listener's liked tracks, rounded; at least one stays known.

    `preference`: csr (n_listeners, n_tracks). Unlike `random_split`, every listener with enough likes is judged.
    """
    chance = np.random.default_rng(seed).random(preference.nnz)
    liked, rank = _ranks(preference, chance)
    n_liked = np.bincount(liked, minlength=preference.shape[0])
    wanted = np.rint(share * n_liked).astype(np.int64)
    return _split(preference, _first(preference, rank, liked, np.minimum(wanted, n_liked - 1)))


def last_split(preference: csr_matrix[np.float32], first_at_s: csr_matrix[np.float64], last: int) -> Split:
    """Hold out the `last` liked tracks that each listener met most recently for the first time; at least one stays known.

    `first_at_s`: csr of the same shape (n_listeners, n_tracks), Unix time at which each pair began, 0 where that is not known.
    The rest stays as it is now: later plays of known tracks are seen, which a time split avoids.
    """
    entries = preference.tocoo()
    begun = np.asarray(first_at_s.tocsr()[entries.row, entries.col]).ravel()
    liked, rank = _ranks(preference, -begun)
    n_liked = np.bincount(liked, minlength=preference.shape[0])
    return _split(preference, _first(preference, rank, liked, np.minimum(last, n_liked - 1)))


def _ranks(preference: csr_matrix[np.float32], key: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The row of each positive entry, and its place (from 0) within the row when sorted by `key`, both in order of entry."""
    row = np.repeat(np.arange(preference.shape[0]), np.diff(preference.indptr))[preference.data > 0]
    order = np.lexsort((key[preference.data > 0], row))
    start = np.searchsorted(row, np.arange(preference.shape[0]))
    rank = np.empty(len(row), np.intp)
    rank[order] = np.arange(len(row)) - start[row[order]]
    return row, rank


def _first(
    preference: csr_matrix[np.float32], rank: npt.NDArray[np.intp], row: npt.NDArray[np.intp], wanted: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    held = np.zeros(preference.nnz, np.bool_)
    held[np.flatnonzero(preference.data > 0)] = rank < wanted[row]
    return held


def _split(preference: csr_matrix[np.float32], held: npt.NDArray[np.bool_]) -> Split:
    entries = preference.tocoo()
    parts = [
        csr_matrix((entries.data[mask], (entries.row[mask], entries.col[mask])), shape=preference.shape, dtype=np.float32)
        for mask in (~held, held)
    ]
    return Split(*parts)
