"""Streams as PostgreSQL's manual describes them, byte by byte."""

from __future__ import annotations

import struct

import pytest

from segue.stores.postgres.binary_copy import parsed

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


@pytest.mark.parametrize(
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
def test_other_streams_are_refused(stream: bytes) -> None:
    with pytest.raises(ValueError, match="binary COPY"):
        parsed(stream, COLUMNS)
