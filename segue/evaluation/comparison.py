"""Models side by side on the same listeners: means with intervals, paired differences, and the same by warmth.

Warmth of a listener: liked tracks in the history that the models see. Warmth of a track: listeners of the training data who like
it; for a band of tracks, only held-out tracks of the band are relevant, in the lists that were ranked among all.

Cost for 29,858 listeners, 40,981 tracks, k = 20 and six models on two cores: 2 s here, once the lists are there. The lists took
105 s (segue.evaluation.report: blend 43, ALS 13, co-listening 9), with 0.95 GB at most, fit included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from segue.evaluation.bootstrap import Interval, intervals, resampled_means
from segue.evaluation.lists import TrackFacts, of_all_lists, of_each_list
from segue.evaluation.metrics import ACCURACY, Values, accuracy
from segue.evaluation.splits import Split
from segue.models.contract import Columns, positive

PER_LIST = (*ACCURACY, "popularity", "novelty", "diversity", "calibration")
BY_WARMTH = ("recall", "ndcg")
BANDS: tuple[tuple[str, int, int | None], ...] = (("cold", 0, 4), ("warm", 5, 19), ("hot", 20, None))
"""Name, least and most (inclusive) liked tracks of a listener, or listeners of a track."""

Metrics = Mapping[str, Interval]


@dataclass(frozen=True)
class Band:
    """One degree of warmth: how many listeners are judged in it, and the metrics of BY_WARMTH by model."""

    name: str
    least: int
    most: int | None
    listeners: int
    metrics: Mapping[str, Metrics]

    @property
    def label(self) -> str:
        """`warm (5-19)`."""
        return f"{self.name} ({self.least}+)" if self.most is None else f"{self.name} ({self.least}-{self.most})"


@dataclass(frozen=True)
class Comparison:
    """The outcome for lists of length `k`.

    `metrics[model][name]` for PER_LIST; `overall[model]`: coverage and gini; `differences[model][name]`: `subject` minus that
    model, listener by listener.
    """

    k: int
    subject: str
    listeners: int
    metrics: Mapping[str, Metrics]
    overall: Mapping[str, Mapping[str, float]]
    differences: Mapping[str, Metrics]
    by_listener: tuple[Band, ...]
    by_track: tuple[Band, ...]
    exposure: Mapping[str, Values] = field(compare=False)
    """For each model: how often each track is shown, descending, shape (n_tracks,)."""


def compared(lists: Mapping[str, Columns], split: Split, facts: TrackFacts, subject: str, seed: int = 0) -> Comparison:
    """Compare `lists` (by model, each int32 (n_listeners, k), -1 pads) of the listeners whose rows `split` holds.

    Every listener must have held-out tracks. `subject` names the model that the others are subtracted from.
    """
    values = {model: _values(ranked, split, facts) for model, ranked in lists.items()}
    metrics, differences = _summarised(values, subject, seed)
    shown = {model: np.bincount(ranked[ranked >= 0], minlength=facts.n_tracks) for model, ranked in lists.items()}
    return Comparison(
        k=next(iter(lists.values())).shape[1],
        subject=subject,
        listeners=split.held_out.shape[0],
        metrics=metrics,
        overall={model: of_all_lists(ranked, facts.n_tracks) for model, ranked in lists.items()},
        differences=differences,
        by_listener=_by_listener(values, split, seed),
        by_track=_by_track(lists, split, facts, seed),
        exposure={model: -np.sort(-counts).astype(np.float64) for model, counts in shown.items()},
    )


def _values(ranked: Columns, split: Split, facts: TrackFacts) -> dict[str, Values]:
    return accuracy(ranked, split.held_out) | of_each_list(ranked, split.known, facts)


def _summarised(
    values: Mapping[str, Mapping[str, Values]], subject: str | None, seed: int
) -> tuple[dict[str, Metrics], dict[str, Metrics]]:
    """Intervals of every metric of every model, and of the subject's lead over each other model."""
    models, names = list(values), list(next(iter(values.values())))
    table = np.stack([np.stack([of_model[name] for name in names], axis=1) for of_model in values.values()], axis=1)
    resampled = resampled_means(table.reshape(len(table), -1), seed).reshape(-1, *table.shape[1:])
    metrics = _intervals(table, resampled, models, names)
    if subject is None:
        return metrics, {}
    place = models.index(subject)
    others = [model for model in models if model != subject]
    lead, resampled_lead = (np.delete(array[:, place : place + 1] - array, place, axis=1) for array in (table, resampled))
    return metrics, _intervals(lead, resampled_lead, others, names)


def _intervals(table: Values, resampled: Values, models: list[str], names: list[str]) -> dict[str, Metrics]:
    """`table` (n_listeners, n_models, n_metrics), `resampled` (resamples, n_models, n_metrics)."""
    found = [intervals(table[:, place], resampled[:, place]) for place in range(len(models))]
    return {model: dict(zip(names, of_model, strict=True)) for model, of_model in zip(models, found, strict=True)}


def _by_listener(values: Mapping[str, Mapping[str, Values]], split: Split, seed: int) -> tuple[Band, ...]:
    liked = np.diff(positive(split.known).indptr)
    return tuple(
        _band(name, least, most, {m: {n: v[n][rows] for n in BY_WARMTH} for m, v in values.items()}, seed)
        for name, least, most in BANDS
        for rows in [_within(liked, least, most)]
    )


def _by_track(lists: Mapping[str, Columns], split: Split, facts: TrackFacts, seed: int) -> tuple[Band, ...]:
    bands = []
    for name, least, most in BANDS:
        relevant = _of_columns(split.held_out, _within(facts.known_by, least, most))
        rows = np.flatnonzero(np.diff(relevant.indptr) > 0)
        values = {model: accuracy(ranked[rows], relevant[rows]) for model, ranked in lists.items()}
        bands.append(_band(name, least, most, {m: {n: v[n] for n in BY_WARMTH} for m, v in values.items()}, seed))
    return tuple(bands)


def _band(name: str, least: int, most: int | None, values: dict[str, dict[str, Values]], seed: int) -> Band:
    listeners = len(next(iter(next(iter(values.values())).values())))
    metrics = _summarised(values, None, seed)[0] if listeners else {}
    return Band(name, least, most, listeners, metrics)


def _within(counts: npt.NDArray[np.int32] | Values, least: int, most: int | None) -> npt.NDArray[np.bool_]:
    return np.asarray((counts >= least) & (counts <= (np.inf if most is None else most)), np.bool_)


def _of_columns(matrix: csr_matrix[np.float32], kept: npt.NDArray[np.bool_]) -> csr_matrix[np.float32]:
    """The same matrix with only the entries of some columns."""
    entries = matrix.tocoo()
    mask = kept[entries.col]
    return csr_matrix((entries.data[mask], (entries.row[mask], entries.col[mask])), shape=matrix.shape, dtype=np.float32)
