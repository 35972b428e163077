"""Rows of every kind of file, whole and damaged."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from producers.ingestion.contract import Rejected
from producers.reading.bounds import Bounds
from producers.sources.tables.files import open_table
from segue.errors import InvalidFile, NotFound

ROWS = [{"title": "Waltz, slow", "by": "Otters"}, {"title": "Märsch", "by": None}, {"title": '"Polka"', "by": "Foxes"}]
READ = [["Waltz, slow", "Otters"], ["Märsch", None], ['"Polka"', "Foxes"]]
CSV = 'title,by\n"Waltz, slow",Otters\nMärsch,NA\n"""Polka""",Foxes\n'


def table(path: Path, content: str | bytes, name: str = "table") -> Path:
    (path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return path / name


def read(path: Path, columns: Sequence[str] = ("title", "by"), header: bool = True, bounds: Bounds | None = None) -> list[Any]:
    rows = open_table(path, bounds or Bounds(), header).rows(columns)
    return [row if isinstance(row, Rejected) else row[1] for row in rows]


def parquet_file(path: Path) -> Path:
    parquet.write_table(pa.Table.from_pylist(ROWS), path / "table")
    return path / "table"


@pytest.mark.parametrize(
    "content",
    [
        CSV,
        CSV.replace("\n", "\r\n"),
        b"\xef\xbb\xbf" + CSV.encode(),
        CSV.encode("utf-16"),
        CSV.encode("latin-1"),
        'title;by\n"Waltz, slow";Otters\nMärsch;\n"""Polka""";Foxes\n',
        gzip.compress(CSV.encode()),
        "\n".join(json.dumps(row) for row in ROWS),
        gzip.compress("\n\n".join(json.dumps(row) for row in ROWS).encode()),
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2, ensure_ascii=False),
    ],
)
def test_the_same_rows_come_from_every_kind_of_file(tmp_path: Path, content: str | bytes) -> None:
    path = table(tmp_path, content)
    assert open_table(path, Bounds(), header=True).columns == ["title", "by"]
    assert read(path) == READ


def test_the_same_rows_come_from_parquet(tmp_path: Path) -> None:
    path = parquet_file(tmp_path)
    assert open_table(path, Bounds(), header=True).columns == ["title", "by"]
    assert read(path) == READ


def test_columns_without_a_header_are_numbered(tmp_path: Path) -> None:
    assert read(table(tmp_path, "Waltz,Otters\nMarch,Foxes\n"), ["2", "1"], header=False) == [
        ["Otters", "Waltz"],
        ["Foxes", "March"],
    ]


def test_a_field_in_a_field_is_a_column(tmp_path: Path) -> None:
    rows = [{"meta": {"title": "Waltz"}, "by.name": "Otters"}, {"meta": "none"}]
    path = table(tmp_path, "\n".join(json.dumps(row) for row in rows))
    assert open_table(path, Bounds(), header=True).columns == ["meta.title", "by.name", "meta"]
    assert read(path, ["meta.title", "by.name"]) == [["Waltz", "Otters"], [None, None]]


def test_a_struct_of_parquet_is_columns(tmp_path: Path) -> None:
    parquet.write_table(pa.Table.from_pylist([{"meta": {"title": "Waltz"}, "at": 1}]), tmp_path / "table")
    assert open_table(tmp_path / "table", Bounds(), header=True).columns == ["meta.title", "at"]
    assert read(tmp_path / "table", ["at", "meta.title"]) == [[1, "Waltz"]]


def test_nanoseconds_of_parquet_are_cut(tmp_path: Path) -> None:
    at = pa.array([1_715_269_694_123_456_789], pa.timestamp("ns", "UTC"))
    parquet.write_table(pa.table({"at": at}), tmp_path / "table")
    assert read(tmp_path / "table", ["at"]) == [[datetime(2024, 5, 9, 15, 48, 14, 123_456, tzinfo=UTC)]]


def test_a_row_of_another_width_is_rejected_alone(tmp_path: Path) -> None:
    first, second, third = read(table(tmp_path, "title,by\nWaltz,Otters,1999\nMarch\nPolka,Foxes\n"))
    assert (first.code, first.where) == ("wrong_columns", "table, line 2")
    assert (second.code, second.where) == ("wrong_columns", "table, line 3")
    assert third == ["Polka", "Foxes"]


@pytest.mark.parametrize("content", ["title,by\n{}\nPolka,Foxes\n", '{{"title": "{}"}}\n{{"title": "Polka", "by": "Foxes"}}\n'])
def test_a_line_over_the_bound_is_rejected_alone(tmp_path: Path, content: str) -> None:
    path = table(tmp_path, content.format("x" * 5_000))
    first, second = read(path, bounds=Bounds(line_bytes=1_000))
    assert first.code == "too_long_line"
    assert second == ["Polka", "Foxes"]


@pytest.mark.parametrize("line", ['{"title": ', "3", "[1]", "null", "\x00", '{"title": "\\ud800"}', "[" * 100_000])
def test_a_broken_line_of_json_is_rejected_alone(tmp_path: Path, line: str) -> None:
    first, second, third = read(table(tmp_path, f'{{"title": "Waltz"}}\n{line}\n{{"title": "Polka", "by": "Foxes"}}\n'))
    assert (first, third) == (["Waltz", None], ["Polka", "Foxes"])
    assert (second.code, second.where) in {("bad_json", "table, line 2"), ("no_object", "table, line 2")}


def test_a_truncated_array_gives_the_rows_before(tmp_path: Path) -> None:
    rows = open_table(table(tmp_path, json.dumps(ROWS)[:-20]), Bounds(), header=True).rows(["title"])
    assert [next(rows), next(rows)] == [(1, ["Waltz, slow"]), (2, ["Märsch"])]
    with pytest.raises(InvalidFile, match="is no JSON after element 2"):
        next(rows)


def test_a_truncated_gzip_says_so(tmp_path: Path) -> None:
    content = gzip.compress("".join(f"Waltz {number},Otters\n" for number in range(100_000)).encode())
    with pytest.raises(InvalidFile, match="damaged"):
        read(table(tmp_path, b"".join([gzip.compress(b"title,by\n"), content[: len(content) // 2]])))


def test_a_damaged_parquet_says_so(tmp_path: Path) -> None:
    content = parquet_file(tmp_path).read_bytes()
    with pytest.raises(InvalidFile, match="is a damaged Parquet file"):
        read(table(tmp_path, content[: len(content) // 2]))


def test_an_empty_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="no line to read"):
        read(table(tmp_path, ""))


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no file"):
        open_table(tmp_path / "nowhere", Bounds(), header=True)
    with pytest.raises(InvalidFile, match="is a folder"):
        open_table(tmp_path, Bounds(), header=True)


@given(
    st.binary(max_size=300)
    | st.binary(max_size=300).map(gzip.compress)
    | st.binary(max_size=100).map(lambda b: b"PAR1" + b + b"PAR1")
)
def test_any_bytes_are_rows_rejections_or_a_named_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = table(tmp_path_factory.getbasetemp(), content, "any")
    try:
        opened = open_table(path, Bounds(line_bytes=1_000), header=True)
        columns = list(dict.fromkeys(opened.columns))
        for row in opened.rows(columns):
            assert isinstance(row, Rejected) or len(row[1]) == len(columns)
    except InvalidFile:
        pass


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_flipped_byte_of_parquet_is_rows_or_a_named_error(
    tmp_path_factory: pytest.TempPathFactory, at: int, value: int
) -> None:
    content = bytearray(parquet_file(tmp_path_factory.getbasetemp()).read_bytes())
    content[at % len(content)] = value
    path = table(tmp_path_factory.getbasetemp(), bytes(content), "flipped")
    try:
        opened = open_table(path, Bounds(), header=True)
        for row in opened.rows(opened.columns):
            assert not isinstance(row, Rejected)
    except InvalidFile:
        pass
