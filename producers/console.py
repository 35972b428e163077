"""What the producers' commands show: progress and warnings on stderr, results on stdout."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from producers.data_ingestor import Progress as Report
from producers.sources.spotify_csv import MAX_PLAYLIST_TRACKS, Catalogue

out = Console()
err = Console(stderr=True)


@contextmanager
def progress_bar(what: str, total: int | None = None) -> Iterator[Report]:
    """A bar on stderr while the block runs; call what it yields with the number done so far."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)


def warn_synthetic(reason: str) -> None:
    """Say loudly that nothing in this catalogue exists."""
    text = (
        f"[bold]Nothing in this catalogue is real.[/bold]\n{escape(reason)}\n"
        "So tracks, artists and playlists were invented. For real ones: [bold]segue ingest catalogue PATH_OR_URL[/bold]"
    )
    err.print(Panel(text, title="synthetic catalogue", border_style="yellow"))


def show_catalogue(catalogue: Catalogue, label: str, published: int | None, seconds: float) -> None:
    """The summary of one ingest; `published` is None for a dry run."""
    table = Table(title=escape(f"catalogue: {label}"), show_header=False, title_justify="left")
    table.add_row("rows read", f"{catalogue.rows:,}" + ("" if catalogue.complete else " (stopped at --limit)"))
    table.add_row("tracks", f"{len(catalogue.tracks):,}")
    table.add_row("  without audio features", f"{catalogue.featureless:,}")
    table.add_row("playlists", f"{len(catalogue.playlists):,}")
    if catalogue.cut_playlists:
        table.add_row(f"  cut at {MAX_PLAYLIST_TRACKS:,} tracks", f"{catalogue.cut_playlists:,}")
    for reason, rejection in sorted(catalogue.rejected.items()):
        lines = ", ".join(map(str, rejection.lines)) + (", …" if rejection.rows > len(rejection.lines) else "")
        table.add_row(f"[yellow]left out: {reason}[/yellow]", f"{rejection.rows:,} rows (lines {lines})")
    table.add_row("published", "nothing (dry run)" if published is None else f"{published:,} records")
    table.add_row("seconds", f"{seconds:.1f}")
    out.print(table)
