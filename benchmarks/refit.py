"""`python -m benchmarks refit`: a whole refit beside the least that its models could cost.

The refit is the trainer's own road (`trainer.learning`) without Postgres and files: fit on the past, learn weights, judge, fit on
everything. `ratio`: its seconds `refit_s` by the sum of `bare_als_s`, a cold fit of `implicit` alone with the factors and
iterations of the product, and `bare_product_s`, the item-item product RᵀR alone, each of the same data in the same run.

`peak_mb`: the most memory above what was resident before; `memory_ratio`: that by `csr_mb`, the interactions as a csr_matrix. The
models are many times larger than what they are learned from, so `working_mb` and `working_ratio` say what the refit took besides
the arrays of the model that came out, `model_mb`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from implicit.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from benchmarks.memory import MB, peak_memory
from benchmarks.quality import held_out_at_random
from benchmarks.results import report
from segue.evaluation.interaction_files import matrices
from segue.models.als import AlsConfig
from segue.models.blend import Blend
from trainer.learning import USUAL, learned
from trainer.stopwatch import Stopwatch

USERS, TRACKS, EVENTS = 20_000, 30_000, 1_000_000
SEED = 17

Figures = dict[str, float]


def refit(train: Path | None = None, json_path: Path | None = None) -> Figures:
    """The figures of the module and seconds by stage; of a reproducible random matrix with Zipf popularity without a file."""
    matrix = matrices(train)[0] if train else _random_matrix()
    # First, as its memory counts: what others gave back to the allocator would be used again unseen.
    figures = _whole(matrix)
    figures |= {
        "bare_als_s": _seconds(lambda: _bare_als(matrix)),
        "bare_product_s": _seconds(lambda: csr_matrix(matrix.T) @ matrix),
    }
    figures["ratio"] = round(figures["refit_s"] / (figures["bare_als_s"] + figures["bare_product_s"]), 3)
    sizes = {"users": float(matrix.shape[0]), "tracks": float(matrix.shape[1]), "interactions": float(matrix.nnz)}
    report("refit", sizes | figures, json_path)
    return sizes | figures


def _whole(matrix: csr_matrix[np.float32]) -> Figures:
    """Seconds and memory of the trainer's refit; a random part of the plays stands for the newest."""
    dataset = held_out_at_random(matrix, USUAL.held_out)
    watch = Stopwatch()
    start = time.perf_counter()
    with peak_memory() as peak:
        blend = learned(dataset, watch).blend
    seconds = round(time.perf_counter() - start, 3)
    csr_mb, model_mb = (matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes) / MB, _stored_mb(blend)
    memory = {
        "peak_mb": peak.peak_mb, "csr_mb": csr_mb, "memory_ratio": peak.peak_mb / csr_mb, "model_mb": model_mb,
        "working_mb": peak.peak_mb - model_mb, "working_ratio": (peak.peak_mb - model_mb) / csr_mb,
    }  # fmt: skip
    stages = {f"{name.replace(' ', '_')}_s": taken for name, taken in watch.seconds.items()}
    return {"refit_s": seconds, **stages, **{name: round(value, 2) for name, value in memory.items()}}


def _bare_als(matrix: csr_matrix[np.float32]) -> None:
    config = AlsConfig()
    with threadpool_limits(limits=1, user_api="blas"):
        AlternatingLeastSquares(
            factors=config.factors_for(matrix.nnz), regularization=config.regularization, alpha=config.alpha, use_gpu=False,
            iterations=config.iterations, random_state=config.seed, calculate_training_loss=False,
        ).fit(matrix, show_progress=False)  # fmt: skip


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return round(time.perf_counter() - start, 3)


def _stored_mb(blend: Blend) -> float:
    """Bytes of the model's arrays, as a snapshot holds them."""
    with tempfile.TemporaryDirectory() as folder:
        blend.save(Path(folder))
        return sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file()) / MB


def _random_matrix() -> csr_matrix[np.float32]:
    random = np.random.default_rng(SEED)
    weights = 1.0 / np.arange(1, TRACKS + 1)
    tracks = random.choice(TRACKS, EVENTS, p=weights / weights.sum())
    users = random.integers(0, USERS, EVENTS)
    return csr_matrix((np.ones(EVENTS, np.float32), (users, tracks)), shape=(USERS, TRACKS))
