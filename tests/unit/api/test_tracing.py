"""Requests in traces: what a span says of a request, and what it never does."""

from __future__ import annotations

import logging
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

import httpx
import msgspec
import pytest
from opentelemetry.trace import SpanKind, StatusCode
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.event_publisher import KafkaEventPublisher, Position
from api.middleware import STAGE_SPANS, RequestContext
from segue.errors import KafkaUnavailable
from segue.events import ListeningEvent
from segue.kafka import producer_config
from segue.logs import KeyValueFormatter
from segue.recommending.stages import Stage
from segue.settings import Settings
from segue.tracing import current
from tests.traces import TRACE_ID, TRACEPARENT, UNSAMPLED, Traces, parent_of, span_id_of, trace_id_of
from tests.unit.api.conftest import World
from tests.unit.api.made import row

pytestmark = pytest.mark.anyio

SECRET = "ada-of-the-secret-name"


@pytest.fixture
def traces(world: World) -> Traces:
    kept = Traces()
    world.tracing = kept.tracing
    return kept


@pytest.fixture
async def client(world: World, traces: Traces) -> AsyncIterator[httpx.AsyncClient]:
    async with world.serving() as opened:
        yield opened


async def test_a_request_is_a_span_named_by_its_route(traces: Traces, client: httpx.AsyncClient) -> None:
    await client.get("/recommend/song/t1?n=3", headers={"X-Request-Id": "r-1"})
    request = traces.one("GET /recommend/song/{track_id}")
    assert request.kind is SpanKind.SERVER
    assert dict(request.attributes or {}) == {
        "http.request.method": "GET",
        "http.route": "/recommend/song/{track_id}",
        "http.response.status_code": 200,
        "segue.request_id": "r-1",
    }


async def test_it_goes_on_with_the_callers_trace(traces: Traces, client: httpx.AsyncClient) -> None:
    await client.get("/tracks/t1", headers={"traceparent": TRACEPARENT})
    request = traces.one("GET /tracks/{track_id}")
    assert (trace_id_of(request), parent_of(request)) == (TRACE_ID, "b7ad6b7169203331")


async def test_what_the_caller_left_out_is_left_out(traces: Traces, client: httpx.AsyncClient) -> None:
    await client.get("/recommend/song/t1", headers={"traceparent": UNSAMPLED})
    assert traces.spans() == []


async def test_stages_are_spans_within_the_request(world: World, traces: Traces, client: httpx.AsyncClient) -> None:
    world.redis.rows["ada"] = row(1, 2, 3)
    await client.post("/recommend/user/", json={"user_id": "ada"})
    *stages, request = traces.spans()
    assert [stage.name for stage in stages] == ["state", "queue", "filter", "retrieve", "score", "rank", "diversify", "explain"]
    assert {parent_of(stage) for stage in stages} == {span_id_of(request)}


