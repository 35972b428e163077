"""What `segue evaluate` judges: the live state cut by time or by listener, or two files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from segue.errors import InvalidInput
from segue.evaluation.interaction_files import interactions, matrices
from segue.evaluation.judging import Case
from segue.evaluation.splits import Split, last_split, share_split
from segue.stores.postgres.training import TrainingData
from trainer.dataset import Dataset, built, first_heard
from trainer.refit import Stores


@dataclass(frozen=True)
class Cut:
    """How to hold out. `by_time`: the newest `share` (0..1) of all listens. Otherwise of each listener: the `last` liked tracks
    by first listen, or, when that is None, a random `share`.
    """

    by_time: bool = True
    share: float = 0.1
    last: int | None = None
    seed: int = 3

    def __str__(self) -> str:
        if self.by_time:
            return f"what listeners discovered in the newest {self.share:.0%} of all listens is held out"
        if self.last is not None:
            return f"the last {self.last} discoveries of each listener are held out"
        return f"a random {self.share:.0%} of each listener's liked tracks is held out (seed {self.seed})"


@dataclass(frozen=True)
class Judged:
    """A case, where it comes from, how it was cut, and its sizes."""

    case: Case
    source: str
    split: str

    def counts(self) -> dict[str, int]:
        """Sizes of what the models see and of what is held out."""
        train, split = self.case.train, self.case.split
        return {
            "listeners": train.listeners,
            "playlists": int(train.preference.shape[0] - train.listeners),
            "tracks": train.n_tracks,
            "known interactions": int(split.known.nnz),
            "held-out tracks": int(split.held_out.nnz),
        }


def from_state(stores: Stores, cut: Cut) -> Judged:
    """The live state as of now. Raises InvalidInput without any listens, PostgresUnavailable."""
    data = stores.training.read(cut.share)
    if not len(data.pairs.user_no):
        raise InvalidInput(
            "no listens yet, so there is nothing to judge: send events (POST /events), or let simulated listeners make some with "
            "`segue simulate --backlog-days 30`, then run `segue evaluate` again",
            "no_events",
        )
    dataset = built(data, stores.catalogue.all_tracks(stores.training.without), stores.weights, datetime.now(UTC).timestamp())
    cut_dataset = replace(dataset, validation=_split(dataset, data, cut))
    split = cut_dataset.validation or _nothing_held_out(dataset)
    return Judged(Case(cut_dataset.before_cut(), dataset.catalogue, split), "Live state in Postgres", str(cut))


def from_files(train: Path, test: Path) -> Judged:
    """Two files of `user item item …` lines; nothing is known of the tracks. Raises InvalidInput."""
    known, held_out = matrices(train, test)
    # A published split may name a known item again; it cannot be recommended, and it is no discovery.
    new = csr_matrix(held_out - held_out.multiply(known), dtype=np.float32)
    new.eliminate_zeros()
    case = Case(interactions(known), [None] * known.shape[1], Split(known, new))
    return Judged(case, f"{train.name} and {test.name}", "the test file is held out")


def _split(dataset: Dataset, data: TrainingData, cut: Cut) -> Split | None:
    if cut.by_time:
        return dataset.validation
    preference = dataset.interactions.of_listeners()
    if cut.last is None:
        return share_split(preference, cut.share, cut.seed)
    return last_split(preference, first_heard(data, dataset.interactions.track_nos), cut.last)


def _nothing_held_out(dataset: Dataset) -> Split:
    known = dataset.interactions.of_listeners()
    return Split(known, csr_matrix(known - known))
