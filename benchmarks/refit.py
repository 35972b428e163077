"""`python -m benchmarks refit`: seconds to fit every model on a given matrix."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from scipy.sparse import csr_matrix

from benchmarks.quality import fitted
from segue.evaluation.interaction_files import interactions, matrices
from segue.models.blend import BlendConfig

USERS, TRACKS, EVENTS = 20_000, 30_000, 1_000_000
SEED = 17


def refit(train: Path | None = None, json_path: Path | None = None) -> dict[str, float]:
    """Seconds by model and in all; of a reproducible random matrix with Zipf popularity when no file is given."""
    matrix = matrices(train)[0] if train else _random_matrix()
    start = time.perf_counter()
    _, costs = fitted(interactions(matrix), BlendConfig())
    report = {
        "users": float(matrix.shape[0]),
        "tracks": float(matrix.shape[1]),
        "interactions": float(matrix.nnz),
        **{f"{name}_s": cost["fit_s"] for name, cost in costs.items() if name != "blend"},
        "refit_s": round(time.perf_counter() - start, 2),
    }
    if json_path is not None:
        json_path.parent.mkdir(parents=True, exist_ok=True)
        json_path.write_text(json.dumps(report, indent=2))
    Console(stderr=True).print(report)
    return report


def _random_matrix() -> csr_matrix[np.float32]:
    random = np.random.default_rng(SEED)
    weights = 1.0 / np.arange(1, TRACKS + 1)
    tracks = random.choice(TRACKS, EVENTS, p=weights / weights.sum())
    users = random.integers(0, USERS, EVENTS)
    return csr_matrix((np.ones(EVENTS, np.float32), (users, tracks)), shape=(USERS, TRACKS))
