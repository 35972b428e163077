"""What an import says at its end, and the exit code that goes with it."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from producers.ingestion.contract import Rejected
from producers.ingestion.rejections import Rejections
from producers.ingestion.sinks.dry_run import DryRunSink
from segue.events import encode
from segue.ingest_jobs import Counts, Status

EXIT_DONE = 0
EXIT_NOTHING_USABLE = 2
EXIT_SOME_REJECTED = 3
EXIT_AGAIN = 75
"""EX_TEMPFAIL: the same command later goes on."""
EXIT_STOPPED = 130


def exit_code(status: Status, counts: Counts) -> int:
    """What the process says to a script."""
    if status == "stopped":
        return EXIT_STOPPED
    if counts.rejected:
        return EXIT_SOME_REJECTED if counts.published else EXIT_NOTHING_USABLE
    return EXIT_DONE


def show(console: Console, label: str, counts: Counts, seconds: float, published: str) -> None:
    """The counts of an import; `published` says what happened to the items: `published`, `written`, `would be published`."""
    table = Table(title=escape(label), show_header=False, title_justify="left")
    table.add_row("read", f"{counts.read:,}")
    for kind, number in counts.published.items():
        table.add_row(f"{kind} {published}", f"{number:,}")
    if not counts.published:
        table.add_row(published, "nothing")
    for code, number in counts.skipped.items():
        table.add_row(f"left out on purpose: {escape(code)}", f"{number:,}")
    for code, number in counts.rejected.items():
        table.add_row(f"[yellow]rejected: {escape(code)}[/yellow]", f"{number:,}")
    table.add_row("seconds", f"{seconds:.1f}")
    console.print(table)


def show_rejected(console: Console, rejections: Rejections) -> None:
    """The first of this run, and where the rest is."""
    for one in rejections.first:
        console.print(_line(one), markup=False, highlight=False)
    if rejections.first and rejections.path:
        much = f", the first {rejections.most:,}" if rejections.full else ""
        console.print(f"rejected rows and why{much}: {rejections.path}", markup=False, highlight=False, soft_wrap=True)


def show_examples(console: Console, sink: DryRunSink, counts: Counts) -> None:
    """The first items of each kind as they would be published, and how many listens the catalogue knows the track of."""
    for kind, items in sink.examples.items():
        for item in items:
            console.print(f"{kind}: {encode(item).decode()}", markup=False, highlight=False, soft_wrap=True)
    listens = counts.published.get("listens", 0)
    if listens:
        known = listens - sink.unmatched
        console.print(f"matched: {known:,} listens of catalogue tracks, {sink.unmatched:,} of tracks that would be made")


def _line(one: Rejected) -> str:
    return f"rejected: {one.where}: {one.reason} ({one.code})"
