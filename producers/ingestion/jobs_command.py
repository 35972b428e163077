"""`segue ingest jobs`: what was imported, what is under way, and what to run next."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from producers.ingestion.importing import open_jobs
from segue.ingest_jobs import Job
from segue.settings import load_settings

STYLES = {"running": "cyan", "done": "green", "failed": "red", "stopped": "yellow", "waiting": "yellow"}


def jobs(as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False) -> None:
    """Imports, the last one first: how far they have come, why they ended, and what to run to go on."""
    with closing(open_jobs(load_settings())) as opened:
        found = opened.newest()
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    console = Console()
    if not found:
        console.print("no imports yet: `segue ingest --help` says what can be imported")
        return
    console.print(_table(found))
    for job in found:
        _say_next(console, job)


def _table(found: list[Job]) -> Table:
    table = Table(Column("job", no_wrap=True), "source", "what", "listener", "state", "read", "published", "rejected", "changed")
    for job in found:
        numbers = (job.counts.read, sum(job.counts.published.values()), sum(job.counts.rejected.values()))
        table.add_row(
            job.job_id, escape(job.source), escape(job.label), escape(job.listener or ""),
            f"[{STYLES[job.status]}]{job.status}[/]", *(f"{number:,}" for number in numbers), f"{job.updated_at:%Y-%m-%d %H:%M}",
        )  # fmt: skip
    return table


def _say_next(console: Console, job: Job) -> None:
    if job.status in {"done", "running"}:
        return
    why = f" ({job.reason})" if job.reason else ""
    when = f" from {job.not_before:%Y-%m-%d %H:%M:%S} UTC on" if job.not_before else ""
    verb = "correct the input, then" if job.status == "failed" else "to go on"
    console.print(f"{job.job_id}: {job.status}{why}; {verb}{when}: {job.command}", markup=False, highlight=False, soft_wrap=True)
