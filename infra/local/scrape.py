"""The workers' Prometheus metrics, added up over all workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import httpx
from prometheus_client.parser import text_string_to_metric_families

from infra.local.ports import LOOPBACK

TIMEOUT_S = 2.0
LATENCY = "segue_event_to_state_seconds_bucket"


@dataclass
class WorkerMetrics:
    """Sums over workers. `buckets` maps an upper bound in seconds to the number of events at or below it."""

    events_written: float = 0.0
    lag: float = 0.0
    dead_letters: float = 0.0
    buckets: Counter[float] = field(default_factory=Counter)
    missing: int = 0
    """Workers that did not answer."""


def scrape(ports: Iterable[int]) -> WorkerMetrics:
    """Ask every worker; one that does not answer is counted in `missing`."""
    total = WorkerMetrics()
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
        for port in ports:
            try:
                answer = client.get(f"http://{LOOPBACK}:{port}/metrics").raise_for_status()
            except httpx.HTTPError:
                total.missing += 1
            else:
                add_metrics(total, answer.text)
    return total


def add_metrics(total: WorkerMetrics, text: str) -> None:
    """Add one worker's exposition to the sums."""
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "segue_events_written_total":
                total.events_written += sample.value
            elif sample.name == "segue_consumer_lag":
                total.lag += sample.value
            elif sample.name == "segue_dead_letters_total":
                total.dead_letters += sample.value
            elif sample.name == LATENCY:
                total.buckets[float(sample.labels["le"])] += int(sample.value)


def quantile(before: Mapping[float, int], after: Mapping[float, int], q: float) -> float | None:
    """The q-quantile in seconds of what was observed between two scrapes, linear within its bucket; None if nothing was.

    Source: Prometheus' `histogram_quantile`.
    """
    bounds = sorted(after)
    counts = [max(0, after[bound] - before.get(bound, 0)) for bound in bounds]
    if not counts or counts[-1] == 0:
        return None
    rank = q * counts[-1]
    index = next(i for i, count in enumerate(counts) if count >= rank)
    lower, below = (bounds[index - 1], counts[index - 1]) if index else (0.0, 0)
    if bounds[index] == float("inf"):
        return lower
    return lower + (bounds[index] - lower) * (rank - below) / max(1, counts[index] - below)
