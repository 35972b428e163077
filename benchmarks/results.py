"""What every benchmark hands out: figures, the machine's load while they were taken, one JSON object."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table


def percentile(values: list[float], q: float) -> float:
    """The q-th percentile (0..100) of values, 0.0 of none."""
    return float(np.percentile(values, q)) if values else 0.0


def report(title: str, figures: dict[str, Any], json_path: Path | None) -> None:
    """Print a table and, if asked, write one JSON object; both say how busy the machine was."""
    figures = figures | {"cores": os.cpu_count(), "load_1m": round(os.getloadavg()[0], 2)}
    table = Table(title=title)
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in figures.items():
        table.add_row(name, f"{value:.4g}" if isinstance(value, float) else str(value))
    Console().print(table)
    if json_path is not None:
        json_path.parent.mkdir(parents=True, exist_ok=True)
        json_path.write_text(json.dumps(figures, indent=2) + "\n")
