"""`python -m benchmarks quality`: recommendation quality on a published split, through the code that serves.

The blend's weights are learned on a random part of the training file; the test file is read for judging only. These files carry
no audio features and no time, so content is empty and popularity is a count: they judge collaborative quality.

Of each model: `recall@20`, `ndcg@20`, `fit_s`; `score_ms_per_user`, the mean time of scoring the whole catalogue for one listener
after the other, as an answer does; `rss_mb`, the most memory that its fit took above what was resident before.
"""

from __future__ import annotations

import json
import time
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
from segue.evaluation.tuning import learn_weights
from segue.models.blend import Blend, BlendConfig
from segue.models.contract import History, Interactions, Model

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
    start = time.perf_counter()
    config = tuned(known)
    tune_s = time.perf_counter() - start
    blend, costs = fitted(interactions(known), config)
    models: dict[str, Model] = {"blend": blend, **blend.parts()}
    report: dict[str, dict[str, Any]] = {
        name: {
            **_judged(models[name], known, held_out, limit_users),
            **costs[name],
            "score_ms_per_user": round(score_ms(models[name], known, held_out, limit_users), 4),
        }
        for name in REPORTED
    }
    report["blend"] |= {"tune_s": round(tune_s, 2), "weights": config.weights}
    if json_path is not None:
        json_path.parent.mkdir(parents=True, exist_ok=True)
        json_path.write_text(json.dumps(report, indent=2))
    _print(report)
    return report


def tuned(known: csr_matrix[np.float32]) -> BlendConfig:
    """The blend's weights, learned on a random part of `known`."""
    split = random_split(known, VALIDATION)
    blend, _ = fitted(interactions(split.known), BlendConfig())
    return learn_weights(blend, split.known, split.held_out)[0]


def fitted(data: Interactions, config: BlendConfig) -> tuple[Blend, dict[str, dict[str, float]]]:
    """A blend over tracks of which nothing but plays is known, and what each part and the whole cost: `fit_s`, `rss_mb`."""
    blend = Blend(config)
    seconds: dict[str, float] = {}
    peaks: dict[str, Peak] = {}
    for name, part in blend.parts().items():
        start = time.perf_counter()
        with peak_memory() as peaks[name]:
            part.fit(data, [None] * data.n_tracks)
        seconds[name] = time.perf_counter() - start
    seconds["blend"], peaks["blend"] = sum(seconds.values()), together(list(peaks.values()))
    costs = {name: {"fit_s": round(seconds[name], 2), "rss_mb": round(peaks[name].peak_mb, 1)} for name in seconds}
    return blend.with_support(data.support()), costs


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
