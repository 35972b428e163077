"""`segue ingest history`: what somebody listened to elsewhere."""

from __future__ import annotations

import gc
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from producers.console import err
from producers.ingestion.contract import Source
from producers.ingestion.listeners import check_listener
from producers.ingestion.looking_up import import_opened
from producers.ingestion.options import (
    Asked,
    DryRunOption,
    FormatOption,
    ListenerOption,
    OutOption,
    RejectedOption,
    RestartOption,
)
from producers.ingestion.songs import Songs
from producers.reading.bounds import Bounds
from producers.sources.histories.kinds import Service
from producers.sources.histories.source import HistorySource
from segue.settings import Settings

COLLECT_EVERY = 50_000
"""Objects between two runs of Python's garbage collector: it looks through all that stays of a reading, and after each 700
objects, as is usual, that costs a fifth of the time."""

ServiceOption = Annotated[
    Service | None,
    typer.Option("--format", help="Read only what is of this service. Default: all that is a history.", show_default=False),
]


def history(
    path: Annotated[Path, typer.Argument(help="The export as it was downloaded: a zip archive, its folder unpacked, or a file.")],
    listener: ListenerOption,
    service: ServiceOption = None,
    restart: RestartOption = False,
    dry_run: DryRunOption = False,
    write_to: OutOption = None,
    out_format: FormatOption = "parquet",
    rejected: RejectedOption = None,
) -> None:
    """Import a history of Spotify, ListenBrainz or Last.fm. What it is is found out.

    Every listen keeps its time and counts once, however often it is imported. Songs are found in the catalogue or become a track
    of it. Addresses, devices and account names are not read. docs/guide/histories.md tells how to get an export.

    segue ingest history my_spotify_data.zip --listener alice
    """
    gc.set_threshold(COLLECT_EVERY)
    asked = Asked(check_listener(listener), restart, dry_run, write_to, out_format, rejected)

    def opened(songs: Songs, settings: Settings) -> Source:
        source = HistorySource(path, listener, songs, Bounds.of(settings), service=service, now=datetime.now(UTC))
        for line in source.recognition.described():
            err.print(line, markup=False, highlight=False)
        return source

    raise typer.Exit(import_opened(opened, asked))
