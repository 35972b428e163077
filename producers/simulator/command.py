"""`segue simulate`: listeners over the catalogue in Postgres, a backlog of their past, and their life from now on."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from producers.simulator.run import History, Pace, run_simulation
from segue.errors import InvalidInput

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d)?")
_UNIT_S = {None: 1.0, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


def simulate(
    listeners: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many people listen.")] = 300,
    backlog_days: Annotated[int, typer.Option(min=0, max=3_650, help="Days of history to publish first; 0 for none.")] = 0,
    live: Annotated[bool, typer.Option("--live", help="Then listen in real time until --for or a signal.")] = False,
    rate: Annotated[float, typer.Option(min=0.01, max=100_000, help="Live events a second.")] = 20.0,
    for_: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="How long live: 60s, 5m, 2h. Default: no end.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same people and the same history.")] = 1,
    max_events: Annotated[int | None, typer.Option(min=1, help="Stop each part after this many events.")] = None,
    start: Annotated[
        str | None, typer.Option(metavar="DATE", help="First day of the history. Default: backlog-days ago.")
    ] = None,
    now: Annotated[str | None, typer.Option(metavar="TIME", help="End of the history, UTC. Default: the time it is.")] = None,
    wait: Annotated[str, typer.Option(metavar="TIME", help="How long to wait for the catalogue to be complete.")] = "0s",
) -> None:
    """Let people who do not exist listen to the catalogue: a history (--backlog-days), real time (--live), or both.

    Publishing the same history again (same --seed, --listeners, --start, --backlog-days) changes nothing: each event keeps its
    id and is counted once. Exit codes: 0 done or stopped by a signal, 1 error.
    """
    if not backlog_days and not live:
        raise InvalidInput("nothing to simulate: add --backlog-days 30, --live, or both", "nothing_to_do")
    until = parse_time(now) if now else datetime.now(UTC)
    first = parse_time(start) if start else until - timedelta(days=backlog_days)
    if first > until:
        raise InvalidInput(f"--start {first.isoformat()} lies after the end of the history, {until.isoformat()}", "invalid_time")
    # The day on which the history ends is simulated whole, too, and cut at its end.
    history = History(first.date(), backlog_days + 1, min(until, first + timedelta(days=backlog_days)))
    pace = Pace(rate, parse_duration(for_) if for_ else float("inf"))
    run_simulation(
        listeners,
        seed,
        max_events,
        history if backlog_days else None,
        pace if live else None,
        wait_s=parse_duration(wait),
    )


def parse_duration(text: str) -> float:
    """Seconds of `90`, `60s`, `5m`, `2h`, `1d`. Raises InvalidInput."""
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise InvalidInput(f"{text!r} is not a length of time: write 60s, 5m, 2h or 1d", "invalid_duration")
    return float(match.group(1)) * _UNIT_S[match.group(2)]


def parse_time(text: str) -> datetime:
    """A date or time in ISO 8601; UTC unless it says otherwise. Raises InvalidInput."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is not a time: write 2026-11-23 or 2026-11-23T18:00:00Z", "invalid_time") from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
