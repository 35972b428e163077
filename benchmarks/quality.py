"""`python -m benchmarks quality`: recommendation quality on a published split, through the code that serves.

The blend's weights are learned on a random part of the training file; the test file is read for judging only. These files carry
no audio features and no time, so content is empty and popularity is a count: they judge collaborative quality.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_matrix

from segue.evaluation.interaction_files import interactions, matrices
from segue.evaluation.report import evaluated
from segue.evaluation.splits import random_split
from segue.evaluation.tuning import learn_weights
from segue.models.blend import Blend, BlendConfig
from segue.models.contract import Interactions

VALIDATION = 0.15
"""Share of the training interactions held out to learn the blend's weights."""
REPORTED = ("blend", "als", "co_listening", "popularity")


def quality(train: Path, test: Path, json_path: Path | None = None) -> dict[str, dict[str, Any]]:
    """Recall@20, NDCG@20, hit rate, coverage and seconds of fit by model; also written to `json_path` as JSON."""
    known, held_out = matrices(train, test)
    start = time.perf_counter()
    config = tuned(known)
    tune_s = time.perf_counter() - start
    blend, seconds = fitted(interactions(known), config)
    report: dict[str, dict[str, Any]] = {
        name: {**_judged(blend, name, known, held_out), "fit_s": round(seconds[name], 2)} for name in REPORTED
    }
    report["blend"] |= {"tune_s": round(tune_s, 2), "weights": config.weights}
    if json_path is not None:
        json_path.parent.mkdir(parents=True, exist_ok=True)
        json_path.write_text(json.dumps(report, indent=2))
    _print(report)
    return report


def tuned(known: csr_matrix) -> BlendConfig:
    """The blend's weights, learned on a random part of `known`."""
    split = random_split(known, VALIDATION)
    blend, _ = fitted(interactions(split.known), BlendConfig())
    return learn_weights(blend, split.known, split.held_out)[0]


def fitted(data: Interactions, config: BlendConfig) -> tuple[Blend, dict[str, float]]:
    """A blend over tracks of which nothing but plays is known, and the seconds that each part took."""
    blend = Blend(config)
    seconds: dict[str, float] = {}
    for name, part in blend.parts().items():
        start = time.perf_counter()
        part.fit(data, [None] * data.n_tracks)
        seconds[name] = time.perf_counter() - start
    seconds["blend"] = sum(seconds.values())
    return blend.with_support(data.support()), seconds


def _judged(blend: Blend, name: str, known: csr_matrix, held_out: csr_matrix) -> dict[str, float]:
    model = blend if name == "blend" else blend.parts()[name]
    return {metric: round(value, 5) for metric, value in evaluated(model, known, held_out).items()}


def _print(report: dict[str, dict[str, Any]]) -> None:
    table = Table("model", "recall@20", "ndcg@20", "coverage@20", "fit s")
    for name, row in report.items():
        table.add_row(name, *(f"{row[key]:.4f}" for key in ("recall@20", "ndcg@20", "coverage@20")), f"{row['fit_s']:.1f}")
    Console(stderr=True).print(table)
