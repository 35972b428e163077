"""Blocks of work on all processors: numpy, scipy.sparse and faiss let go of the interpreter while they compute."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import islice
from typing import TypeVar

from threadpoolctl import ThreadpoolController

Block = TypeVar("Block")
Result = TypeVar("Result")


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def without_inner_threads() -> Iterator[None]:
    """Let BLAS work in the thread that calls it: below threads of our own or implicit's, its own would only contend."""
    with _libraries().limit(limits=1, user_api="blas"):
        yield


def in_threads(work: Callable[[Block], Result], blocks: Iterable[Block]) -> Iterator[Result]:
    """`work` of each block, in their order; never more than one result for each processor is held.

    An exception ends it at the block that raised it.
    """
    threads, waiting = processors(), iter(blocks)
    with ThreadPoolExecutor(threads) as pool, without_inner_threads():
        while some := list(islice(waiting, threads)):
            yield from pool.map(work, some)


@cache
def _libraries() -> ThreadpoolController:
    # Looking through all loaded libraries takes 40 ms, so it is done once.
    return ThreadpoolController()
