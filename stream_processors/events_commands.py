"""`segue events …`: look after the stream."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from segue.dead_letters import Letter, count_letters, find_letter, newest_letters
from segue.errors import InvalidInput
from segue.logs import configure_logging
from segue.settings import Settings, load_settings
from segue.stores.postgres.database import Database
from segue.stores.postgres.verification import Comparison, compare, replaced_logs, replayed_from, unequal_marks
from segue.stores.redis.writer import LiveRowWriter
from stream_processors.rebuild import rebuild as fill_rows
from stream_processors.redrive import redrive as send_back
from stream_processors.replay import replay as replay_log

EXIT_DIFFERENT = 1
EXIT_NOT_COMPARABLE = 2

events = typer.Typer(no_args_is_help=True, help="Look after the stream: dead letters, replay, rebuild.")
out = Console()
err = Console(stderr=True)

ErrorCode = Annotated[str | None, typer.Option("--error", help="Only those with this error code.", show_default=False)]


def _settings() -> Settings:
    settings = load_settings()
    configure_logging("WARNING")
    return settings


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=err)


@events.command("dead-letters")
def dead_letters(
    show: Annotated[str | None, typer.Option(help="Show one letter whole, by its id.", show_default=False)] = None,
    count: Annotated[bool, typer.Option("--count", help="Only count them by error.")] = False,
    error: ErrorCode = None,
    limit: Annotated[int, typer.Option(min=1, help="List at most this many, the newest.")] = 20,
) -> None:
    """List what could not be processed, and why."""
    settings = _settings()
    if show is not None:
        _show(find_letter(settings, show))
    elif count:
        _count(settings, error)
    else:
        _list(newest_letters(settings, error, limit))


def _show(letter: Letter) -> None:
    out.print(f"id          {letter.id}\nerror       {letter.error}: {letter.message}", markup=False, highlight=False)
    out.print(f"first seen  {_time(letter.first_seen_s)}\nkey         {letter.key!r}", markup=False, highlight=False)
    out.print(f"headers     {list(letter.headers)}\nbytes       {letter.raw!r}", markup=False, highlight=False)
    if letter.cut_from is not None:
        out.print(f"cut         the record has {letter.cut_from:,} bytes, this is its beginning", markup=False, highlight=False)


def _count(settings: Settings, error: str | None) -> None:
    with _progress() as progress:
        task = progress.add_task("dead letters", total=None)
        letters = count_letters(settings, error, lambda done, total: progress.update(task, completed=done, total=total))
    table = Table("error", "topic", "letters")
    for (error, topic), number in letters.most_common():
        table.add_row(error, topic, f"{number:,}")
    out.print(table)


def _list(letters: list[Letter]) -> None:
    table = Table("id", "first seen", "error", "message")
    for letter in letters:
        table.add_row(letter.id, _time(letter.first_seen_s), letter.error, escape(letter.message[:80]))
    out.print(table)
    out.print(
        f"the newest {len(letters)}. One in full: --show ID; how many there are: --count; after a fix: segue events redrive"
    )


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


@events.command()
def redrive(
    error: ErrorCode = None,
    again: Annotated[bool, typer.Option("--again", help="Also those that were sent back before.")] = False,
) -> None:
    """Send dead letters back to the topics they came from, after a fix; an event counts once however often it is sent."""
    settings = _settings()
    with _progress() as progress:
        task = progress.add_task("dead letters", total=None)
        done = send_back(settings, error, again, lambda done, total: progress.update(task, completed=done, total=total))
    if done.superseded:
        out.print(f"{done.superseded:,} left out: a newer record of the same key is in the log")
    if done.cut:
        out.print(f"{done.cut:,} left out: too large to be kept whole, publish them again from their source")
    out.print(f"{done.sent:,} dead letters sent back. What is still broken returns: segue events dead-letters --count")


@events.command()
def rebuild(
    replace: Annotated[bool, typer.Option("--replace", help="Also rewrite rows that are there.")] = False,
) -> None:
    """Fill Redis from Postgres, for instance after Redis was lost; safe while everything runs."""
    settings = _settings()
    database = Database(settings.require_postgres())
    rows = LiveRowWriter(
        settings.require_redis(), settings.redis_buckets, settings.listener_row_tracks, settings.listener_row_ttl_days
    )
    with _progress() as progress:
        task = progress.add_task("listeners", total=None)
        written = fill_rows(
            database, rows, settings.listener_row_tracks, replace, lambda done: progress.update(task, advance=done)
        )
    out.print(f"{written:,} rows written; rows that were there stayed" if not replace else f"{written:,} rows rewritten")


@events.command(epilog="Then: segue events verify SCHEMA")
def replay(
    into: Annotated[str, typer.Option(help="Schema to build; replaced if it is there.")],
    start: Annotated[
        str, typer.Option("--from", help="earliest, latest, ts=UNIX_SECONDS or last=90m (s, m, h, d).")
    ] = "earliest",
) -> None:
    """Rebuild the state from the log into a schema beside the live one."""
    if into == "public":
        raise InvalidInput("--into public is the live state: name another schema")
    settings, began = _settings(), time.monotonic()
    with _progress() as progress:
        task = progress.add_task("records", total=None)
        records = replay_log(settings, start, into, lambda done, total: progress.update(task, completed=done, total=total))
    out.print(f"{records:,} records replayed into {into} in {time.monotonic() - began:.1f} s; next: segue events verify {into}")


@events.command(epilog="Exit codes: 0 equal, 1 different, 2 the two cannot be compared.")
def verify(schema: Annotated[str, typer.Argument(help="A schema that `segue events replay` made.")]) -> None:
    """Compare a replayed schema with the live state, row by row: counts to the unit, weights to 1e-9."""
    database = Database(_settings().require_postgres())
    start = replayed_from(Database(_settings().require_postgres(), schema=schema))
    if start != "earliest":
        err.print(
            f"{schema} was {'not finished' if start is None else f'replayed from {start}'}: only a replay from earliest is whole"
        )
        raise typer.Exit(EXIT_NOT_COMPARABLE)
    behind = unequal_marks(database, schema)
    if behind:
        err.print(
            "the live state moved since the replay:\n  " + "\n  ".join(behind) + "\nreplay again while nothing is published"
        )
        raise typer.Exit(EXIT_NOT_COMPARABLE)
    comparisons = compare(database, schema)
    _show_comparisons(comparisons)
    if any(comparison.different for comparison in comparisons):
        if topics := replaced_logs(database):
            err.print(
                f"the log of {', '.join(topics)} was replaced since this state began: what it holds of the log before is in no "
                "replay, unless it was published again (docs/guide/degraded.md)"
            )
        raise typer.Exit(EXIT_DIFFERENT)


def _show_comparisons(comparisons: list[Comparison]) -> None:
    table = Table("table", "rows", "different", "for instance")
    for c in comparisons:
        table.add_row(c.table, f"{c.rows:,}", f"{c.different:,}", ", ".join(c.samples[:3]))
    out.print(table)
