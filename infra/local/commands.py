"""`segue up`, `down`, `status`, `doctor` and `prepare`: real servers on this machine, without containers.

What only one command needs is imported by that command, so that `segue status` answers at once.
"""

from __future__ import annotations

import json
import re
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from infra.local.report import process_table, report_to, status_report
from infra.local.stack import LocalStack
from infra.local.supervision import SupervisorUnavailable
from segue.errors import InvalidInput
from segue.logs import configure_logging
from segue.settings import load_external_settings, load_settings

EXIT_FAILED = 1
EXIT_NOT_RUNNING = 3
DEMO_WORKERS = 2
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)?")
_SECONDS = {None: 1, "s": 1, "m": 60, "h": 3600}
_MARKS = {"ok": "[green]ok[/]", "note": "[yellow]note[/]", "fail": "[red]fail[/]"}

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]


def up(
    demo: Annotated[
        bool, typer.Option("--demo", help="Fill it with real tracks and simulated listeners, train, recommend.")
    ] = False,
    for_: Annotated[str | None, typer.Option("--for", metavar="TIME", help="End after this time once ready: 120s, 5m.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Stream processors. Default: 2 in the demo, else 1.")] = None,
) -> None:
    """Start Kafka, Postgres, Redis and all of Segue, and stay until Ctrl-C.

    A server whose address is set (SEGUE_KAFKA_BOOTSTRAP, SEGUE_POSTGRES_URL, SEGUE_REDIS_URL) is used and not started. Data and
    passwords stay in SEGUE_STATE_DIR. With --for the exit code is 0 only if everything was healthy all along.
    """
    settings, console = load_external_settings(), Console()
    configure_logging("WARNING")
    from infra.local.up import Foreground

    duration_s = None if for_ is None else parse_duration(for_)
    stack = LocalStack(
        settings.state_dir, workers=workers or (DEMO_WORKERS if demo else 1), settings=settings, report=report_to(console)
    )
    if stack.running():
        console.print(f"the stack in {stack.state.path} runs already; `segue down` stops it", soft_wrap=True)
        console.print(process_table(stack.processes()))
        return
    raise typer.Exit(Foreground(stack, settings, console, demo=demo, duration_s=duration_s).run())


def down() -> None:
    """Stop the stack of this state directory in order; its data stays."""
    settings, console = load_external_settings(), Console()
    stack = LocalStack(settings.state_dir, settings=settings)
    if not stack.running():
        console.print(f"nothing runs in {stack.state.path}", soft_wrap=True)
        return
    stack.down()
    console.print(f"stopped; the data stays in {stack.state.path}", soft_wrap=True)


def status(
    json_: AsJson = False,
    secrets: Annotated[bool, typer.Option("--secrets", help="Show passwords in addresses; they are masked otherwise.")] = False,
) -> None:
    """Say what runs: addresses, processes and how often each was restarted. Exit code 3 when nothing runs."""
    settings, console = load_settings(), Console()
    stack = LocalStack(settings.state_dir, settings=settings)
    try:
        report = status_report(stack, settings, secrets=secrets)
        processes = stack.processes()
    except SupervisorUnavailable as error:
        Console(stderr=True).print(f"nothing runs in {stack.state.path}: start it with `segue up`", soft_wrap=True)
        raise typer.Exit(EXIT_NOT_RUNNING) from error
    if json_:
        typer.echo(json.dumps(report))
        return
    console.print(process_table(processes))
    for name, address in [
        *((key, report["urls"][key]) for key in ("api", "ui")),
        *((key, report[key]) for key in ("bootstrap", "postgres", "redis")),
    ]:
        console.print(f"{name:10}{address or '–'}", highlight=False, soft_wrap=True)


def doctor(json_: AsJson = False) -> None:
    """Check everything that the local stack needs, with the command that mends what is missing. Exit code 1 if it cannot run."""
    from infra.local.doctor import examine

    settings, console = load_external_settings(), Console()
    findings = list(examine(settings, LocalStack(settings.state_dir, settings=settings)))
    if json_:
        rows = [{"subject": f.subject, "verdict": f.verdict, "text": f.text, "mend": f.mend or None} for f in findings]
        typer.echo(json.dumps({"findings": rows}))
    else:
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column()
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for finding in findings:
            mend = f"\n[bold]→ {escape(finding.mend)}[/]" if finding.mend else ""
            table.add_row(_MARKS[finding.verdict], finding.subject, escape(finding.text) + mend)
        console.print(table)
    if any(finding.verdict == "fail" for finding in findings):
        raise typer.Exit(EXIT_FAILED)


def prepare() -> None:
    """Fetch Kafka, check Java, Postgres and Redis: all that a first `segue up` would have to wait for. Safe to run again."""
    from infra.local.prepare import prepare_machine

    configure_logging("WARNING")
    prepare_machine(load_external_settings(), report_to(Console()))


def parse_duration(text: str) -> float:
    """Seconds of `90`, `120s`, `5m`, `1h`. Raises InvalidInput."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise InvalidInput(f"{text!r} is not a length of time: write 120s, 5m or 1h", "invalid_duration")
    return float(match.group(1)) * _SECONDS[match.group(2)]
