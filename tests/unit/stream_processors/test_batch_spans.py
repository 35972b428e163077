"""Batches in traces: to whom they link, and what an error and a log line of theirs show."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from segue.errors import SegueError
from segue.events import ListeningEvent, encode
from segue.kafka import producer_config
from segue.listeners import ListenerState
from segue.logs import KeyValueFormatter
from segue.partitioning import partition_for
from segue.settings import Settings
from segue.stores.postgres.marks import Mark
from segue.topics import DEAD_LETTERS, LISTENING_EVENTS
from segue.tracing import NO_TRACING, Tracing
from stream_processors.listening_batch import ListeningBatch
from stream_processors.outbox import Outbox
from stream_processors.patience import Patience
from stream_processors.processing import ListeningProcessor
from stream_processors.records import DeadLetter, Record
from tests.memory_kafka import broker, written
from tests.traces import TRACEPARENT, Traces, linked_by, parent_of, span_id_of, trace_id_of, traceparent_of
from tests.unit.stream_processors.test_gaps import KnownMarks, NoOutbox, RecordingWriter

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PARTITION = partition_for("ada", 8)
SECRET = "ada-of-the-secret-name"


class Defect(RecordingWriter):
    """Fails with words of the data."""

    def store(self, batch: ListeningBatch) -> dict[str, ListenerState]:
        raise SegueError(f"{SECRET} is not to be stored with {len(batch.records)} others")


class Talkative(RecordingWriter):
    """Says a word."""

    def store(self, batch: ListeningBatch) -> dict[str, ListenerState]:
        logging.getLogger("talkative").warning("stored")
        return super().store(batch)


def processor(writer: RecordingWriter, tracing: Tracing, most_events: int = 2_000) -> ListeningProcessor:
    marks = KnownMarks(Mark(0))
    return ListeningProcessor(writer, marks, NoOutbox(), Patience(), 8, most_events, lambda _partition, holes: holes[0], tracing)


def event(user_id: str = "ada") -> ListeningEvent:
    return ListeningEvent(event_id=uuid.uuid4(), type="play", user_id=user_id, track_id="t", occurred_at=NOW)


def records(*headers: Sequence[tuple[str, bytes | None]]) -> list[Record]:
    """One for each, in order."""
    return [
        Record(LISTENING_EVENTS, PARTITION, offset, None, encode(event()), NOW.timestamp(), own)
        for offset, own in enumerate(headers)
    ]


def header(number: int) -> tuple[str, bytes]:
    return "traceparent", f"00-{number:032x}-{number:016x}-01".encode()


def test_a_batch_links_to_every_request_whose_records_it_stores() -> None:
    traces = Traces()
    untraced: list[tuple[str, bytes | None]] = [("traceparent", None), ("other", header(9)[1])]
    batch = records([header(1)], untraced, [], [header(1)], [("own", b"x"), header(2), header(3)])
    processor(RecordingWriter(), traces.tracing).process(batch)
    stored = traces.one("process listening-events")
    assert linked_by(stored) == [header(number)[1].decode() for number in (1, 2, 3)]
    assert parent_of(stored) is None
    assert stored.kind is SpanKind.CONSUMER
    assert (stored.attributes or {})["messaging.batch.message_count"] == 5


def test_what_is_stored_at_once_is_a_span_of_its_own() -> None:
    traces = Traces()
    processor(RecordingWriter(), traces.tracing, most_events=1).process(records([header(1)], [header(2)]))
    assert [linked_by(span) for span in traces.spans()] == [[header(1)[1].decode()], [header(2)[1].decode()]]


def test_records_that_were_stored_before_are_linked_to_by_nothing() -> None:
    traces = Traces()
    worker = processor(RecordingWriter(), traces.tracing)
    worker.process(records([header(1)]))
    worker.process(records([header(1)]))
    assert len(traces.spans()) == 1


def test_an_error_marks_the_batch_without_words_of_the_data() -> None:
    traces = Traces()
    with pytest.raises(SegueError, match=SECRET):
        processor(Defect(), traces.tracing).process(records([header(1)]))
    stored = traces.one("process listening-events")
    assert stored.status.status_code is StatusCode.ERROR
    assert (stored.attributes or {})["error.type"] == "segue.errors.SegueError"
    assert SECRET not in stored.to_json()


def test_lines_of_a_traced_batch_carry_its_trace(caplog: pytest.LogCaptureFixture) -> None:
    traces = Traces()
    caplog.handler.setFormatter(KeyValueFormatter())
    processor(Talkative(), traces.tracing).process(records([header(1)]))
    assert f"trace_id={trace_id_of(traces.one('process listening-events'))}" in caplog.text


def test_lines_of_an_untraced_batch_carry_none(caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.setFormatter(KeyValueFormatter())
    processor(Talkative(), NO_TRACING).process(records([header(1)]))
    assert "msg=stored" in caplog.text
    assert "trace_id" not in caplog.text


@pytest.fixture
def bootstrap() -> Iterator[str]:
    with broker() as address:
        yield address


def test_misrouted_events_go_on_in_the_name_of_the_batch_that_packed_them_anew(bootstrap: str) -> None:
    traces = Traces()
    outbox = Outbox(producer_config(Settings(kafka_bootstrap=bootstrap)), 4)
    with traces.tracing.root("process listening-events", "consumer"):
        outbox.send([], [event(), event()])
    sending = traces.one("send on")
    assert [message.headers() for message in written(bootstrap, LISTENING_EVENTS)] == [
        [("traceparent", traceparent_of(sending).encode())]
    ]
    assert parent_of(sending) == span_id_of(traces.one("process listening-events"))


def test_a_dead_letter_keeps_the_trace_of_its_record(bootstrap: str) -> None:
    traces = Traces()
    outbox = Outbox(producer_config(Settings(kafka_bootstrap=bootstrap)), 4)
    (record,) = records([("traceparent", TRACEPARENT.encode())])
    with traces.tracing.root("process listening-events", "consumer"):
        outbox.send([DeadLetter(record, 0, b"{", "undecodable", "not JSON")])
    (letter,) = written(bootstrap, DEAD_LETTERS)
    assert ("traceparent", TRACEPARENT.encode()) in (letter.headers() or [])
