from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

from producers.envelopes import EnvelopeRecord, envelopes
from segue.events import ListeningEvent, decode_listening_record
from segue.partitioning import partition_for

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def event(user_id: str, number: int, track_id: str = "t") -> ListeningEvent:
    return ListeningEvent(event_id=uuid.UUID(int=number), type="play", user_id=user_id, track_id=track_id, occurred_at=NOON)


def decoded(records: Iterable[EnvelopeRecord]) -> list[ListeningEvent]:
    return [one for record in records for one in decode_listening_record(record.value) if isinstance(one, ListeningEvent)]


def test_every_event_arrives_once_and_unchanged() -> None:
    events = [event(f"u{n % 7}", n) for n in range(250)]
    assert sorted(decoded(envelopes(events, 4)), key=lambda e: e.event_id) == events


def test_each_users_order_is_kept() -> None:
    events = [event(f"u{n % 7}", n) for n in range(250)]
    for_u3 = [e.event_id.int for e in decoded(envelopes(events, 4, max_events=10)) if e.user_id == "u3"]
    assert for_u3 == list(range(3, 250, 7))


def test_a_record_holds_events_of_its_partition_only() -> None:
    records = list(envelopes([event(f"u{n}", n) for n in range(50)], 4))
    assert len(records) == 4
    for record in records:
        assert {partition_for(e.user_id, 4) for e in decoded([record])} == {record.partition}


def test_a_record_holds_at_most_the_given_number_of_events() -> None:
    records = list(envelopes([event("u", n) for n in range(25)], 1, max_events=10))
    assert [record.events for record in records] == [10, 10, 5]


def test_a_record_is_at_most_as_large_as_given() -> None:
    records = list(envelopes([event("u", n) for n in range(100)], 1, max_bytes=1_000))
    assert max(len(record.value) for record in records) <= 1_000
    assert min(len(record.value) for record in records[:-1]) > 800
    assert sum(record.events for record in records) == 100


def test_an_event_larger_than_the_bound_travels_alone() -> None:
    records = list(envelopes([event("u", 1), event("u", 2, track_id="t" * 2_000), event("u", 3)], 1, max_bytes=1_000))
    assert [record.events for record in records] == [1, 1, 1]


def test_no_events_make_no_record() -> None:
    assert list(envelopes([], 8)) == []
