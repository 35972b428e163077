"""`segue ingest …` and `segue simulate`."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from producers.console import err, out, progress_bar, show_catalogue, warn_synthetic
from producers.data_ingestor import choose_source, load_catalogue, publish_catalogue
from producers.publisher import open_publisher
from producers.simulator.command import simulate
from producers.sources.spotify_csv import Catalogue
from segue.kafka import ensure_topics
from segue.logs import configure_logging
from segue.settings import Settings, load_settings

__all__ = ["ingest", "simulate"]

EXIT_NOTHING_USABLE = 2

ingest = typer.Typer(help="Bring tracks and listening history into Segue.", no_args_is_help=True)


@ingest.callback()
def _ingest() -> None:
    """Bring tracks and listening history into Segue."""


@ingest.command(epilog="Exit codes: 0 done, 1 error, 2 the file holds nothing usable.")
def catalogue(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="PATH_OR_URL",
            help="CSV of tracks, plain or gzip. Default: SEGUE_CATALOGUE, else the public TidyTuesday table of 2020-01-21.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check only; publish nothing.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after this many tracks.", show_default=False)] = None,
) -> None:
    """Read a table of tracks with Spotify's audio features and publish its tracks and playlists.

    Broken rows are counted by reason and left out; the rest is kept. It is safe to run again: a track is replaced by its id.
    """
    settings = load_settings()
    configure_logging(settings.log_level)
    started = time.monotonic()
    chosen = choose_source(source, settings)
    if chosen.path is None:
        warn_synthetic(chosen.reason)
    with progress_bar("reading rows") as progress:
        loaded = load_catalogue(chosen, limit, progress)
    published = None if dry_run or not loaded.tracks else _publish(loaded, settings)
    show_catalogue(loaded, chosen.label, published, time.monotonic() - started)
    if not loaded.tracks:
        err.print("[red]nothing usable:[/red] no row names a track, see the reasons above")
        raise typer.Exit(EXIT_NOTHING_USABLE)
    if not dry_run:
        out.print("next: [bold]segue simulate --listeners 300 --backlog-days 30[/bold] gives these tracks listeners")


def _publish(loaded: Catalogue, settings: Settings) -> int:
    ensure_topics(settings.require_kafka(), settings.kafka_partitions)
    total = len(loaded.tracks)
    with open_publisher(settings) as publisher, progress_bar("publishing tracks", total) as progress:
        return publish_catalogue(publisher, loaded, progress)
