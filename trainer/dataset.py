"""From rows of Postgres to the matrices that models learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, vstack

from segue.catalogue import Track
from segue.evaluation.splits import Split, time_split
from segue.models.contract import MAX_PREFERENCE, Interactions
from segue.models.transitions import OrderedListens
from segue.stores.postgres.training import Pairs, TrainingData
from segue.taste import TasteWeights, as_of, preference

Real = TypeVar("Real", np.float32, np.float64)

PLAYLIST_WEIGHT = 1.0
"""Preference that membership in a playlist stands for: that of one full play."""
LEAST_PLAYLIST_TRACKS = 2
"""A playlist of one track says nothing about what goes together."""


@dataclass(frozen=True)
class Dataset:
    """`interactions`: everything, listeners first, then playlists. `catalogue`: the track of each column, None for a stub.

    `validation`: the listeners' rows cut in time, None where there are no listens to cut. `past_transitions`: what was played
    after what before the cut; `later_listens`: what a sample of listeners played since, its track numbers known columns'.
    """

    interactions: Interactions
    catalogue: tuple[Track | None, ...]
    validation: Split | None
    past_transitions: csr_matrix[np.float32] | None = None
    later_listens: OrderedListens = field(default_factory=OrderedListens.none)

    def before_cut(self) -> Interactions:
        """What the models may see when they are judged by the validation part."""
        if self.validation is None:
            return self.interactions
        playlists = self.interactions.preference[self.interactions.listeners :]
        rows = csr_matrix(vstack([self.validation.known, playlists], format="csr", dtype=np.float32))
        return Interactions(rows, self.interactions.track_nos, self.interactions.listeners, self.past_transitions)


def built(data: TrainingData, tracks: Sequence[Track], weights: TasteWeights, now_s: float) -> Dataset:
    """The dataset as of `now_s` (Unix time), to which all weights are decayed."""
    by_no = {track.track_no: track for track in tracks}
    named = np.fromiter(by_no, np.int32, len(by_no))
    track_nos = np.unique(np.concatenate([named, data.pairs.track_no, data.playlist_track_no])).astype(np.int32)
    user_nos = np.unique(data.pairs.user_no)
    listeners = _listeners(data.pairs, user_nos, track_nos, weights, now_s)
    playlists = _playlists(data, track_nos)
    rows = csr_matrix(vstack([listeners, playlists], format="csr", dtype=np.float32))
    return Dataset(
        Interactions(rows, track_nos, len(user_nos), data.past_transitions.plus(data.later_transitions).matrix(track_nos)),
        tuple(by_no.get(number) for number in track_nos.tolist()),
        _validation(data, listeners, user_nos, track_nos, weights),
        data.past_transitions.matrix(track_nos),
        data.later_listens.at(np.isin(data.later_listens.track_no, track_nos)),
    )


def first_heard(data: TrainingData, track_nos: npt.NDArray[np.int32]) -> csr_matrix[np.float64]:
    """When each listener met each track: Unix time, csr (n_listeners, n_tracks), rows and columns as in `built`.

    Empty where there are no listens to tell.
    """
    user_nos = np.unique(data.pairs.user_no)
    if data.past is None:
        nothing = np.empty(0, np.int32)
        return csr_matrix((np.empty(0), (nothing, nothing)), shape=(len(user_nos), len(track_nos)))
    past = _of_known_users(data.past, user_nos, track_nos)
    return _matrix(past, past.at_s, user_nos, track_nos)


def _listeners(
    pairs: Pairs, user_nos: npt.NDArray[np.int32], track_nos: npt.NDArray[np.int32], weights: TasteWeights, now_s: float
) -> csr_matrix[np.float32]:
    liking = preference(as_of(pairs.weight, now_s, weights), pairs.stance.astype(np.int8), pairs.saves.astype(np.int16), weights)
    return _matrix(pairs, liking.clip(-MAX_PREFERENCE, MAX_PREFERENCE).astype(np.float32), user_nos, track_nos)


def _validation(
    data: TrainingData,
    final: csr_matrix[np.float32],
    user_nos: npt.NDArray[np.int32],
    track_nos: npt.NDArray[np.int32],
    weights: TasteWeights,
) -> Split | None:
    if data.past is None or data.cut_s is None:
        return None
    past = _of_known_users(data.past, user_nos, track_nos)
    known = _listeners(past, user_nos, track_nos, weights, data.cut_s)
    known.eliminate_zeros()
    return time_split(known, final, first_heard(data, track_nos), data.cut_s)


def _of_known_users(pairs: Pairs, user_nos: npt.NDArray[np.int32], track_nos: npt.NDArray[np.int32]) -> Pairs:
    """Listens whose user was deleted since have no row in the matrix."""
    kept = np.isin(pairs.user_no, user_nos) & np.isin(pairs.track_no, track_nos)
    return Pairs(**{name: getattr(pairs, name)[kept] for name in Pairs.__dataclass_fields__})


def _matrix(
    pairs: Pairs, values: npt.NDArray[Real], user_nos: npt.NDArray[np.int32], track_nos: npt.NDArray[np.int32]
) -> csr_matrix[Real]:
    rows, columns = np.searchsorted(user_nos, pairs.user_no), np.searchsorted(track_nos, pairs.track_no)
    return csr_matrix((values, (rows, columns)), shape=(len(user_nos), len(track_nos)))


def _playlists(data: TrainingData, track_nos: npt.NDArray[np.int32]) -> csr_matrix[np.float32]:
    _, rows = np.unique(data.playlist_no, return_inverse=True)
    columns = np.searchsorted(track_nos, data.playlist_track_no)
    values = np.full(len(columns), PLAYLIST_WEIGHT, np.float32)
    count = int(rows.max(initial=-1)) + 1
    matrix = csr_matrix((values, (rows, columns)), shape=(count, len(track_nos)), dtype=np.float32)
    return matrix[np.flatnonzero(np.diff(matrix.indptr) >= LEAST_PLAYLIST_TRACKS)]
