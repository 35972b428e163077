"""The options that every `segue ingest …` has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from producers.ingestion.formats import Format

EXIT_CODES = (
    "Exit codes: 0 all taken, 1 error, 2 nothing usable or a wrong command line, 3 some rows rejected, "
    "75 not now: the same command later goes on, 130 stopped by a signal: the same command goes on."
)

ListenerOption = Annotated[str, typer.Option("--listener", metavar="NAME", help="Whose listens these are.", show_default=False)]
RestartOption = Annotated[bool, typer.Option("--restart", help="Forget how far an earlier run came.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be published; write nothing.")]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Write files there instead of publishing to Kafka.", show_default=False),
]
FormatOption = Annotated[Format, typer.Option("--out-format", help="Of the files of --out.")]
RejectedOption = Annotated[
    Path | None,
    typer.Option(
        "--rejected", metavar="FILE", help="Where rejected rows are listed. Default: in the state directory.", show_default=False
    ),
]


class Asked(msgspec.Struct, frozen=True):
    """What somebody wants of an import, whatever its source."""

    listener: str | None = None
    restart: bool = False
    dry_run: bool = False
    out: Path | None = None
    out_format: Format = "parquet"
    rejected: Path | None = None
    again: bool = False
    """An import that was done begins anew: for services, which have something new the next time."""
