"""`python -m benchmarks quality`: recommendation quality on a published split, through the code that serves.

The models come by the trainer's own road (`trainer.learning`): the blend's weights are learned on a random part of the training
file, and the test file is read for judging only. These files carry no audio features and no time, so content is empty and
popularity is a count: they judge collaborative quality.

Of each model: `recall@20`, `ndcg@20`; `fit_s`, on the past and on everything; `score_ms_per_user`, the mean time of scoring the
whole catalogue for one listener after the other, as an answer does; `rss_mb`, the most memory that a fit took above what was
resident before. Of the blend `tune_s`, too: learning its weights and judging it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_matrix

from benchmarks.memory import Peak, peak_memory, together
from segue.evaluation.interaction_files import interactions, matrices
from segue.evaluation.report import evaluated, judged_listeners
from segue.evaluation.splits import random_split
from segue.models.contract import History, Model
from trainer.dataset import Dataset
from trainer.learning import learned
from trainer.stopwatch import Stopwatch

VALIDATION = 0.15
"""Share of the training interactions held out to learn the blend's weights."""
TIMED_USERS = 300
"""Listeners whose scoring is timed; their mean is within a few per cent."""
SEED = 3
REPORTED = ("blend", "als", "co_listening", "popularity")


def quality(train: Path, test: Path, json_path: Path | None = None, limit_users: int | None = None) -> dict[str, dict[str, Any]]:
    """Figures by model, see the module; also written to `json_path` as JSON.

    `limit_users`: most listeners of the test file that are scored, a seeded sample; all of the training file is learned from.
    """
    known, held_out = matrices(train, test)
    meter = Meter()
    blend = learned(held_out_at_random(known, VALIDATION), meter).blend
    models: dict[str, Model] = {"blend": blend, **blend.parts()}
    report: dict[str, dict[str, Any]] = {
        name: {
            **_judged(models[name], known, held_out, limit_users),
            **meter.costs(name),
            "score_ms_per_user": round(score_ms(models[name], known, held_out, limit_users), 4),
        }
        for name in REPORTED
    }
    # Of a file too small to hold anything out nothing is learned or judged.
    tune_s = sum(meter.seconds.get(stage, 0.0) for stage in ("learn weights", "judge"))
    report["blend"] |= {"tune_s": round(tune_s, 2), "weights": blend.config.weights}
    if json_path is not None:
        json_path.parent.mkdir(parents=True, exist_ok=True)
        json_path.write_text(json.dumps(report, indent=2))
    _print(report)
    return report


@dataclass
class Meter(Stopwatch):
    """Seconds and memory by stage."""

    peaks: dict[str, Peak] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        with peak_memory() as self.peaks[name], super().stage(name):
            yield

    def costs(self, model: str) -> dict[str, float]:
        """`fit_s` and `rss_mb` of a model in both of its fits; of the blend that of all models."""
        stages = [name for name in self.seconds if name.startswith("fit " if model == "blend" else f"fit {model}")]
        seconds = sum(self.seconds[name] for name in stages)
        return {"fit_s": round(seconds, 2), "rss_mb": round(together([self.peaks[name] for name in stages]).peak_mb, 1)}


def held_out_at_random(matrix: csr_matrix[np.float32], share: float) -> Dataset:
    """A dataset of which nothing but plays is known; a random `share` of them stands for the newest ones."""
    return Dataset(interactions(matrix), (None,) * matrix.shape[1], random_split(matrix, share))


def score_ms(
    model: Model, known: csr_matrix[np.float32], held_out: csr_matrix[np.float32], limit_users: int | None = None
) -> float:
    """Mean milliseconds to score all tracks for one listener of the test file, asked one by one."""
    listeners = judged_listeners(held_out, min(limit_users or TIMED_USERS, TIMED_USERS), SEED)
    histories = [_history(known, listener) for listener in listeners.tolist()]
    start = time.perf_counter()
    for history in histories:
        model.score_all(history)
    return 1e3 * (time.perf_counter() - start) / max(len(histories), 1)


def _judged(
    model: Model, known: csr_matrix[np.float32], held_out: csr_matrix[np.float32], limit_users: int | None
) -> dict[str, float]:
    figures = evaluated(model, known, held_out, max_listeners=limit_users, seed=SEED)
    return {metric: round(value, 5) for metric, value in figures.items()}


def _history(known: csr_matrix[np.float32], listener: int) -> History:
    part = slice(known.indptr[listener], known.indptr[listener + 1])
    return History(known.indices[part], known.data[part], np.zeros(part.stop - part.start))


def _print(report: dict[str, dict[str, Any]]) -> None:
    shown = {"recall@20": ".4f", "ndcg@20": ".4f", "fit_s": ".1f", "score_ms_per_user": ".2f", "rss_mb": ".0f"}
    table = Table("model", *shown)
    for name, row in report.items():
        table.add_row(name, *(format(row[key], digits) for key, digits in shown.items()))
    Console(stderr=True).print(table)
