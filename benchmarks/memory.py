"""Peak memory of a block of code, as the operating system counts it."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

MB = 1e6
_SAMPLE_EVERY_S = 0.005
_RESET_PEAK = "5"


@dataclass
class Peak:
    """`before_mb`: resident before the block; `peak_mb`: the most above that while it ran."""

    before_mb: float
    peak_mb: float = 0.0


@contextmanager
def peak_memory() -> Iterator[Peak]:
    """Measure a block: exactly where the kernel lets a process reset its own peak (Linux), by samples elsewhere.

    Memory that an earlier block gave back to the allocator but not to the system is used again unseen: measure what matters
    first.
    """
    gc.collect()
    peak = Peak(_resident_mb())
    watch = _kernel_peak if _reset_peak() else _sampled_peak
    with watch(peak):
        yield peak


def together(peaks: list[Peak]) -> Peak:
    """The peak of blocks that followed each other, above what was resident before the first."""
    before_mb = peaks[0].before_mb
    return Peak(before_mb, max(peak.before_mb + peak.peak_mb for peak in peaks) - before_mb)


@contextmanager
def _kernel_peak(peak: Peak) -> Iterator[None]:
    yield
    status = Path("/proc/self/status").read_text().splitlines()
    highest_kb = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    peak.peak_mb = max(highest_kb * 1024 / MB - peak.before_mb, 0.0)


@contextmanager
def _sampled_peak(peak: Peak) -> Iterator[None]:
    done = threading.Event()

    def sample() -> None:
        while not done.wait(_SAMPLE_EVERY_S):
            peak.peak_mb = max(peak.peak_mb, _resident_mb() - peak.before_mb)

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    try:
        yield
    finally:
        done.set()
        sampler.join()
    peak.peak_mb = max(peak.peak_mb, _resident_mb() - peak.before_mb)


def _reset_peak() -> bool:
    try:
        Path("/proc/self/clear_refs").write_text(_RESET_PEAK)
    except OSError:
        return False
    return True


def _resident_mb() -> float:
    return float(psutil.Process().memory_info().rss) / MB
