"""Traces: what is recorded, what is not, and what it costs where nobody asked for it."""

from __future__ import annotations

import contextvars
import gc
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased
from opentelemetry.trace import SpanKind, StatusCode

from segue import otel
from segue.errors import ConfigurationError
from segue.logs import KeyValueFormatter
from segue.otel import FRAMES, parse_traceparent
from segue.settings import Settings
from segue.tracing import NO_TRACING, Tracing, current, open_tracing, span
from tests.collector import collecting
from tests.traces import TRACE_ID, TRACEPARENT, UNSAMPLED, Traces, linked_by, parent_of, span_id_of, trace_id_of, traceparent_of

ON = Settings(tracing=True)
SECRET = "s3cr3t-word"


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Tracing]]:
    """Opens tracing with these OTEL_ variables, to be closed at the end."""
    made: list[Tracing] = []

    def open_with(**variables: str) -> Tracing:
        for name, value in variables.items():
            monkeypatch.setenv(f"OTEL_{name}", value)
        made.append(open_tracing(ON, "segue-test"))
        return made[-1]

    yield open_with
    for tracing in made:
        tracing.close()


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_spans_of_a_block_are_children_of_the_span_around_it() -> None:
    traces = Traces()
    with traces.tracing.root("batch", "consumer", {"records": 2}), span("merge", "client", {"rows": 3}), span("copy"):
        pass
    copy, merge, batch = traces.spans()
    assert [copy.name, merge.name, batch.name] == ["copy", "merge", "batch"]
    assert [parent_of(copy), parent_of(merge), parent_of(batch)] == [span_id_of(merge), span_id_of(batch), None]
    assert [copy.kind, merge.kind, batch.kind] == [SpanKind.INTERNAL, SpanKind.CLIENT, SpanKind.CONSUMER]
    assert dict(merge.attributes or {}) == {"rows": 3}


def test_outside_of_a_trace_nothing_is_recorded() -> None:
    with span("merge") as begun:
        assert begun.trace_id is None
        assert begun.traceparent is None


def test_a_span_names_itself_as_headers_do() -> None:
    traces = Traces()
    with traces.tracing.root("send", "producer") as begun:
        assert current() is begun
    assert begun.traceparent == traceparent_of(traces.one("send"))
    assert current().trace_id is None


def test_a_request_goes_on_with_the_trace_it_names() -> None:
    traces = Traces()
    traces.tracing.begin("GET", "server", parents=[TRACEPARENT]).end()
    assert trace_id_of(traces.one("GET")) == TRACE_ID
    assert parent_of(traces.one("GET")) == "b7ad6b7169203331"


@pytest.mark.parametrize("parents", [[], ["nonsense"], [TRACEPARENT, TRACEPARENT]])
def test_otherwise_a_new_trace_begins(parents: list[str]) -> None:
    traces = Traces()
    traces.tracing.begin("GET", "server", parents=parents).end()
    assert parent_of(traces.one("GET")) is None


def test_what_the_caller_did_not_sample_is_not_recorded() -> None:
    traces = Traces()
    begun = traces.tracing.begin("GET", "server", parents=[UNSAMPLED])
    begun.end()
    assert begun.traceparent is None
    assert traces.spans() == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        TRACEPARENT.upper(),
        TRACEPARENT + "-00",
        "ff" + TRACEPARENT[2:],
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        TRACEPARENT + "\n",
        "01" + TRACEPARENT[2:] + "-" + "x" * 1_000_000,
    ],
)
def test_a_traceparent_that_is_not_well_formed_names_nothing(text: str) -> None:
    assert parse_traceparent(text) is None


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    context = parse_traceparent(f"cc-{TRACE_ID}-b7ad6b7169203331-01-what-the-future-brings")
    assert context is not None
    assert context.trace_id == int(TRACE_ID, 16)


