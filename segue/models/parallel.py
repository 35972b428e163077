"""Blocks of work on all processors: numpy, scipy.sparse and faiss let go of the interpreter while they compute."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from threadpoolctl import threadpool_limits

Block = TypeVar("Block")
Result = TypeVar("Result")


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(work: Callable[[Block], Result], blocks: Iterable[Block]) -> Iterator[Result]:
    """`work` of each block, in their order; never more than one result for each processor is held.

    An exception ends it at the block that raised it.
    """
    threads, waiting = processors(), iter(blocks)
    # Threads of BLAS and OpenMP below these would only contend.
    with ThreadPoolExecutor(threads) as pool, threadpool_limits(limits=1):
        while some := list(islice(waiting, threads)):
            yield from pool.map(work, some)
