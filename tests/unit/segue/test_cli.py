"""How `segue …` starts a command, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from infra.local.programs import segue
from segue.cli import THREADS

POOLS = """
import json, sys
from segue.cli import build_app
sys.argv[1:] and build_app(sys.argv[1:])
import faiss, numpy, scipy.linalg
from threadpoolctl import threadpool_info
print(json.dumps([[pool["user_api"], pool["num_threads"]] for pool in threadpool_info()]))
"""
many_cores = pytest.mark.skipif(os.cpu_count() == 1, reason="one core has one thread anyway")


def pools(*arguments: str, **environment: str) -> list[tuple[str, int]]:
    """The thread pools of the libraries after a command has been loaded: what they are for, and how many threads each has."""
    inherited = {name: value for name, value in os.environ.items() if name not in THREADS}
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", POOLS, *arguments],
        env=inherited | environment, check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return [(api, threads) for api, threads in json.loads(run.stdout)]


def test_answers_are_computed_on_one_thread() -> None:
    found = pools("serve")
    assert {"blas", "openmp"} <= {api for api, _ in found}
    assert {threads for _, threads in found} == {1}


@many_cores
def test_whoever_runs_it_may_say_otherwise() -> None:
    assert {threads for api, threads in pools("serve", OPENBLAS_NUM_THREADS="2") if api == "blas"} >= {2}


@many_cores
def test_training_keeps_the_cores() -> None:
    assert max(threads for _, threads in pools("train")) > 1


def test_the_supervisor_starts_the_same_command_line() -> None:
    assert segue("serve")[1:] == ["-m", "segue.cli", "serve"]
