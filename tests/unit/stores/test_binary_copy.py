"""Streams as PostgreSQL's manual describes them, byte by byte."""

from __future__ import annotations

import struct
from itertools import chain
from typing import Any

import pytest

from segue.stores.postgres.binary_copy import copied_in_parts, parsed

HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack(">ii", 0, 0)
TRAILER = struct.pack(">h", -1)
COLUMNS = {"user_no": "i4", "weight": "f8"}


def row(user_no: int, weight: float) -> bytes:
    return struct.pack(">hiiid", 2, 4, user_no, 8, weight)


def test_columns_come_in_native_types() -> None:
    columns = parsed(HEADER + row(7, 0.5) + row(-1, 2.0) + TRAILER, COLUMNS)
    assert columns["user_no"].tolist() == [7, -1]
    assert columns["user_no"].dtype.isnative
    assert columns["weight"].tolist() == [0.5, 2.0]


def test_no_rows_give_empty_columns() -> None:
    assert parsed(HEADER + TRAILER, COLUMNS)["weight"].tolist() == []


OTHERS = pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"not a copy stream at all",
        HEADER,
        HEADER + row(1, 1.0),
        HEADER + row(1, 1.0)[:-3] + TRAILER,
        HEADER + struct.pack(">hii", 2, 4, 1) + struct.pack(">i", -1) + TRAILER,
        HEADER + struct.pack(">hiidi", 2, 8, 0, 1.0, 4)[:22] + TRAILER,
    ],
    ids=["empty", "foreign", "no trailer", "cut after a row", "cut within a row", "null", "other columns"],
)


@OTHERS
def test_other_streams_are_refused(stream: bytes) -> None:
    with pytest.raises(ValueError, match="binary COPY"):
        parsed(stream, COLUMNS)


class Sent:
    """A cursor whose COPY sends a stream in pieces of a few bytes."""

    def __init__(self, stream: bytes, piece: int) -> None:
        self._pieces = [stream[at : at + piece] for at in range(0, len(stream), piece)]

    def copy_expert(self, query: str, file: Any) -> None:
        assert query == "copy (select 1) to stdout (format binary)"
        for piece in self._pieces:
            file.write(piece)


def in_parts(stream: bytes, piece: int, part_rows: int) -> list[list[int]]:
    parts: list[list[int]] = []
    consume = lambda columns: parts.append(columns["user_no"].tolist())  # noqa: E731
    copied_in_parts(Sent(stream, piece), "select 1", COLUMNS, consume, part_rows)  # type: ignore[arg-type]
    return parts


@pytest.mark.parametrize("piece", [1, 7, 22, 1_000])
@pytest.mark.parametrize("part_rows", [1, 3, 100])
def test_parts_add_up_to_the_whole(piece: int, part_rows: int) -> None:
    stream = HEADER + b"".join(row(number, 0.5) for number in range(10)) + TRAILER
    assert list(chain(*in_parts(stream, piece, part_rows))) == list(range(10))
    assert len(in_parts(stream, 22, 3)) > 2


@OTHERS
def test_other_streams_are_refused_in_parts_too(stream: bytes) -> None:
    with pytest.raises(ValueError, match="binary COPY"):
        in_parts(stream, 5, 1)
