"""`segue train` and `segue models …`."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Column, Table

from segue.errors import ConfigurationError, SegueError
from segue.logs import configure_logging
from segue.settings import Settings, load_settings
from segue.sources import SPOTIFY_API
from segue.stores.postgres.catalogue import CatalogueStore
from segue.stores.postgres.database import Database
from segue.stores.postgres.models import ModelRegistry
from segue.stores.postgres.training import TrainingStore
from segue.stores.snapshots import Manifest, SnapshotStore
from segue.taste import TasteWeights
from trainer.learning import Judging, NothingToLearn
from trainer.refit import Refit, Stores, refit
from trainer.schedule import Schedule, prune

models = typer.Typer(help="List the trained models, choose the one that serves.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Version = Annotated[str, typer.Argument(help="A version as `segue models list` shows it.")]


class AnotherTrainer(SegueError):
    """Another trainer is at work in this database."""


def train(
    once: Annotated[bool, typer.Option("--once", help="Refit now, print the outcome and exit.")] = False,
    as_json: AsJson = False,
) -> None:
    """Learn from what is stored; without --once, keep running and refit when enough is new."""
    settings = load_settings()
    if settings.trainer_engine != "local":
        raise ConfigurationError(f"SEGUE_TRAINER_ENGINE={settings.trainer_engine} is not built yet: set it to local")
    with opened(settings) as stores:
        if once:
            _train_once(stores, settings, as_json)
        else:
            _serve(stores, settings)


@models.command("list")
def list_models(as_json: AsJson = False) -> None:
    """All models, newest first; * marks the one that serves."""
    with opened(load_settings()) as stores:
        rows = stores.registry.list()
    if as_json:
        typer.echo(msgspec.json.encode(rows).decode())
        return
    table = Table("", Column("version", no_wrap=True), "verdict", "users", "tracks", "ndcg@20", "why")
    for row in rows:
        manifest = row.manifest
        counts, quality = manifest["counts"], manifest["metrics"].get("blend", {}).get("ndcg@20")
        table.add_row(
            "*" if row.champion else "", row.version, row.verdict, str(counts.get("users", "")), str(counts.get("tracks", "")),
            "" if quality is None else f"{quality:.4f}", manifest["verdict"],
        )  # fmt: skip
    Console().print(table if rows else "no models yet: train one with `segue train --once`")


@models.command("show")
def show(version: Version) -> None:
    """One model's manifest as JSON."""
    with opened(load_settings()) as stores:
        model = stores.registry.get(version)
    typer.echo(msgspec.json.format(msgspec.json.encode(model.manifest)).decode())


@models.command("promote")
def promote(version: Version) -> None:
    """Let a model serve, once its files are found whole."""
    with opened(load_settings()) as stores:
        stores.registry.get(version)
        stores.snapshots.load(version)
        stores.registry.promote(version)
    Console().print(f"{version} serves now")


@models.command("rollback")
def rollback() -> None:
    """Take the serving model back and return to the one promoted before it."""
    with opened(load_settings()) as stores:
        version = stores.registry.rollback()
    Console().print(f"{version} serves again")


@contextmanager
def opened(settings: Settings) -> Iterator[Stores]:
    """The composition root: real stores from the settings."""
    database = Database(settings.require_postgres())
    try:
        yield Stores(
            TrainingStore(database, settings.train_listens_at_once, None if settings.spotify_training else SPOTIFY_API),
            CatalogueStore(database),
            ModelRegistry(database),
            SnapshotStore(settings.snapshots(), settings.state_dir.resolve() / "snapshot-cache"),
            TasteWeights(half_life_days=settings.half_life_days),
            Judging(settings.train_held_out, settings.train_judged_listeners),
        )
    finally:
        database.close()


def _train_once(stores: Stores, settings: Settings, as_json: bool) -> None:
    console = Console(stderr=True)
    with stores.training.single_flight() as alone:
        if not alone:
            raise AnotherTrainer("another trainer is at work in this database: wait for it or stop it")
        try:
            with console.status("training") as status:
                outcome = refit(stores, lambda stage: status.update(f"training: {stage}"))
        except NothingToLearn as nothing:
            console.print(str(nothing))
            return
    prune(stores, settings.snapshots_kept)
    if as_json:
        typer.echo(msgspec.json.encode(outcome.manifest).decode())
    else:
        _print(outcome)


def _serve(stores: Stores, settings: Settings) -> None:
    configure_logging(settings.log_level)
    schedule = Schedule(stores, settings)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        schedule.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    schedule.run()


def _print(outcome: Refit) -> None:
    manifest = outcome.manifest
    console = Console()
    if not manifest.counts["interactions"]:
        console.print("no interactions yet: trained on playlists, audio features and catalogue popularity")
    console.print(", ".join(f"{count:,} {name}" for name, count in manifest.counts.items()))
    console.print(", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in manifest.seconds.items()))
    for said in judgement(manifest):
        console.print(said)
    console.print(f"{manifest.version} {outcome.verdict}")


def judgement(manifest: Manifest) -> list[Table | str]:
    """The models' table, what the order of listening is worth, what indexes find; empty where nothing was judged."""
    models = {name: metrics for name, metrics in manifest.metrics.items() if name != "sequence"}
    said: list[Table | str] = [_metrics_table(models)] if models else []
    order = manifest.metrics.get("sequence")
    if order:
        proved = ", ".join(f"{name} {value:.4f}" for name, value in order.items() if name not in ("weight", "sessions"))
        said.append(
            f"order of listening: weight {order['weight']:g}, judged by {order['sessions']:.0f} sessions {proved}".rstrip()
        )
    for name, index in manifest.indexes.items():
        recall = "not measured" if index.recall_at_100 is None else f"{index.recall_at_100:.3f}"
        said.append(f"index of {name}: recall@100 {recall}, reads {index.probes:,} of {index.lists:,} groups")
    return said


def _metrics_table(models: dict[str, dict[str, float]]) -> Table:
    names = list(next(iter(models.values())))
    table = Table("model", *names, title="on the newest listens, unseen in training")
    for model, metrics in models.items():
        table.add_row(model, *(f"{metrics[name]:.4f}" if name != "listeners" else f"{metrics[name]:.0f}" for name in names))
    return table
