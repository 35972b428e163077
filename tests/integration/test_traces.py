"""One trace through real processes: the HTTP request, what it publishes to Kafka, and the batch that stores it."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from infra.local.ports import any_free_port
from infra.local.programs import segue
from infra.local.stack import LocalStack
from segue.settings import Settings
from segue.stores.postgres.database import Database
from stream_processors.watchdog import EXIT_CRASHED
from tests.collector import Collector, collecting
from tests.publishing import publish, random_events
from tests.traces import TRACE_ID, TRACEPARENT

pytestmark = pytest.mark.stack

SECRET = "s3cr3t-word"
ENDED_WITHIN_S = 30.0


@contextmanager
def running(command: list[str], environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(ENDED_WITHIN_S)


def alive(base_url: str) -> bool:
    try:
        return httpx.get(f"{base_url}/healthz", trust_env=False).is_success
    except httpx.TransportError:
        return False


def stored(database: Database, user_id: str) -> int:
    with database.transaction(read_only=True) as cursor:
        cursor.execute("select count(*) from listens join users using (user_no) where user_id like %s", (f"{user_id}-%",))
        return int(cursor.fetchone()[0])  # type: ignore[index]


def named(spans: list[Span], name: str) -> Span:
    (found,) = [span for span in spans if span.name == name]
    return found


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as opened:
        yield opened


@pytest.fixture
def environment(stack: LocalStack, collector: Collector) -> dict[str, str]:
    """Nothing is sent before a process ends: what arrives was flushed."""
    return {
        **os.environ,
        **stack.environment,
        "SEGUE_TRACING": "on",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
        "OTEL_EXPORTER_OTLP_HEADERS": f"api-key={SECRET}",
        "OTEL_BSP_SCHEDULE_DELAY": "600000",
    }


def test_a_request_its_records_and_their_batch_are_found_from_one_another(
    environment: dict[str, str], collector: Collector, database: Database, wait_until: Callable[..., None], tmp_path: Path
) -> None:
    base_url, user = f"http://127.0.0.1:{(port := any_free_port())}", f"traced-{uuid.uuid4().hex[:8]}"
    api_log, worker_log = tmp_path / "api.log", tmp_path / "worker.log"
    events = [{"type": "play", "user_id": f"{user}-{n}", "track_id": "t", "ms_played": 1_000} for n in range(40)]
    with (
        running(segue("serve", "--port", str(port)), environment, api_log) as api,
        running(segue("process"), environment, worker_log) as worker,
    ):
        wait_until(lambda: alive(base_url), 60, "the API")
        sent = httpx.post(f"{base_url}/events", json={"events": events}, headers={"traceparent": TRACEPARENT}, trust_env=False)
        assert sent.status_code == 202, sent.text
        wait_until(lambda: stored(database, user) == 40, 60, "the events in Postgres")
        ended(api)
        ended(worker)

    request = named(collector.spans("segue-api"), "POST /events")
    assert request.trace_id.hex() == TRACE_ID
    assert request.parent_span_id.hex() == "b7ad6b7169203331"
    sending = named(collector.spans("segue-api"), "send listening-events")
    assert (sending.trace_id, sending.parent_span_id) == (request.trace_id, request.span_id)

    spans = collector.spans("segue-processor")
    batches = [span for span in spans if (sending.trace_id, sending.span_id) in {(x.trace_id, x.span_id) for x in span.links}]
    assert batches
    assert {batch.name for batch in batches} == {"process listening-events"}
    assert {batch.trace_id for batch in batches}.isdisjoint({request.trace_id})
    for batch in batches:
        inside = {span.name for span in spans if span.parent_span_id == batch.span_id}
        assert inside >= {"postgres merge", "redis write"}
    records = sum(one.value.int_value for b in batches for one in b.attributes if one.key == "messaging.batch.message_count")
    assert records == next(one.value.int_value for one in sending.attributes if one.key == "messaging.batch.message_count")

    assert {headers["api-key"] for headers in collector.headers} == {SECRET}
    assert not [body for body in collector.bodies if user.encode() in body]
    assert SECRET.encode() not in api_log.read_bytes() + worker_log.read_bytes()


def test_a_worker_whose_collector_does_not_answer_works_and_ends(
    environment: dict[str, str],
    collector: Collector,
    stack: LocalStack,
    database: Database,
    wait_until: Callable[..., None],
    tmp_path: Path,
) -> None:
    collector.answering.clear()
    base_url, user = f"http://127.0.0.1:{(port := any_free_port())}", f"unheard-{uuid.uuid4().hex[:8]}"
    with (
        running(segue("serve", "--port", str(port)), environment, tmp_path / "api.log") as api,
        running(segue("process"), environment | {"OTEL_BSP_SCHEDULE_DELAY": "10"}, tmp_path / "worker.log") as worker,
    ):
        wait_until(lambda: alive(base_url), 60, "the API")
        for n in range(20):
            event = {"type": "play", "user_id": f"{user}-{n}", "track_id": "t", "ms_played": 1_000}
            assert httpx.post(f"{base_url}/events", json=event, trust_env=False).status_code == 202
        wait_until(lambda: stored(database, user) == 20, 60, "the events in Postgres")
        wait_until(lambda: bool(collector.headers), 20, "the worker's first words")
        ended(api)
        ended(worker)
        assert worker.returncode == 0
    assert collector.bodies == []


def test_a_worker_that_crashes_shows_in_its_last_trace_where(
    environment: dict[str, str], collector: Collector, settings: Settings, tmp_path: Path
) -> None:
    user = f"crash-{uuid.uuid4().hex[:8]}"
    own = environment | {"SEGUE_KAFKA_GROUP": user}
    with running([sys.executable, "-m", "tests.integration.crashing_worker"], own, tmp_path / "worker.log") as worker:
        publish(settings, random_events(1, seed=1, prefix=user))
        assert worker.wait(60) == EXIT_CRASHED
    batch = named(collector.spans("segue-processor"), "process listening-events")
    assert batch.status.code == Status.STATUS_CODE_ERROR
    (event,) = batch.events
    told = {one.key: one.value.string_value for one in event.attributes}
    assert told["exception.type"] == "AssertionError"
    assert "crashing_worker.py" in told["exception.stacktrace"]
    assert not [body for body in collector.bodies if user.encode() in body]
