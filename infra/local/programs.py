"""Segue's own processes, as the supervisor runs them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from infra.local.server import Program

LISTENERS = 300
LIVE_RATE = 20
"""Simulated events per second."""


def segue(*arguments: str) -> list[str]:
    """A `segue` command with this interpreter, whatever the PATH says."""
    return [sys.executable, "-m", "segue.cli", *arguments]


def worker_names(workers: int) -> list[str]:
    """`process-1` to `process-N`."""
    return [f"process-{number}" for number in range(1, workers + 1)]


def room_names() -> list[str]:
    """`ui`, or nothing where Streamlit (the extra `ui`) is not installed."""
    return ["ui"] if find_spec("streamlit") else []


def app_programs(workers: int, ports: Mapping[str, int], directory: Path) -> list[Program]:
    """Workers, trainer, API, simulator and listening room; addresses and passwords reach them through `stack.env`."""
    programs = [_app(name, ["process"], 30, directory, ports[name]) for name in worker_names(workers)]
    programs.append(_app("trainer", ["train"], 40, directory, ports["trainer"]))
    programs.append(_app("api", ["serve"], 50, directory))
    simulate = ["simulate", "--listeners", str(LISTENERS), "--live", "--rate", str(LIVE_RATE)]
    programs.append(_app("simulator", simulate, 60, directory))
    programs.append(_app("ui", ["ui"], 70, directory))
    return programs


def _app(name: str, arguments: Sequence[str], priority: int, directory: Path, metrics_port: int = 0) -> Program:
    environment = {"SEGUE_METRICS_PORT": str(metrics_port), "PYTHONUNBUFFERED": "1"}
    return Program(name=name, command=segue(*arguments), directory=directory, environment=environment, priority=priority)
