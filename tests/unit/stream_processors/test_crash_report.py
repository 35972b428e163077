"""What is said of a batch over which the process ends."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import psycopg2.errors
import pytest

from segue.errors import RefusedByStore
from segue.events import ListeningEvent, encode_envelope
from segue.partitioning import partition_for
from stream_processors import listening_batch
from stream_processors.crash_report import MOST_EVENTS, describe_batch, message_of
from stream_processors.listening_batch import listening_batches
from stream_processors.records import Record

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOME = partition_for("a-listener", 8)


def event() -> ListeningEvent:
    return ListeningEvent(event_id=uuid.uuid4(), type="play", user_id="a-listener", track_id="a-track", occurred_at=NOW)


def record(offset: int, value: bytes, topic: str = "listening-events") -> Record:
    return Record(topic, HOME, offset, b"a-listener", value, NOW.timestamp(), ())


def test_the_span_and_the_first_events_are_named_and_no_listener_is() -> None:
    events = [event() for _ in range(20)]
    said = describe_batch([record(4, encode_envelope(events)), record(9, b"")], RuntimeError("a bug"))
    assert (said["partition"], said["offset"], said["to_offset"], said["records"]) == (HOME, 4, 9, 2)
    named = str(said["first_events"])
    assert f"offset=4 position=0 event_id={events[0].event_id} type=play" in named
    assert named.count("event_id=") == MOST_EVENTS
    assert "a-listener" not in str(said)
    assert "a-track" not in str(said)


@pytest.mark.parametrize("value", [b"", b"\xff garbage", b"[" * 100_000, b'{"events":[1,2]}'])
def test_an_unreadable_record_does_not_hide_the_error(value: bytes) -> None:
    assert describe_batch([record(4, value)], RuntimeError("a bug"))["offset"] == 4


def test_a_record_of_a_compacted_topic_is_named_by_its_place() -> None:
    said = describe_batch([record(4, b'{"user_id":"a-listener"}', "users")], RuntimeError("a bug"))
    assert said["first_events"] == f"users[{HOME}] offset=4 position=0"


def test_the_event_at_fault_is_named_where_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = event(), event()

    def check(checked: ListeningEvent, _: datetime) -> None:
        if checked == bad:
            raise TypeError("a bug")

    monkeypatch.setattr(listening_batch, "check_listening_event", check)
    records = [record(7, encode_envelope([good, bad]))]
    with pytest.raises(TypeError) as raised:
        list(listening_batches(records, lambda _: False, 8, 2000))
    said = describe_batch(records, raised.value)
    assert said["at_fault"] == f"listening-events[{HOME}] offset=7 position=1 event_id={bad.event_id} type=play"


def test_a_refusal_that_no_event_explains_is_told_without_its_words() -> None:
    refusal = RefusedByStore('invalid input syntax for type uuid: "ada"')
    refusal.__cause__ = psycopg2.errors.lookup("22P02")()
    assert "ada" not in message_of(refusal)
    assert message_of(ValueError("no such thing")) == "no such thing"
