"""From a fitted blend to a comparison: the blend, each of its models, popularity and random on the same listeners."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.errors import InvalidInput
from segue.evaluation.baselines import RandomScorer
from segue.evaluation.comparison import Comparison, compared
from segue.evaluation.lists import TrackFacts
from segue.evaluation.report import Advance, K, Scorer, judged_listeners, ranked_lists
from segue.evaluation.splits import Split, random_split
from segue.evaluation.tuning import learn_weights
from segue.models.blend import Blend
from segue.models.contract import Catalogue, Columns, Interactions

MIN_LISTENERS = 10
"""Below that many judged listeners a figure says nothing, and its interval does not say how little."""
VALIDATION = 0.15
"""Share of the training interactions held out to learn the blend's weights where the test part must stay unread."""
BLEND, RANDOM = "blend", "random"

Stage = Callable[[str, int], Advance]
"""Announces a stage of so many listeners (0: not counted) and gives what to tell the progress to."""


def _silent(_stage: str, _listeners: int) -> Advance:
    return lambda _: None


@dataclass(frozen=True)
class Case:
    """What is judged: `train`, whose first rows are those of `split.known`; the tracks of its columns; what was held out."""

    train: Interactions
    catalogue: Catalogue
    split: Split


@dataclass(frozen=True)
class Rules:
    """How: length of the lists, most listeners judged (None: all), seed of sample, random order and resampling."""

    k: int = K
    max_listeners: int | None = None
    seed: int = 3


def crossed(case: Case, stage: Stage = _silent) -> list[Blend]:
    """Two blends of the same models, whose weights learned from the held-out tracks of odd and of even listeners.

    Listener i is judged by blend i mod 2: nobody is judged by weights that saw what is held out of them, and all are judged.
    This is how the trainer learns its weights, on what listeners discover next.
    """
    stage("fit", 0)
    blend = Blend().fit(case.train, case.catalogue)
    stage("learn weights", 0)
    known, held_out = case.split.known, case.split.held_out
    return [blend.reweighted(learn_weights(blend, known[other::2], held_out[other::2])[0]) for other in (1, 0)]


def from_train_only(case: Case, stage: Stage = _silent) -> list[Blend]:
    """One blend whose weights learned on a random part of the training data: the protocol of published comparisons."""
    stage("learn weights on a part of train", 0)
    inner = random_split(case.train.preference, VALIDATION)
    part = Interactions(inner.known, case.train.track_nos, case.train.listeners)
    config, _ = learn_weights(Blend().fit(part, case.catalogue), inner.known, inner.held_out)
    stage("fit", 0)
    return [Blend(config).fit(case.train, case.catalogue)]


def judged(case: Case, blends: Sequence[Blend], rules: Rules, stage: Stage = _silent) -> Comparison:
    """Compare the blend with its parts and with random; listener i is judged by `blends[i % len(blends)]`.

    Raises InvalidInput when nothing is held out or fewer than MIN_LISTENERS can be judged.
    """
    listeners = enough_listeners(case.split, rules)
    split = Split(case.split.known[listeners], case.split.held_out[listeners])
    lists = {BLEND: _blended(blends, split, listeners, rules, stage)}
    others: dict[str, Scorer] = {**blends[0].parts(), RANDOM: RandomScorer(blends[0].n_tracks, rules.seed)}
    for name, model in others.items():
        lists[name] = ranked_lists(model, split.known, rules.k, stage(f"rank: {name}", len(listeners)))
    stage("intervals", 0)
    return compared(lists, split, TrackFacts.of(case.train, case.catalogue), BLEND, rules.seed)


def enough_listeners(split: Split, rules: Rules) -> npt.NDArray[np.intp]:
    """The rows that are judged. Raises InvalidInput when nothing is held out or too few listeners can be judged."""
    if split.held_out.nnz == 0:
        raise InvalidInput(
            "nothing is held out: no listener has a liked track on the far side of the split. Collect more listens (`segue "
            "simulate --backlog-days 30` makes some) or try the other split (--split user)",
            "empty_split",
        )
    listeners = judged_listeners(split.held_out, rules.max_listeners, rules.seed)
    if len(listeners) < MIN_LISTENERS:
        raise InvalidInput(
            f"only {len(listeners)} listeners can be judged, {MIN_LISTENERS} are the least that says anything: collect more "
            "listens, raise --limit-users, or try the other split (--split user)",
            "too_few_listeners",
        )
    return listeners


def _blended(blends: Sequence[Blend], split: Split, listeners: npt.NDArray[np.intp], rules: Rules, stage: Stage) -> Columns:
    advance = stage("rank: blend", len(listeners))
    lists = np.full((len(listeners), rules.k), -1, np.int32)
    for place, blend in enumerate(blends):
        rows = np.flatnonzero(listeners % len(blends) == place)
        lists[rows] = ranked_lists(blend, split.known[rows], rules.k, advance)
    return lists
