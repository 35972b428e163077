"""How records are cut into batches and their events sorted by fate."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from segue.events import ListeningEvent, encode, encode_envelope
from segue.partitioning import partition_for
from stream_processors.listening_batch import ListeningBatch, listening_batches
from stream_processors.records import Record

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOME = partition_for("ada", 8)


def event(user_id: str = "ada", track_id: str = "t1", at: datetime = NOW) -> ListeningEvent:
    return ListeningEvent(event_id=uuid.uuid4(), type="play", user_id=user_id, track_id=track_id, occurred_at=at)


def record(offset: int, value: bytes | None, partition: int = HOME) -> Record:
    return Record("listening-events", partition, offset, None, value, NOW.timestamp(), ())


def batches(*records: Record, most_events: int = 100, written_up_to: int = 0) -> list[ListeningBatch]:
    return list(listening_batches(records, lambda r: r.offset < written_up_to, 8, most_events))


def test_a_single_event_and_an_envelope_are_equally_valid() -> None:
    (batch,) = batches(record(0, encode(event())), record(1, encode_envelope([event(), event()])))
    assert len(batch.accepted) == 3


def test_a_batch_closes_at_its_bound_without_splitting_a_record() -> None:
    three = encode_envelope([event(), event(), event()])
    sizes = [len(batch.accepted) for batch in batches(record(0, three), record(1, three), record(2, three), most_events=4)]
    assert sizes == [6, 3]


def test_offsets_move_past_every_record_even_one_without_a_good_event() -> None:
    (batch,) = batches(record(4, b"garbage"), record(5, encode(event())), record(6, None))
    assert batch.next_sequences() == {HOME: 7}


def test_records_below_the_mark_are_passed_over() -> None:
    (batch,) = batches(record(0, encode(event())), record(1, encode(event())), written_up_to=1)
    assert [r.offset for r, _ in batch.accepted] == [1]
    assert batches(record(0, encode(event())), written_up_to=1) == []


def test_dead_letters_keep_code_position_and_bytes() -> None:
    value = encode_envelope([event(), event(at=NOW + timedelta(hours=1)), event(user_id="")])
    (batch,) = batches(record(9, value))
    assert [(d.position, d.code) for d in batch.dead] == [(1, "invalid_time"), (2, "invalid_id")]
    assert len(batch.accepted) == 1


def test_the_brokers_clock_decides_what_lies_in_the_future() -> None:
    late = record(0, encode(event(at=NOW + timedelta(hours=1))))._replace(timestamp_s=(NOW + timedelta(hours=1)).timestamp())
    (batch,) = batches(late)
    assert batch.dead == []


def test_an_event_in_the_wrong_partition_is_sent_on_not_stored() -> None:
    stray = event()
    (batch,) = batches(record(0, encode(stray), partition=(HOME + 1) % 8))
    assert batch.misrouted == [stray]
    assert batch.accepted == []
