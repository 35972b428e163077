"""Runs: how fetched records are cut and handed over."""

from __future__ import annotations

from collections.abc import Iterator

from aiokafka.structs import ConsumerRecord

from stream_processors.records import cut
from stream_processors.runs import RunMessage


def record(offset: int, value: bytes | None = b"x") -> ConsumerRecord[bytes, bytes]:
    return ConsumerRecord("listening-events", 3, offset, 1_000, 1, b"ada", value, None, 3, len(value or b""), (("trace", b"1"),))


def offsets(runs: Iterator[list[ConsumerRecord[bytes, bytes]]]) -> list[list[int]]:
    return [[found.offset for found in run] for run in runs]


def test_a_run_holds_as_many_records_as_allowed() -> None:
    assert offsets(cut([record(n) for n in range(5)], 2, 1_000)) == [[0, 1], [2, 3], [4]]


def test_a_run_holds_as_many_bytes_as_allowed_and_a_larger_record_stands_alone() -> None:
    sizes = [4, 4, 4, 50, 1]
    assert offsets(cut([record(n, b"x" * size) for n, size in enumerate(sizes)], 100, 10)) == [[0, 1], [2], [3], [4]]


def test_a_deletion_has_no_bytes() -> None:
    assert offsets(cut([record(0, None), record(1, None)], 100, 1)) == [[0, 1]]


def test_a_message_gives_its_records_free_of_kafkas_client() -> None:
    message = RunMessage("listening-events", 3, 9, 1.0, 1, None, None, None, None)
    message.run = [record(7), record(9, b"two")]
    assert [(r.partition, r.offset, r.key, r.value, r.timestamp_s, r.headers) for r in message.records()] == [
        (3, 7, b"ada", b"x", 1.0, (("trace", b"1"),)),
        (3, 9, b"ada", b"two", 1.0, (("trace", b"1"),)),
    ]
