"""What `segue status` says: addresses and processes of the running stack."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from infra.local.ports import LOOPBACK
from infra.local.programs import worker_names
from infra.local.settings import external_addresses
from infra.local.stack import LocalStack
from infra.local.supervision import ProcessStatus
from segue.settings import Settings

_PASSWORD = re.compile(r"(?<=:)[^:@/]*(?=@)")
STYLES = {"RUNNING": "green", "STARTING": "yellow", "STOPPED": "dim"}


def status_report(stack: LocalStack, settings: Settings, *, secrets: bool = False) -> dict[str, Any]:
    """The object of `segue status --json`. Passwords are masked unless `secrets`. Raises SupervisorUnavailable."""
    addresses = external_addresses(settings)
    processes = stack.processes()
    hide = (lambda url: url) if secrets else masked
    return {
        "urls": urls(stack, processes),
        "bootstrap": addresses.get("SEGUE_KAFKA_BOOTSTRAP"),
        "postgres": hide(addresses.get("SEGUE_POSTGRES_URL")),
        "redis": hide(addresses.get("SEGUE_REDIS_URL")),
        "processes": [{"name": p.name, "pid": p.pid, "state": p.state, "restarts": p.restarts} for p in processes],
    }


def urls(stack: LocalStack, processes: Sequence[ProcessStatus]) -> dict[str, Any]:
    """Addresses for people: the API, the listening room (None while it does not run) and the metrics of each process."""
    ports = stack.ports()
    api = f"http://{LOOPBACK}:{ports['api']}"
    metrics = {"api": f"{api}/metrics"}
    names = {process.name for process in processes}
    for name in [*worker_names(len(names)), "trainer"]:
        if name in names and name in ports:
            metrics[name] = f"http://{LOOPBACK}:{ports[name]}/metrics"
    room = any(process.name == "ui" and process.pid for process in processes)
    return {"api": api, "ui": f"http://{LOOPBACK}:{ports['ui']}" if room else None, "metrics": metrics}


def masked(url: str | None) -> str | None:
    """The address without its password."""
    return None if url is None else _PASSWORD.sub("***", url, count=1)


def process_table(processes: Sequence[ProcessStatus]) -> Table:
    """The processes for people."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("process", "state", "pid", "restarts"):
        table.add_column(column, justify="right" if column in ("pid", "restarts") else "left")
    for process in processes:
        style = STYLES.get(process.state, "red")
        table.add_row(process.name, f"[{style}]{process.state.lower()}[/]", str(process.pid or "–"), str(process.restarts))
    return table


def report_to(console: Console) -> Callable[[str], None]:
    """Progress, one line for each thing that is done."""
    return lambda text: console.print(f"[green]·[/] {escape(text)}", highlight=False, soft_wrap=True)
