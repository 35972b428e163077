"""Files as they come: compressed, cut off, badly encoded."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from producers.sources.csv_rows import csv_rows, open_lines
from segue.errors import InvalidCatalogue, NotFound

TABLE = b"id,name\r\n1,Waltz\r\n2,March\r\n"
ROWS = [(1, ["id", "name"]), (2, ["1", "Waltz"]), (3, ["2", "March"])]


def rows_of(path: Path) -> list[tuple[int, list[str]]]:
    with open_lines(path) as lines:
        return list(csv_rows(lines))


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "tracks.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(TABLE, id="plain"),
        pytest.param(gzip.compress(TABLE), id="gzip, recognised whatever the name"),
        pytest.param(b"\xef\xbb\xbf" + TABLE, id="byte order mark"),
        pytest.param(TABLE.replace(b"\r\n", b"\n"), id="line feeds only"),
        pytest.param(TABLE.rstrip(), id="no line end at the end"),
    ],
)
def test_rows_are_read_with_their_line_numbers(tmp_path: Path, content: bytes) -> None:
    assert rows_of(written(tmp_path, content)) == ROWS


def test_a_quoted_line_break_counts_as_a_line(tmp_path: Path) -> None:
    rows = rows_of(written(tmp_path, b'id,name\n1,"Two\nlines"\n2,March\n'))
    assert rows == [(1, ["id", "name"]), (2, ["1", "Two\nlines"]), (4, ["2", "March"])]


def test_bytes_that_are_not_utf8_become_lone_surrogates(tmp_path: Path) -> None:
    assert rows_of(written(tmp_path, b"id,name\n1,Caf\xe9\n"))[1] == (2, ["1", "Caf\udce9"])


def test_a_truncated_gzip_is_refused_with_the_line(tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(200_000).hex().encode()
    whole = gzip.compress(b"id,name\n" + b"\n".join(noise[n : n + 80] for n in range(0, len(noise), 80)))
    with pytest.raises(InvalidCatalogue, match=r"is truncated after line [\d,]+: download it again"):
        rows_of(written(tmp_path, whole[: len(whole) // 2]))


def test_a_damaged_gzip_is_refused(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(TABLE))
    whole[-6] ^= 0xFF
    with pytest.raises(InvalidCatalogue, match="is damaged after line"):
        rows_of(written(tmp_path, bytes(whole)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        ("id,name\n1,Waltz\n".encode("utf-16"), "is UTF-16: save it as UTF-8"),
        (b"\x00" * 1_100_000, "longer than 1,000,000 characters"),
    ],
)
def test_what_is_no_csv_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(InvalidCatalogue, match=message):
        rows_of(written(tmp_path, content))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"there is no file .*nowhere\.csv"):
        rows_of(tmp_path / "nowhere.csv")


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidCatalogue, match="cannot be read: Is a directory"):
        rows_of(tmp_path)