@given(st.one_of(st.text(), st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}.{0,3}", fullmatch=True)))
def test_whatever_a_client_sends_is_no_error(text: str) -> None:
    context = parse_traceparent(text)
    assert context is None or (context.is_valid and context.is_remote)


def header(number: int) -> bytes:
    return f"00-{number:032x}-{number:016x}-01".encode()


def test_a_batch_links_once_to_each_span_that_its_records_come_from() -> None:
    traces = Traces()
    links = [header(1), header(2), header(1), b"\xff\x00", UNSAMPLED.encode()]
    traces.tracing.begin("batch", "consumer", links=links).end()
    assert linked_by(traces.one("batch")) == [header(1).decode(), header(2).decode()]
    assert parent_of(traces.one("batch")) is None


def test_links_are_bounded_and_a_span_says_how_many_are_left_out() -> None:
    traces = Traces(most_links=3)
    traces.tracing.begin("batch", "consumer", links=map(header, range(1, 11))).end()
    batch = traces.one("batch")
    assert linked_by(batch) == [header(1).decode(), header(2).decode(), header(3).decode()]
    assert dict(batch.attributes or {}) == {"segue.links_left_out": 7}


def test_what_becomes_of_a_sampled_request_is_recorded_whatever_new_traces_are_worth() -> None:
    traces = Traces(ParentBased(ALWAYS_OFF))
    traces.tracing.begin("linked", "consumer", links=[header(1)]).end()
    traces.tracing.begin("unlinked", "consumer").end()
    assert traces.names() == ["linked"]


def test_a_sampler_that_asks_no_parent_asks_no_link() -> None:
    never, always = Traces(ALWAYS_OFF), Traces(ALWAYS_ON)
    for traces in (never, always):
        traces.tracing.begin("batch", "consumer", links=[header(1)]).end()
    assert (never.names(), always.names()) == ([], ["batch"])


def test_an_error_is_kept_without_its_words() -> None:
    traces = Traces()
    with pytest.raises(ValueError), traces.tracing.root("batch", "consumer"):
        raise ValueError(SECRET)
    batch = traces.one("batch")
    (event,) = batch.events
    assert batch.status.status_code is StatusCode.ERROR
    assert batch.status.description is None
    assert dict(event.attributes or {}).keys() == {"exception.type", "exception.stacktrace"}
    assert (event.attributes or {})["exception.type"] == "ValueError"
    assert "test_an_error_is_kept_without_its_words" in str((event.attributes or {})["exception.stacktrace"])
    assert SECRET not in batch.to_json()


def test_of_a_deep_stack_the_innermost_frames_are_kept() -> None:
    def descend(levels: int) -> None:
        if not levels:
            raise ValueError
        descend(levels - 1)

    traces = Traces()
    with pytest.raises(ValueError), traces.tracing.root("batch", "consumer"):
        descend(100)
    (event,) = traces.one("batch").events
    stack = str((event.attributes or {})["exception.stacktrace"])
    assert stack.count("  File ") + stack.count("[Previous line repeated") <= FRAMES + 1
    assert stack.rstrip().endswith("raise ValueError")


def test_a_stage_that_has_passed_becomes_a_child_of_its_length() -> None:
    traces = Traces()
    with traces.tracing.root("GET", "server") as begun:
        begun.passed("score", 0.25)
    score = traces.one("score")
    assert score.end_time is not None
    assert score.start_time is not None
    assert score.end_time - score.start_time == 250_000_000
    assert parent_of(score) == span_id_of(traces.one("GET"))


def line_logged() -> str:
    return KeyValueFormatter().format(logging.LogRecord("segue", logging.INFO, "", 0, "stored", (), None))


def test_every_line_of_a_trace_carries_its_id_in_other_threads_too() -> None:
    traces = Traces()
    lines: list[str] = []
    with traces.tracing.root("batch", "consumer") as begun, span("merge"):
        inside = contextvars.copy_context()
        thread = threading.Thread(target=lambda: lines.append(inside.run(line_logged)))
        thread.start()
        thread.join()
    assert lines[0].endswith(f"msg=stored trace_id={begun.trace_id}")
    assert "trace_id" not in line_logged()


def test_off_loads_nothing_of_opentelemetry() -> None:
    code = """
import sys, segue.tracing, segue.settings, producers.publisher
assert segue.tracing.open_tracing(segue.settings.Settings(tracing=False), "x") is segue.tracing.NO_TRACING
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    assert python(code) == "[]\n"


def test_off_services_load_no_more_of_it_than_their_libraries_do() -> None:
    code = """
import sys, fastapi, redis.asyncio
before = {name for name in sys.modules if name.startswith("opentelemetry")}
import api.app, api.bootstrap, stream_processors.app
print([name for name in sys.modules if name.startswith("opentelemetry") and name not in before], "segue.otel" in sys.modules)
"""
    assert python(code) == "[] False\n"


def test_on_without_the_extra_says_what_to_install() -> None:
    code = """
import sys
sys.modules["opentelemetry"] = None
import segue.errors, segue.tracing, segue.settings
try:
    segue.tracing.open_tracing(segue.settings.Settings(tracing=True), "x")
except segue.errors.ConfigurationError as error:
    print(error)
"""
    assert "pip install 'segue[otel]'" in python(code)


def test_on_takes_the_words_people_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_TRACING", "on")
    assert Settings().tracing
    monkeypatch.setenv("SEGUE_TRACING", "off")
    assert not Settings().tracing


def test_the_standard_switches_turn_it_off(opened: Callable[..., Tracing], monkeypatch: pytest.MonkeyPatch) -> None:
    assert opened(TRACES_EXPORTER="none") is NO_TRACING
    monkeypatch.delenv("OTEL_TRACES_EXPORTER")
    assert opened(SDK_DISABLED="true") is NO_TRACING


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRACES_EXPORTER", "zipkin"),
        ("EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
        ("EXPORTER_OTLP_HEADERS", f"api-key=1,{SECRET}"),
        ("EXPORTER_OTLP_TRACES_HEADERS", f"Authorization Bearer {SECRET}"),
        ("SPAN_LINK_COUNT_LIMIT", "many"),
        ("BSP_MAX_QUEUE_SIZE", "-1"),
    ],
)
def test_a_wrong_variable_is_named_and_no_secret_told(
    name: str, value: str, opened: Callable[..., Tracing], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(ConfigurationError, match="OTEL_") as raised:
        opened(**{name: value})
    assert SECRET not in str(raised.value)
    assert SECRET not in caplog.text


def test_the_protocol_of_traces_wins_over_that_of_everything(opened: Callable[..., Tracing]) -> None:
    with collecting() as collector:
        tracing = opened(
            EXPORTER_OTLP_ENDPOINT=collector.endpoint,
            EXPORTER_OTLP_PROTOCOL="grpc",
            EXPORTER_OTLP_TRACES_PROTOCOL="http/protobuf",
        )
        tracing.begin("batch", "consumer").end()
        tracing.close()
        assert len(collector.spans("segue-test")) == 1


def spans_in_memory() -> int:
    """Those of every tracing that this process has."""
    gc.collect()
    return sum(issubclass(type(one), ReadableSpan) for one in gc.get_objects())


def test_a_collector_that_is_away_is_told_of_once_and_costs_neither_time_nor_memory(
    opened: Callable[..., Tracing], caplog: pytest.LogCaptureFixture, wait_until: Callable[..., None]
) -> None:
    with socket.socket() as taken:
        # Bound and not listening: whoever connects is refused.
        taken.bind(("127.0.0.1", 0))
        tracing = opened(
            EXPORTER_OTLP_ENDPOINT=f"http://me:{SECRET}@127.0.0.1:{taken.getsockname()[1]}",
            EXPORTER_OTLP_HEADERS=f"authorization=Bearer%20{SECRET}",
            EXPORTER_OTLP_TIMEOUT="0.1",
            BSP_SCHEDULE_DELAY="10",
            BSP_MAX_QUEUE_SIZE="64",
            BSP_MAX_EXPORT_BATCH_SIZE="16",
        )
        of_others = spans_in_memory()
        with caplog.at_level(logging.DEBUG):
            for _ in range(5_000):
                tracing.begin("batch", "consumer").end()
            wait_until(lambda: "no collector takes the traces" in caplog.text, what="the warning")
            for _ in range(5_000):
                tracing.begin("batch", "consumer").end()
            kept = spans_in_memory() - of_others
            tracing.close()
    assert kept <= 64 + 16 + 1
    told = [record for record in caplog.records if record.levelno >= logging.INFO]
    assert sorted(record.getMessage() for record in told) == [
        "more traces than the collector takes in time: some are dropped; see OTEL_BSP_MAX_QUEUE_SIZE",
        "no collector takes the traces, they are dropped; check OTEL_EXPORTER_OTLP_ENDPOINT and its headers",
    ]
    assert "answer=none" in "".join(map(KeyValueFormatter().format, told))
    assert SECRET not in caplog.text


def test_what_waits_is_sent_when_the_process_ends(opened: Callable[..., Tracing]) -> None:
    with collecting() as collector:
        tracing = opened(
            EXPORTER_OTLP_ENDPOINT=collector.endpoint,
            EXPORTER_OTLP_HEADERS="api-key=a%2Cb",
            BSP_SCHEDULE_DELAY="600000",
            RESOURCE_ATTRIBUTES="deployment.environment.name=test",
        )
        with tracing.root("batch", "consumer"), span("merge"):
            pass
        assert collector.bodies == []
        tracing.close()
        assert [sent.name for sent in collector.spans("segue-test")] == ["merge", "batch"]
        assert (collector.headers[0]["path"], collector.headers[0]["api-key"]) == ("/v1/traces", "a,b")


@pytest.mark.parametrize("variables", [{"SERVICE_NAME": "radio"}, {"RESOURCE_ATTRIBUTES": "service.name=radio"}])
def test_a_service_may_be_named_from_outside(variables: dict[str, str], opened: Callable[..., Tracing]) -> None:
    with collecting() as collector:
        tracing = opened(EXPORTER_OTLP_ENDPOINT=collector.endpoint, **variables)
        tracing.begin("batch", "consumer").end()
        tracing.close()
        assert len(collector.spans("radio")) == 1


def test_the_end_of_a_process_waits_a_bounded_time_for_a_collector_that_does_not_answer(
    opened: Callable[..., Tracing], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otel, "FLUSH_WITHIN_S", 0.01)
    with collecting() as collector:
        collector.answering.clear()
        tracing = opened(EXPORTER_OTLP_ENDPOINT=collector.endpoint)
        tracing.begin("batch", "consumer").end()
        tracing.close()
        (ending,) = [thread for thread in threading.enumerate() if thread.name == "traces-out"]
        assert ending.daemon
        assert collector.bodies == []
        collector.answering.set()
        ending.join(20)
        assert len(collector.spans("segue-test")) == 1


def test_a_collector_that_takes_them_again_is_told_of(
    opened: Callable[..., Tracing], caplog: pytest.LogCaptureFixture, wait_until: Callable[..., None]
) -> None:
    caplog.handler.setFormatter(KeyValueFormatter())
    with collecting() as collector, caplog.at_level(logging.INFO):
        collector.status = HTTPStatus.UNAUTHORIZED
        tracing = opened(EXPORTER_OTLP_ENDPOINT=collector.endpoint, BSP_SCHEDULE_DELAY="10")
        tracing.begin("lost", "consumer").end()
        wait_until(lambda: "no collector takes the traces" in caplog.text, what="the warning")
        assert "answer=401" in caplog.text
        collector.status = HTTPStatus.OK
        tracing.begin("taken", "consumer").end()
        wait_until(lambda: "a collector takes the traces again" in caplog.text, what="the good news")
        assert [sent.name for sent in collector.spans("segue-test")] == ["taken"]
