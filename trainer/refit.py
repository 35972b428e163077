"""One refit: read, judge on the newest listens, fit on everything, write the snapshot, decide."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from segue import __version__
from segue.errors import SegueError
from segue.evaluation.next_track import judged_sequence
from segue.evaluation.report import evaluated
from segue.evaluation.splits import Split
from segue.evaluation.tuning import learn_weights
from segue.models.blend import PARTS, Blend, BlendConfig
from segue.models.blend_index import Reports, build_index
from segue.models.content import ContentModel
from segue.stores.postgres.catalogue import CatalogueStore
from segue.stores.postgres.models import ModelRegistry
from segue.stores.postgres.training import TrainingData, TrainingStore
from segue.stores.snapshots import Manifest, SnapshotStore, new_version
from segue.taste import TasteWeights
from trainer.dataset import Dataset, built
from trainer.gate import Verdict, judged

HELD_OUT = 0.1
"""Share of the newest listens that judge the models."""
JUDGED_LISTENERS = 5_000
"""Listeners in the judgement; its standard error is below one hundredth of the mean then."""

Progress = Callable[[str], None]


class NothingToLearn(SegueError):
    """Neither listens nor a catalogue."""


@dataclass(frozen=True)
class Stores:
    """What a refit reads and writes."""

    training: TrainingStore
    catalogue: CatalogueStore
    registry: ModelRegistry
    snapshots: SnapshotStore
    weights: TasteWeights


@dataclass
class Stopwatch:
    """Seconds by stage."""

    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a block and announce it."""
        self.progress(name)
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)


@dataclass(frozen=True)
class Refit:
    """The outcome: the stored manifest and the verdict."""

    manifest: Manifest
    verdict: Verdict


def refit(stores: Stores, progress: Progress = lambda _: None) -> Refit:
    """Train once. Raises NothingToLearn, PostgresUnavailable."""
    watch = Stopwatch(progress)
    now = datetime.now(UTC)
    with watch.stage("read"):
        data = stores.training.read(HELD_OUT)
        tracks = stores.catalogue.all_tracks()
        dataset = built(data, tracks, stores.weights, now.timestamp())
    if dataset.interactions.n_tracks == 0:
        raise NothingToLearn("no interactions yet, and the catalogue is empty: publish tracks with `segue ingest` first")
    past, config, metrics = _validated(dataset, watch)
    with watch.stage("fit"):
        blend = past.relearned(config, dataset.interactions, dataset.catalogue)
    with watch.stage("index"):
        indexes = build_index(blend, dataset.interactions.of_listeners())
    verdict = judged(metrics, _champion_metrics(stores.registry))
    manifest = _manifest(data, dataset, blend, indexes, metrics, verdict, now, watch.seconds)
    with watch.stage("write"):
        written = stores.snapshots.write(manifest, blend, dataset.interactions.track_nos)
        stores.registry.add(written.version, stores.snapshots.url_of(written.version), written, verdict.promoted)
    return Refit(written, verdict)


def _validated(dataset: Dataset, watch: Stopwatch) -> tuple[Blend, BlendConfig, dict[str, dict[str, float]]]:
    """A blend of the past, its best weights, and each model's metrics; defaults and none where there are no listens to cut."""
    split = dataset.validation
    if split is None or split.held_out.nnz == 0 or split.known.nnz == 0:
        with watch.stage("fit content"):
            content = ContentModel().fit(dataset.interactions, dataset.catalogue)
        return Blend(content=content), BlendConfig(), {}
    with watch.stage("fit on the past"):
        blend = Blend().fit(dataset.before_cut(), dataset.catalogue)
    # Odd listeners teach the weights, even ones judge: nobody does both.
    with watch.stage("learn weights"):
        config, _ = learn_weights(blend, split.known[1::2], split.held_out[1::2])
    with watch.stage("learn the order"):
        order = judged_sequence(blend.reweighted(config), dataset.later_listens, dataset.interactions.track_nos)
        config = replace(config, sequence=order.weight)
    with watch.stage("judge"):
        metrics = _metrics(blend.reweighted(config), Split(split.known[::2], split.held_out[::2]))
        return blend, config, metrics | {"sequence": order.metrics()}


def _metrics(blend: Blend, split: Split) -> dict[str, dict[str, float]]:
    models = {"blend": blend, **blend.parts()}
    return {name: evaluated(model, split.known, split.held_out, max_listeners=JUDGED_LISTENERS) for name, model in models.items()}


def _champion_metrics(registry: ModelRegistry) -> dict[str, dict[str, float]] | None:
    champion = registry.champion()
    return None if champion is None else dict(registry.get(champion[0]).manifest.get("metrics", {}))


def _manifest(
    data: TrainingData,
    dataset: Dataset,
    blend: Blend,
    indexes: Reports,
    metrics: dict[str, dict[str, float]],
    verdict: Verdict,
    now: datetime,
    seconds: dict[str, float],
) -> Manifest:
    interactions = dataset.interactions
    return Manifest(
        version=new_version(now),
        created_at=now,
        code_version=__version__,
        parameters=_parameters(blend),
        metrics=metrics,
        counts={
            "users": interactions.listeners,
            "tracks": sum(track is not None for track in dataset.catalogue),
            "columns": interactions.n_tracks,
            "interactions": int(interactions.of_listeners().nnz),
            "playlists": int(interactions.preference.shape[0] - interactions.listeners),
            "events": data.events,
            "transitions": blend.sequence.pairs,
        },
        seconds=dict(seconds),
        offsets=data.offsets,
        indexes=indexes,
        verdict=str(verdict),
    )


def _parameters(blend: Blend) -> dict[str, dict[str, Any]]:
    parts = {name: asdict(getattr(blend, name).config) for name in (*PARTS, "sequence")}
    return {"blend": asdict(blend.config), **parts}
