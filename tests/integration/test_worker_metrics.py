"""Every metric of a real worker, after traffic that is known: the values that docs/guide/metrics.md speaks of."""

from __future__ import annotations

import collections
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families

from infra.local.stack import LocalStack
from segue.events import CatalogueTrack, encode
from segue.partitioning import partition_for
from segue.settings import Settings
from segue.stores.postgres.database import Database
from segue.topics import CATALOGUE, LISTENING_EVENTS, USERS
from stream_processors import metrics
from tests.publishing import publish, publish_raw, random_events

pytestmark = pytest.mark.stack

WORKER = "process-4"
Samples = collections.Counter[tuple[str, tuple[tuple[str, str], ...]]]


@pytest.fixture(scope="module")
def worker(stack: LocalStack) -> Iterator[LocalStack]:
    stack.start(WORKER)
    yield stack
    stack.stop(WORKER)


def scrape(stack: LocalStack) -> Samples:
    try:
        answer = httpx.get(f"http://127.0.0.1:{stack.metrics_port(WORKER)}/metrics", trust_env=False)
    except httpx.TransportError:
        return collections.Counter()
    return collections.Counter(
        {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }
    )


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, tuple(sorted(labels.items()))]


def lag(samples: Samples) -> list[float]:
    return [number for (name, _), number in samples.items() if name == "segue_consumer_lag"]


def test_known_traffic_shows_in_every_metric(
    worker: LocalStack, settings: Settings, database: Database, wait_until: Callable[..., None]
) -> None:
    wait_until(lambda: value(scrape(worker), "segue_rebalances_total") >= 1, 60, "the worker's partitions")
    # What another worker left in the log is no part of the known traffic.
    publish(settings, random_events(50, seed=1, prefix="warm"))
    wait_until(lambda: bool(lag(scrape(worker))) and not any(lag(scrape(worker))), 60, "no lag")
    before = scrape(worker)

    events = random_events(400, seed=2, prefix="metric")
    stray = random_events(1, seed=3, prefix="metric-stray")[0]
    elsewhere = next(key for key in "abcdefghijkl" if partition_for(key, 8) != partition_for(stray.user_id, 8))
    publish_raw(settings, [encode(CatalogueTrack(track_id="metric", name="Song", artists=("Ada",)))], b"metric", CATALOGUE)
    publish_raw(settings, [b"1", b"[]"], b"metric-0")
    publish_raw(settings, [encode(stray)], elsewhere.encode())
    publish(settings, events + events[:30], per_record=10)

    def delta(name: str, **labels: str) -> float:
        return value(scrape(worker), name, **labels) - value(before, name, **labels)

    wait_until(lambda: delta("segue_events_written_total", topic=LISTENING_EVENTS) == 401, 60, "every event")
    wait_until(lambda: delta("segue_events_written_total", topic=CATALOGUE) == 1, 60, "the track")
    wait_until(lambda: delta("segue_events_duplicate_total") == 30, 60, "the duplicates")
    assert delta("segue_events_misrouted_total") == 1
    assert delta("segue_dead_letters_total", code="invalid_field") == 2
    assert delta("segue_batch_events_sum") == 431
    assert delta("segue_batch_events_count") >= 1
    for stage in ("postgres", "redis"):
        assert delta("segue_batch_stage_seconds_count", stage=stage) == delta("segue_batch_events_count")
        assert delta("segue_batch_stage_seconds_sum", stage=stage) > 0
    assert delta("segue_batch_stage_seconds_count", stage=CATALOGUE) == 1
    assert delta("segue_event_to_state_seconds_sum") > 0
    assert value(scrape(worker), "segue_cached_ids", kind="user") >= len({event.user_id for event in events})
    wait_until(lambda: not any(lag(scrape(worker))), 30, "no lag")

    delete_and_send(worker, settings, database, wait_until, before)


def delete_and_send(
    worker: LocalStack, settings: Settings, database: Database, wait_until: Callable[..., None], before: Samples
) -> None:
    """A deleted user's events are counted as refused."""
    user = f"metric-{uuid.uuid4().hex[:8]}"
    publish_raw(settings, [None], user.encode(), USERS)

    def deleted() -> bool:
        with database.transaction(read_only=True) as cursor:
            cursor.execute("select 1 from users where user_id = %s and deleted_at is not null", (user,))
            return cursor.fetchone() is not None

    wait_until(deleted, 30, "the deletion")
    (event,) = random_events(1, seed=4, prefix="metric")
    publish_raw(settings, [encode(event).replace(event.user_id.encode(), user.encode())], user.encode())
    name = "segue_events_refused_total"
    wait_until(lambda: value(scrape(worker), name) - value(before, name) == 1, 30, "the refused event")


def test_the_guide_names_every_metric(project_root: Path) -> None:
    named = set(re.findall(r"`(segue_[a-z_]+)`", (project_root / "docs" / "guide" / "metrics.md").read_text()))
    kinds = (Counter, Gauge, Histogram)
    defined = {metric for metric in vars(metrics).values() if isinstance(metric, kinds)}
    names = {family.name + ("_total" if family.type == "counter" else "") for metric in defined for family in metric.collect()}
    assert named == names
