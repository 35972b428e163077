"""The road to the product's models, without stores: judge on the newest listens, then go on to everything.

The models are fitted twice: on the past, which the newest listens judge, and on everything, which serves. The second fit of ALS
goes on from the first: three iterations then do what twelve do from a cold start (docs/decisions/0014-refit.md). The first must
start cold: factors of a model that serves have seen what is held out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from segue.errors import SegueError
from segue.evaluation.next_track import judged_sequence
from segue.evaluation.report import evaluated_with_parts
from segue.evaluation.splits import Split
from segue.evaluation.tuning import learn_weights
from segue.models.als import AlsConfig, AlsModel
from segue.models.blend import Blend, BlendConfig
from segue.models.blend_index import Reports, build_index
from trainer.dataset import Dataset
from trainer.stopwatch import Stopwatch

PAST_ITERATIONS = 8
"""Of ALS on the past, which `AlsConfig.warm_iterations` on everything follow."""
JUDGED_LISTENERS = 2_000
"""Listeners in the judgement: the gate forgives a fifth of a lead, many times what the mean of that many is wrong by."""

Metrics = dict[str, dict[str, float]]


class NothingToLearn(SegueError):
    """Neither listens nor a catalogue."""


@dataclass(frozen=True)
class Learned:
    """The models of everything under the best weights, indexed where that pays; `metrics` of each one fitted on the past, none if
    nobody judged."""

    blend: Blend
    metrics: Metrics
    indexes: Reports


def learned(dataset: Dataset, watch: Stopwatch) -> Learned:
    """Fit every model, learn the weights, judge. Raises NothingToLearn where there is no track."""
    if dataset.interactions.n_tracks == 0:
        raise NothingToLearn("no interactions yet, and the catalogue is empty: publish tracks with `segue ingest` first")
    blend, metrics = _fitted(dataset, watch)
    with watch.stage("index"):
        indexes = build_index(blend, dataset.interactions.of_listeners())
    return Learned(blend, metrics, indexes)


def _fitted(dataset: Dataset, watch: Stopwatch) -> tuple[Blend, Metrics]:
    split = dataset.validation
    if split is None or split.held_out.nnz == 0 or split.known.nnz == 0:
        return Blend().fit(dataset.interactions, dataset.catalogue, watch.stage), {}
    blend = Blend(als=AlsModel(AlsConfig(iterations=PAST_ITERATIONS)))
    blend.fit(dataset.before_cut(), dataset.catalogue, lambda name: watch.stage(f"{name} on the past"))
    config, metrics = _validated(blend, dataset, split, watch)
    return blend.refit(dataset.interactions, dataset.catalogue, watch.stage).reweighted(config), metrics


def _validated(blend: Blend, dataset: Dataset, split: Split, watch: Stopwatch) -> tuple[BlendConfig, Metrics]:
    """The best weights for a blend of the past, and each model's metrics."""
    # Odd listeners teach the weights, even ones judge: nobody does both.
    with watch.stage("learn weights"):
        config, _ = learn_weights(blend, split.known[1::2], split.held_out[1::2])
    with watch.stage("learn the order"):
        order = judged_sequence(blend.reweighted(config), dataset.later_listens, dataset.interactions.track_nos)
        config = replace(config, sequence=order.weight)
    with watch.stage("judge"):
        metrics = evaluated_with_parts(blend.reweighted(config), split.known[::2], split.held_out[::2], JUDGED_LISTENERS)
    return config, metrics | {"sequence": order.metrics()}
