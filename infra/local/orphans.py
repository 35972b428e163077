"""Processes of a state directory whose supervisor is gone (kill -9): found by a mark in their environment, and ended."""

from __future__ import annotations

import logging
import signal
from pathlib import Path

import psutil

log = logging.getLogger(__name__)

MARK = "SEGUE_STACK"
"""Environment variable that every process of a stack carries: the absolute path of its state directory."""
PATIENCE_S = 20


def find_orphans(state_dir: Path) -> list[psutil.Process]:
    """Living processes that carry this state directory's mark, oldest first."""
    found = [process for process in psutil.process_iter(["create_time"]) if _mark_of(process) == str(state_dir)]
    return sorted(found, key=lambda process: float(process.info["create_time"]))


def end_orphans(state_dir: Path) -> list[str]:
    """Stop them as gently as they allow and return their names. Call only when no supervisor answers."""
    orphans = find_orphans(state_dir)
    names = [_name(process) for process in orphans]
    for process in orphans:
        _send(process, signal.SIGINT if _name(process) == "postgres" else signal.SIGTERM)
    _, alive = psutil.wait_procs(orphans, timeout=PATIENCE_S)
    for process in alive:
        log.warning("process %d did not stop within %d s: killing it", process.pid, PATIENCE_S)
        _send(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=PATIENCE_S)
    return names


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return dict(process.environ()).get(MARK)
    except (psutil.Error, OSError):
        return None


def _name(process: psutil.Process) -> str:
    try:
        return str(process.name())
    except psutil.Error:
        return "ended"


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
