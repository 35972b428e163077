"""Sums and quantiles over the workers' metrics."""

from __future__ import annotations

import pytest

from infra.local.scrape import WorkerMetrics, add_metrics, quantile

WORKER = """\
# TYPE segue_events_written_total counter
segue_events_written_total{topic="listening-events"} 40
segue_events_written_total{topic="catalogue"} 2
# TYPE segue_consumer_lag gauge
segue_consumer_lag{topic="listening-events",partition="0"} 3
segue_consumer_lag{topic="listening-events",partition="1"} 4
# TYPE segue_dead_letters_total counter
segue_dead_letters_total{code="invalid_event"} 1
# TYPE segue_event_to_state_seconds histogram
segue_event_to_state_seconds_bucket{le="0.01"} 10
segue_event_to_state_seconds_bucket{le="+Inf"} 20
segue_event_to_state_seconds_sum 1
segue_event_to_state_seconds_count 20
"""
INF = float("inf")


def test_workers_add_up() -> None:
    total = WorkerMetrics()
    add_metrics(total, WORKER)
    add_metrics(total, WORKER)
    assert (total.events_written, total.lag, total.dead_letters) == (84, 14, 2)
    assert total.buckets == {0.01: 20, INF: 40}


def test_a_quantile_lies_within_its_bucket() -> None:
    assert quantile({}, {0.1: 0, 0.2: 10, INF: 10}, 0.5) == pytest.approx(0.15)


def test_a_quantile_is_of_what_happened_since() -> None:
    before = {0.1: 100, 0.2: 100, INF: 100}
    assert quantile(before, {0.1: 100, 0.2: 110, INF: 110}, 0.5) == pytest.approx(0.15)


def test_nothing_happened_has_no_quantile() -> None:
    assert quantile({0.1: 5, INF: 5}, {0.1: 5, INF: 5}, 0.99) is None


def test_beyond_the_last_bound_is_the_last_bound() -> None:
    assert quantile({}, {0.1: 0, INF: 10}, 0.99) == 0.1
