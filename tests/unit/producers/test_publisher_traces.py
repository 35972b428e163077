"""What producers publish, in traces."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from opentelemetry.trace import SpanKind

from producers.publisher import Publisher
from segue.events import ListeningEvent, UserRecord
from segue.kafka import producer_config
from segue.settings import Settings
from segue.topics import LISTENING_EVENTS, USERS
from segue.tracing import NO_TRACING
from tests.memory_kafka import broker, written
from tests.traces import Traces, parent_of, traceparent_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def bootstrap() -> Iterator[str]:
    with broker() as address:
        yield address


def events(count: int) -> list[ListeningEvent]:
    return [
        ListeningEvent(event_id=uuid.uuid4(), type="play", user_id=f"user-{n}", track_id="t", occurred_at=NOW)
        for n in range(count)
    ]


def test_each_call_is_a_trace_that_its_records_name(bootstrap: str) -> None:
    traces = Traces()
    publisher = Publisher(producer_config(Settings(kafka_bootstrap=bootstrap)), traces.tracing)
    publisher.publish_events(events(30))
    publisher.publish_events(events(1))
    publisher.flush()
    many, one = traces.spans()
    assert [span.name for span in (many, one)] == ["send listening-events"] * 2
    assert [parent_of(span) for span in (many, one)] == [None, None]
    assert [span.kind for span in (many, one)] == [SpanKind.PRODUCER] * 2
    assert [(span.attributes or {})["segue.events"] for span in (many, one)] == [30, 1]
    carried = [message.headers() for message in written(bootstrap, LISTENING_EVENTS)]
    assert len(carried) == publisher.counts.delivered
    assert carried.count([("traceparent", traceparent_of(one).encode())]) == 1
    assert carried.count([("traceparent", traceparent_of(many).encode())]) == len(carried) - 1


def test_without_traces_records_carry_nothing(bootstrap: str) -> None:
    publisher = Publisher(producer_config(Settings(kafka_bootstrap=bootstrap)), NO_TRACING)
    publisher.publish_events(events(30))
    publisher.flush()
    assert not [message for message in written(bootstrap, LISTENING_EVENTS) if message.headers() is not None]


def test_records_that_stay_carry_nothing(bootstrap: str) -> None:
    publisher = Publisher(producer_config(Settings(kafka_bootstrap=bootstrap)), Traces().tracing)
    publisher.publish_records(USERS, [("ada", UserRecord(user_id="ada"))])
    publisher.flush()
    assert [message.headers() for message in written(bootstrap, USERS)] == [None]
