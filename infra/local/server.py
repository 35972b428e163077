"""What the supervisor needs to know about a process, and what the stack needs to know about a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """One supervised process. `priority`: lower starts first and stops last; `start_s` seconds alive count as started."""

    name: str
    command: Sequence[str]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: str = "TERM"
    stop_wait_s: int = 20
    start_s: int = 2
    priority: int = 100


@dataclass(frozen=True)
class Server:
    """A program that others connect to. `probe` returns when it answers and raises `segue.errors.Unavailable` when not."""

    program: Program
    variable: str
    """The setting that holds its address."""
    url: str
    """Address with its password."""
    probe: Callable[[], None]

    @property
    def name(self) -> str:
        """The program's name."""
        return self.program.name
