"""Holes in what the log delivered: what precedes them is stored, the rest is read again."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from segue.errors import Gap
from segue.events import ListeningEvent, encode
from segue.listeners import ListenerState
from segue.partitioning import partition_for
from segue.stores.postgres.marks import Mark
from stream_processors.listening_batch import ListeningBatch
from stream_processors.listening_writer import ListeningWriter
from stream_processors.marks import Marks
from stream_processors.outbox import Outbox
from stream_processors.patience import Patience
from stream_processors.processing import ListeningProcessor, WithRecords
from stream_processors.records import Record

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PARTITION = partition_for("ada", 8)


class KnownMarks(Marks):
    """Marks that need no Postgres."""

    def __init__(self, mark: Mark) -> None:
        self._marks, self._moved, self._start = {}, None, mark

    def _load(self, topic: str, partition: int) -> Mark:
        self._marks[topic, partition] = self._start
        return self._start


class RecordingWriter(ListeningWriter):
    """Keeps the offsets that it was given."""

    def __init__(self) -> None:
        self.offsets: list[int] = []

    def store(self, batch: ListeningBatch) -> dict[str, ListenerState]:
        self.offsets += [record.offset for record in batch.records]
        return {}

    def publish(self, batch: ListeningBatch, before: Mapping[int, int], states: Mapping[str, ListenerState]) -> None:
        pass


class NoOutbox(Outbox):
    """Nothing is dead or misrouted here."""

    def __init__(self) -> None:
        pass

    def send(self, dead: object, misrouted: object = ()) -> None:
        assert not dead
        assert not misrouted


def records(*offsets: int, base: int = 0) -> list[Record]:
    event = ListeningEvent(event_id=uuid.uuid4(), type="play", user_id="ada", track_id="t", occurred_at=NOW)
    return [Record("listening-events", PARTITION, offset, None, encode(event), NOW.timestamp(), (), base) for offset in offsets]


def processor(
    writer: ListeningWriter, mark: Mark | int, with_records: WithRecords = lambda _partition, holes: holes[0]
) -> ListeningProcessor:
    known = KnownMarks(mark if isinstance(mark, Mark) else Mark(mark))
    return ListeningProcessor(writer, known, NoOutbox(), Patience(), 8, 2_000, with_records)


def test_records_that_follow_the_mark_are_stored() -> None:
    writer = RecordingWriter()
    processor(writer, 5).process(records(5, 6, 7))
    assert writer.offsets == [5, 6, 7]


def test_records_below_the_mark_are_passed_over() -> None:
    writer = RecordingWriter()
    processor(writer, 6).process(records(4, 5, 6))
    assert writer.offsets == [6]


def test_a_later_logs_offsets_are_compared_with_the_mark_from_its_base_on() -> None:
    writer = RecordingWriter()
    processor(writer, Mark(sequence=1_002, base=1_000)).process(records(0, 1, 2, 3, base=1_000))
    assert writer.offsets == [2, 3]


def test_a_hole_in_a_later_log_is_told_by_its_own_offsets() -> None:
    writer = RecordingWriter()
    with pytest.raises(Gap) as gap:
        processor(writer, Mark(sequence=1_002, base=1_000)).process(records(5, base=1_000))
    assert gap.value.starts == {PARTITION: (2, 5)}
    assert writer.offsets == []


@pytest.mark.parametrize("base", [0, 2_000], ids=["an earlier log", "a later log"])
def test_records_of_another_log_than_the_marks_are_not_stored(base: int) -> None:
    writer = RecordingWriter()
    with pytest.raises(Gap):
        processor(writer, Mark(sequence=1_002, base=1_000)).process(records(2, 3, base=base))
    assert writer.offsets == []


def test_a_hole_before_the_first_record_stores_nothing() -> None:
    writer = RecordingWriter()
    with pytest.raises(Gap) as gap:
        processor(writer, 3).process(records(5, 6))
    assert writer.offsets == []
    assert gap.value.starts == {PARTITION: (3, 5)}


def test_a_hole_between_records_stores_what_precedes_it() -> None:
    writer = RecordingWriter()
    with pytest.raises(Gap) as gap:
        processor(writer, 5).process(records(5, 6, 9, 10))
    assert writer.offsets == [5, 6]
    assert gap.value.starts == {PARTITION: (7, 9)}


def test_records_that_come_again_after_a_rewind_are_stored_once() -> None:
    writer = RecordingWriter()
    with pytest.raises(Gap):
        processor(writer, 5).process(records(8, 9, 5, 6))
    worker = processor(writer, 5)
    worker.process(records(5, 6, 7))
    worker.process(records(7, 8, 9))
    assert writer.offsets == [5, 6, 7, 8, 9]


def test_holes_without_records_are_stepped_over() -> None:
    writer, asked = RecordingWriter(), []

    def none(partition: int, holes: object) -> None:
        asked.append((partition, holes))

    processor(writer, 3, none).process(records(5, 6, 8))
    assert writer.offsets == [5, 6, 8]
    assert asked == [(PARTITION, [(3, 5), (7, 8)])]


def test_only_the_hole_that_had_records_is_read_again() -> None:
    writer = RecordingWriter()
    with pytest.raises(Gap) as gap:
        processor(writer, 3, lambda _partition, holes: holes[1]).process(records(5, 6, 8))
    assert writer.offsets == [5, 6]
    assert gap.value.starts == {PARTITION: (7, 8)}
