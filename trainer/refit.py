"""One refit: read, judge on the newest listens, fit on everything, write the snapshot, decide."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from segue import __version__
from segue.models.blend import PARTS, Blend
from segue.stores.postgres.catalogue import CatalogueStore
from segue.stores.postgres.models import ModelRegistry
from segue.stores.postgres.training import TrainingData, TrainingStore
from segue.stores.snapshots import Manifest, SnapshotStore, new_version
from segue.taste import TasteWeights
from trainer.dataset import Dataset, built
from trainer.gate import Verdict, judged
from trainer.learning import USUAL, Judging, Learned, learned
from trainer.stopwatch import Progress, Stopwatch


@dataclass(frozen=True)
class Stores:
    """What a refit reads and writes, and how it weighs and judges."""

    training: TrainingStore
    catalogue: CatalogueStore
    registry: ModelRegistry
    snapshots: SnapshotStore
    weights: TasteWeights
    judging: Judging = USUAL


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
        data = stores.training.read(stores.judging.held_out)
        tracks = stores.catalogue.all_tracks(stores.training.without)
        dataset = built(data, tracks, stores.weights, now.timestamp())
    found = learned(dataset, watch, stores.judging)
    verdict = judged(found.metrics, _champion_metrics(stores.registry))
    manifest = _manifest(data, dataset, found, verdict, now, watch.seconds)
    with watch.stage("write"):
        written = stores.snapshots.write(manifest, found.blend, dataset.interactions.track_nos)
        stores.registry.add(written.version, stores.snapshots.url_of(written.version), written, verdict.promoted)
    return Refit(written, verdict)


def _champion_metrics(registry: ModelRegistry) -> dict[str, dict[str, float]] | None:
    champion = registry.champion()
    return None if champion is None else dict(registry.get(champion[0]).manifest.get("metrics", {}))


def _manifest(
    data: TrainingData,
    dataset: Dataset,
    found: Learned,
    verdict: Verdict,
    now: datetime,
    seconds: dict[str, float],
) -> Manifest:
    interactions = dataset.interactions
    return Manifest(
        version=new_version(now),
        created_at=now,
        code_version=__version__,
        parameters=_parameters(found.blend),
        metrics=found.metrics,
        counts={
            "users": interactions.listeners,
            "tracks": sum(track is not None for track in dataset.catalogue),
            "columns": interactions.n_tracks,
            "interactions": int(interactions.of_listeners().nnz),
            "playlists": int(interactions.preference.shape[0] - interactions.listeners),
            "events": data.events,
            "transitions": found.blend.sequence.pairs,
        },
        seconds=dict(seconds),
        offsets=data.offsets,
        indexes=found.indexes,
        verdict=str(verdict),
    )


def _parameters(blend: Blend) -> dict[str, dict[str, Any]]:
    parts = {name: asdict(getattr(blend, name).config) for name in (*PARTS, "sequence")}
    return {"blend": asdict(blend.config), **parts}
