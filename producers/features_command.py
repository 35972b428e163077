"""`segue ingest features`: audio features for tracks that have none."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from producers.ingestion.options import Asked, DryRunOption, FormatOption, OutOption, RejectedOption, RestartOption
from segue.logs import configure_logging
from segue.settings import load_settings


def features(
    tables: Annotated[
        list[Path] | None,
        typer.Option(
            "--table", metavar="FILE", show_default=False,
            help="CSV, JSON or Parquet with Spotify's eleven features, by track_id, uri or isrc, else by title and artist. "
            "Several times: in this order.",
        ),
    ] = None,
    reccobeats: Annotated[
        bool | None,
        typer.Option(
            "--reccobeats/--no-reccobeats", show_default=False,
            help="Then ask ReccoBeats: ids of your tracks are sent to its server. Default: SEGUE_RECCOBEATS, which is off.",
        ),
    ] = None,
    accept_scale: Annotated[
        bool, typer.Option("--accept-scale", help="Take features though they differ from the catalogue's, or cannot be compared.")
    ] = False,
    restart: RestartOption = False,
    dry_run: DryRunOption = False,
    write_to: OutOption = None,
    out_format: FormatOption = "parquet",
    rejected: RejectedOption = None,
) -> None:  # fmt: skip
    """Give audio features, and so a mood, to tracks of the catalogue that have none; without options, count them.

    Everything else of a track stays as it is. A dry run asks ReccoBeats too. See docs/guide/features.md.
    """
    from producers.features.running import complete  # loads an HTTP client, which other commands would wait for

    settings = load_settings()
    configure_logging(settings.log_level)
    asked = Asked(None, restart, dry_run, write_to, out_format, rejected, again=True)
    ask_service = settings.reccobeats if reccobeats is None else reccobeats
    raise typer.Exit(complete(settings, tables or (), ask_service, accept_scale, asked))
