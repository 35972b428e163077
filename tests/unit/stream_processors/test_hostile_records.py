"""Whatever the bytes, every event of every record is accepted, dead or misrouted, exactly once."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.events import decode_listening_record
from segue.topics import LISTENING_EVENTS
from stream_processors.listening_batch import ListeningBatch, listening_batches
from stream_processors.records import DeadLetter, Record
from stream_processors.table_writer import read_batch, tables
from tests.hostile import Hostile, bad_values, envelope_of, event_fields, huge, one_in_an_envelope, recorded, text_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PARTITIONS = 8


def as_record(hostile: Hostile, offset: int = 0, partition: int = 0) -> Record:
    return Record(hostile.topic, partition, offset, hostile.key, hostile.value, NOW.timestamp(), hostile.headers)


def batches(*records: Record, most_events: int = 2_000) -> list[ListeningBatch]:
    return list(listening_batches(records, lambda _: False, PARTITIONS, most_events))


def letters_of(hostile: Hostile) -> list[DeadLetter]:
    if hostile.topic == LISTENING_EVENTS:
        return [letter for batch in batches(as_record(hostile)) for letter in batch.dead]
    (table,) = (table for table in tables(lambda _: None) if table.topic == hostile.topic)
    return read_batch(table, [as_record(hostile)]).dead


def test_every_recorded_case_is_dead_with_its_bytes() -> None:
    assert [
        hostile for hostile in recorded() if {letter.position: letter.raw for letter in letters_of(hostile)} != hostile.letters
    ] == []


@pytest.mark.parametrize("make", huge())
def test_huge_records_are_dead_with_their_bytes(make: object) -> None:
    assert callable(make)
    hostile: Hostile = make()
    assert {letter.position: letter.raw for letter in letters_of(hostile)} == hostile.letters


@given(bad_values())
def test_a_drawn_record_is_one_dead_letter_with_its_bytes(value: bytes) -> None:
    (batch,) = batches(as_record(Hostile(LISTENING_EVENTS, None, value, {})))
    assert [(letter.position, letter.raw) for letter in batch.dead] == [(0, value)]
    assert batch.dead[0].code
    assert not batch.accepted
    assert not batch.misrouted


@given(bad_values(), st.integers(0, 99))
def test_one_broken_event_takes_none_of_its_envelope_with_it(bad: bytes, at: int) -> None:
    good = [text_of(event_fields(f"t{n}", f"u{n}")) for n in range(99)]
    hostile = one_in_an_envelope(bad, at, good)
    (batch,) = batches(as_record(hostile))
    if len(batch.dead) == 1 and batch.dead[0].raw == hostile.value:
        # The broken one broke the JSON around it: nothing in the record can be told apart, so all of it is kept.
        assert not batch.accepted
        assert not batch.misrouted
        return
    assert {letter.position: letter.raw for letter in batch.dead} == hostile.letters
    assert len(batch.accepted) + len(batch.misrouted) == 99


@st.composite
def records(draw: st.DrawFn) -> list[Record]:
    good = st.builds(lambda n: text_of(event_fields(f"t{n}", f"u{n}")), st.integers(0, 50))
    one = good | bad_values() | st.binary(max_size=60)
    value = st.none() | one | st.lists(one, max_size=8).map(lambda parts: envelope_of(*parts))
    headers = st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=5)), max_size=3).map(tuple)
    made = draw(
        st.lists(st.tuples(value, st.integers(0, PARTITIONS - 1), st.none() | st.binary(max_size=9), headers), max_size=12)
    )
    times = st.floats(allow_nan=False, min_value=-1e12, max_value=1e12)
    return [
        Record(LISTENING_EVENTS, partition, offset, key, value, draw(times), headers)
        for offset, (value, partition, key, headers) in enumerate(made)
    ]


@given(records(), st.integers(1, 20))
def test_every_event_of_every_record_has_exactly_one_fate(given_records: list[Record], most_events: int) -> None:
    made = batches(*given_records, most_events=most_events)
    assert [record.offset for batch in made for record in batch.records] == [record.offset for record in given_records]
    for batch in made:
        for record in batch.records:
            events = 1 if record.value is None else len(decode_listening_record(record.value))
            dead = [letter for letter in batch.dead if letter.record is record]
            accepted = [event for of, event in batch.accepted if of is record]
            assert len({letter.position for letter in dead}) == len(dead)
            assert all(
                record.value is None or letter.raw in (None, record.value) or letter.raw in record.value for letter in dead
            )
            assert len(dead) + len(accepted) <= events
    fates = sum(len(batch.accepted) + len(batch.dead) + len(batch.misrouted) for batch in made)
    assert fates == sum(1 if r.value is None else len(decode_listening_record(r.value)) for r in given_records)


def test_a_batch_of_strays_and_of_letters_is_bounded_too() -> None:
    stray = envelope_of(*(text_of(event_fields(f"t{n}", "ada")) for n in range(10)))
    sizes = [
        len(batch.accepted) + len(batch.dead) + len(batch.misrouted)
        for value in (stray, envelope_of(*[b"0"] * 10))
        for partition in range(PARTITIONS)
        for batch in batches(
            *(as_record(Hostile(LISTENING_EVENTS, None, value, {}), n, partition) for n in range(5)), most_events=20
        )
    ]
    assert max(sizes) == 20


def test_unknown_fields_stay_in_a_letter() -> None:
    bad = text_of(event_fields(user_id="") | {"ours": '{"kept":  true}', "event_id": f'"{uuid.UUID(int=1)}"'})
    (batch,) = batches(as_record(Hostile(LISTENING_EVENTS, None, envelope_of(bad, text_of(event_fields())), {})))
    assert [letter.raw for letter in batch.dead] == [bad]
