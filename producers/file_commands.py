"""`segue ingest table` and `segue ingest mpd`: files of tracks, listens and playlists."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from producers.console import err
from producers.ingestion.contract import Source
from producers.ingestion.known_tracks import KnownTracks
from producers.ingestion.listeners import check_listener
from producers.ingestion.looking_up import import_opened
from producers.ingestion.options import Asked, DryRunOption, FormatOption, OutOption, RejectedOption, RestartOption
from producers.ingestion.songs import Songs
from producers.reading.bounds import Bounds
from producers.sources.mpd import MpdSource
from producers.sources.tables.columns import FIELDS, Kind, parse_mapping
from producers.sources.tables.source import TableSource
from producers.sources.tables.times import zone_of
from segue.settings import Settings

ONLY_OF_TRACKS = [name for name in FIELDS["tracks"] if name not in FIELDS["listens"]]


def table(
    file: Annotated[Path, typer.Argument(help="CSV, JSON lines, a JSON array (each plain or gzip) or Parquet.")],
    kind: Annotated[Kind, typer.Option(help="What a row is.")] = "listens",
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FIELD=COLUMN",
            help=f"Which column is what, where its name does not say it; a field in a field is a.b. Of listens: "
            f"{', '.join(FIELDS['listens'])}. Of tracks also: {', '.join(ONLY_OF_TRACKS)}.",
            show_default=False,
        ),
    ] = None,
    listener: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Whose listens these are, where no column says it.", show_default=False),
    ] = None,
    header: Annotated[bool, typer.Option(help="Whether the first line of a CSV names its columns; else they are 1, 2, …")] = True,
    timezone: Annotated[str, typer.Option(metavar="ZONE", help="Of times that say none, such as Europe/Berlin.")] = "UTC",
    restart: RestartOption = False,
    dry_run: DryRunOption = False,
    write_to: OutOption = None,
    out_format: FormatOption = "parquet",
    rejected: RejectedOption = None,
) -> None:
    """Import listens or tracks from a table.

    Times may be ISO 8601 or Unix time in seconds, milli-, micro- or nanoseconds: which it is is found out and said. A listen may
    name a track's id, or title and artist: these are found in the catalogue, or become a track of it.

    segue ingest table played.csv --map track=Song --map time=When --listener alice
    """
    asked = Asked(check_listener(listener) if listener else None, restart, dry_run, write_to, out_format, rejected)
    columns, zone = parse_mapping(mapping or (), kind), zone_of(timezone)

    def opened(songs: Songs, settings: Settings) -> Source:
        source = TableSource(file, kind, columns, asked.listener, songs, Bounds.of(settings), header=header, zone=zone)
        for note in source.notes:
            err.print(note, markup=False, highlight=False)
        return source

    raise typer.Exit(import_opened(opened, asked))


def mpd(
    path: Annotated[Path, typer.Argument(help="Folder or zip archive of the data set, or one slice of it.")],
    restart: RestartOption = False,
    dry_run: DryRunOption = False,
    write_to: OutOption = None,
    out_format: FormatOption = "parquet",
    rejected: RejectedOption = None,
) -> None:
    """Import playlists and their tracks from the Million Playlist Dataset.

    Tracks that the catalogue has are left as they are. The data set has terms of its own: see docs/guide/ingestion.md.
    """

    def opened(songs: Songs, settings: Settings) -> Source:
        return MpdSource(path, KnownTracks(songs, settings.id_cache_entries), Bounds.of(settings))

    raise typer.Exit(import_opened(opened, Asked(None, restart, dry_run, write_to, out_format, rejected)))
