"""`segue ingest …` and `segue simulate`."""

from __future__ import annotations

from typing import Annotated

import typer

from producers.console import out, warn_synthetic
from producers.data_ingestor import choose_source
from producers.features_command import features
from producers.file_commands import mpd, table
from producers.history_command import history
from producers.ingestion.importing import import_from
from producers.ingestion.jobs_command import jobs
from producers.ingestion.options import EXIT_CODES, Asked, DryRunOption, FormatOption, OutOption, RejectedOption
from producers.simulator.command import simulate
from producers.sources.catalogue import CatalogueSource
from producers.spotify_commands import add_spotify
from segue.logs import configure_logging
from segue.settings import load_settings

__all__ = ["ingest", "simulate"]

ingest = typer.Typer(
    help="Bring tracks, playlists and listening history into Segue: everything goes through Kafka, and what is interrupted is "
    "gone on with by the same command. docs/guide/ingestion.md tells more.",
    no_args_is_help=True,
)


@ingest.callback()
def _ingest() -> None:
    """Bring tracks, playlists and listening history into Segue."""


@ingest.command(epilog=EXIT_CODES)
def catalogue(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="PATH_OR_URL",
            help="CSV of tracks, plain or gzip. Default: SEGUE_CATALOGUE, else the public TidyTuesday table of 2020-01-21.",
            show_default=False,
        ),
    ] = None,
    dry_run: DryRunOption = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after this many tracks.", show_default=False)] = None,
    write_to: OutOption = None,
    out_format: FormatOption = "parquet",
    rejected: RejectedOption = None,
) -> None:
    """Read a table of tracks with Spotify's audio features and publish its tracks and playlists.

    Broken rows are counted by reason and left out; the rest is kept. It is safe to run again: a track is replaced by its id.
    """
    settings = load_settings()
    configure_logging(settings.log_level)
    chosen = choose_source(source, settings)
    if chosen.path is None:
        warn_synthetic(chosen.reason)
    table = CatalogueSource(chosen.path, chosen.label, limit)
    asked = Asked(dry_run=dry_run, out=write_to, out_format=out_format, rejected=rejected)
    code = import_from(table, asked, settings, remembered=False)
    for note in table.notes:
        out.print(note, highlight=False)
    if code in {0, 3} and not dry_run and not write_to:
        out.print("next: [bold]segue simulate --listeners 300 --backlog-days 30[/bold] gives these tracks listeners")
    raise typer.Exit(code)


ingest.command("table", epilog=EXIT_CODES)(table)
ingest.command("mpd", epilog=EXIT_CODES)(mpd)
ingest.command("history", epilog=EXIT_CODES)(history)
ingest.command("features", epilog=EXIT_CODES)(features)
ingest.command("jobs")(jobs)
add_spotify(ingest)