async def test_a_request_shows_a_bounded_number_of_stages(world: World, traces: Traces) -> None:
    async def many_stages(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(3 * STAGE_SPANS):
            with Stage("score"):
                pass
        await Response()(scope, receive, send)

    app = RequestContext(many_stages, world.metrics, traces.tracing)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        await client.get("http://segue.test/x")
    assert traces.names().count("score") == STAGE_SPANS


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_probes_leave_no_trace(path: str, traces: Traces, client: httpx.AsyncClient) -> None:
    await client.get(path)
    assert traces.spans() == []


async def test_guessed_paths_share_one_name(traces: Traces, client: httpx.AsyncClient) -> None:
    await client.get(f"/{SECRET}")
    assert traces.names() == ["GET unmatched"]


async def test_no_span_tells_who_asked_or_what_for(world: World, traces: Traces, client: httpx.AsyncClient) -> None:
    world.postgres.away = True
    await client.get(f"/users/{SECRET}?query={SECRET}")
    await client.post("/recommend/user/", json={"user_id": SECRET, "exclude": [SECRET]})
    await client.post("/events", json={"type": "play", "user_id": SECRET, "track_id": SECRET, "ms_played": 1})
    await client.post("/events", json={"type": SECRET, "user_id": SECRET})
    assert len(traces.spans()) > 4
    assert not [span for span in traces.spans() if SECRET in span.to_json()]


async def test_a_defect_marks_its_span_without_its_words(
    world: World, traces: Traces, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(user_id: str) -> None:
        raise RuntimeError(f"no {user_id}")

    monkeypatch.setattr(world.redis, "row", broken)
    caplog.handler.setFormatter(KeyValueFormatter())
    answer = await client.post("/recommend/user/", json={"user_id": SECRET})
    request = traces.one("POST /recommend/user/")
    assert answer.status_code == 500
    assert request.status.status_code is StatusCode.ERROR
    assert (request.attributes or {})["error.type"] == "RuntimeError"
    assert SECRET not in request.to_json()
    (line,) = [line for line in caplog.text.splitlines() if "request failed" in line]
    assert f"trace_id={trace_id_of(request)}" in line


async def test_a_server_that_is_away_marks_the_request(world: World, traces: Traces, client: httpx.AsyncClient) -> None:
    world.kafka.away = True
    await client.post("/events", json={"type": "play", "user_id": "ada", "track_id": "t1", "ms_played": 1})
    request = traces.one("POST /events")
    assert request.status.status_code is StatusCode.ERROR
    assert (request.attributes or {})["error.type"] == "503"


async def test_a_wrong_request_is_no_error_of_ours(traces: Traces, client: httpx.AsyncClient) -> None:
    await client.post("/events", json={"type": "whistle"})
    assert traces.one("POST /events").status.status_code is StatusCode.UNSET


async def test_untraced_lines_carry_no_trace(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.setFormatter(KeyValueFormatter())
    async with world.serving() as client:
        world.postgres.away = True
        with caplog.at_level(logging.INFO):
            await client.get("/users/ada")
    assert "request_id=" in caplog.text
    assert "trace_id" not in caplog.text


async def test_a_change_made_in_a_thread_is_published_within_its_request(
    world: World, traces: Traces, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[str | None] = []
    publish_records = world.kafka.publish_records

    async def publish(topic: str, records: Mapping[str, msgspec.Struct | None]) -> dict[str, Position]:
        published.append(current().trace_id)
        return await publish_records(topic, records)

    monkeypatch.setattr(world.kafka, "publish_records", publish)
    await client.post("/playlists", json={"playlist_id": "mix", "name": "Mix", "owner_id": "ann", "track_ids": ["t1"]})
    assert published == [trace_id_of(traces.one("POST /playlists"))]


async def test_events_that_nobody_takes_mark_the_span_that_sends_them(traces: Traces) -> None:
    publisher = KafkaEventPublisher(producer_config(Settings(kafka_bootstrap="127.0.0.1:1")), max_queued_records=100)
    event = ListeningEvent(event_id=uuid.uuid4(), type="play", user_id=SECRET, track_id="t1", occurred_at=datetime.now(UTC))
    with traces.tracing.root("POST", "server"), pytest.raises(KafkaUnavailable):
        await publisher.publish([event])
    sending = traces.one("send listening-events")
    assert sending.kind is SpanKind.PRODUCER
    assert parent_of(sending) == span_id_of(traces.one("POST"))
    assert (sending.attributes or {})["error.type"] == "segue.errors.KafkaUnavailable"


def test_the_frameworks_own_traces_stay_off() -> None:
    """They have paths, which name listeners. In a process of its own: a provider for everybody cannot be taken back."""
    code = """
import asyncio, os
from opentelemetry import trace
from tests.traces import Traces
traces = Traces()
trace.set_tracer_provider(traces.provider)
from tests.unit.api.conftest import CATALOGUE, FakePostgres, World

async def ask():
    async with World(FakePostgres(CATALOGUE)).serving() as client:
        print((await client.get("/tracks/t1")).status_code)

asyncio.run(ask())
print(traces.names())
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "200\n[]\n"
