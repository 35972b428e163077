"""HTTP load by wrk, a public load generator: as many connections as asked for, each with its next request at once.

A closed loop: a slow answer delays the request after it, so p99 says nothing of a queue that an open crowd would build up.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segue.errors import ConfigurationError

SCRIPT = Path(__file__).with_name("load.lua")
TIMEOUT_S = 5


@dataclass(frozen=True)
class Target:
    """What is asked for in turn: `of` of them, `%d` in path and body standing for the number."""

    method: str
    path: str
    of: int
    body: str = ""


def require_wrk() -> str:
    """Where wrk is. Raises ConfigurationError."""
    found = shutil.which("wrk")
    if found is None:
        raise ConfigurationError("wrk is not installed, and it is what makes the load: apt install wrk")
    return found


def load(base_url: str, target: Target, connections: int, seconds: float) -> dict[str, Any]:
    """Requests, seconds, milliseconds (p50, p90, p99, longest) and errors of one run."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as found:
        done = subprocess.run(
            [
                require_wrk(), "--threads", "1", "--connections", str(connections), "--duration", f"{seconds:.0f}s",
                "--timeout", f"{TIMEOUT_S}s", "--script", str(SCRIPT), base_url, "--",
                found.name, target.method, target.path, str(target.of), target.body,
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise ConfigurationError(f"wrk ended with code {done.returncode}: {done.stderr or done.stdout}")
        return dict(json.load(found))
