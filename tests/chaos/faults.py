"""Faults, drawn by a seeded generator."""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass

import redis

from infra.local.stack import LocalStack

SERVERS = ("kafka", "postgres", "redis")
STOPPED_S = 5.0
"""Longer than the consumers' session timeout: a stopped worker comes back as a zombie."""
WORKERS = 2
MOST_WORKERS = 4
KINDS = ("kill -9", "SIGSTOP and SIGCONT", "restart")
FLUSH, EMPTY, REBALANCE = "flush", "empty and start anew", "rebalance from 1 to 4 workers and back"
SPECIAL_EVERY = 10


@dataclass(frozen=True)
class Fault:
    """One fault: what to do to which program."""

    kind: str
    program: str

    def __str__(self) -> str:
        return f"{self.kind} {self.program}"


def worker_names(first: int, last: int) -> list[str]:
    """`process-first` to `process-last`."""
    return [f"process-{number}" for number in range(first, last + 1)]


def draw_faults(seed: int, count: int) -> list[Fault]:
    """`count` faults in random order over workers and servers, every kind of program hit in every five; then, for every ten of
    them, a flushed Redis, a Redis that starts empty and a rebalance."""
    rng = random.Random(seed)
    faults = []
    for number in range(count):
        turn = ("worker", *SERVERS, "worker")[number % 5]
        program = f"process-{rng.randrange(WORKERS) + 1}" if turn == "worker" else turn
        faults.append(Fault(rng.choice(KINDS), program))
    for _ in range(0, count, SPECIAL_EVERY):
        faults += [Fault(rng.choice((FLUSH, EMPTY)), "redis"), Fault(REBALANCE, "workers")]
    rng.shuffle(faults)
    return faults


def loses_rows(fault: Fault) -> bool:
    """Whether live rows are gone after it, until their listeners come or somebody rebuilds them."""
    return fault.kind in (FLUSH, EMPTY)


def inflict(stack: LocalStack, fault: Fault, pause: Callable[[float], None]) -> None:
    """Do it, and return when the program runs again."""
    if fault.kind == "kill -9":
        stack.kill(fault.program, signal.SIGKILL)
    elif fault.kind == "restart":
        stack.stop(fault.program)
        stack.start(fault.program)
    elif fault.kind == FLUSH:
        with redis.Redis.from_url(stack.environment["SEGUE_REDIS_URL"]) as client:
            client.flushall()
    elif fault.kind == EMPTY:
        stack.stop("redis")
        shutil.rmtree(stack.state.data / "redis" / "appendonlydir")
        stack.start("redis")
    elif fault.kind == REBALANCE:
        _rebalance(stack, pause)
    else:
        stack.kill(fault.program, signal.SIGSTOP)
        pause(STOPPED_S)
        stack.kill(fault.program, signal.SIGCONT)
    if fault.program in SERVERS:
        stack.wait_ready(fault.program, 60)


def _rebalance(stack: LocalStack, pause: Callable[[float], None]) -> None:
    stack.stop(*worker_names(2, WORKERS))
    pause(STOPPED_S / 2)
    for name in worker_names(2, MOST_WORKERS):
        stack.start(name)
        pause(STOPPED_S / 2)
    for name in reversed(worker_names(2, MOST_WORKERS)):
        stack.stop(name)
    stack.start(*worker_names(2, WORKERS))
