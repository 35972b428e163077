"""Rows of a file, by the names of its columns. What the file is shows in its first bytes, not in its name."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import reduce
from itertools import islice
from pathlib import Path
from typing import IO, Any, BinaryIO, Protocol, TypeAlias, cast

import msgspec

from producers.ingestion.contract import Rejected
from producers.reading.bounds import Bounds
from producers.reading.json_arrays import json_elements
from producers.reading.lines import bounded_lines
from producers.reading.streams import CHUNK_BYTES, Text, Translated
from producers.sources.csv_rows import csv_rows
from segue.errors import InvalidFile, NotFound

SAMPLE_ROWS = 1_000
COUNTED_BYTES = 2_000_000_000
MAX_COLUMNS = 1_000
MAX_DEPTH = 3
"""Objects within each other whose fields are columns, such as `track_metadata.additional_info.duration_ms`."""

_MISSING = frozenset({"", "NA", "NULL", "\\N"})
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"

Row: TypeAlias = tuple[int, list[Any]] | Rejected
"""Where it stands, counted from 1, and the values of the columns asked for; or why it cannot be read."""


class Table(Protocol):
    """A file of rows. `place` is what its rows are counted in."""

    place: str

    @property
    def columns(self) -> list[str]:
        """Their names, as in the first rows."""
        ...

    def total(self) -> int | None:
        """About how many rows there are, where that is known cheaply."""
        ...

    def rows(self, columns: Sequence[str]) -> Iterator[Row]:
        """All rows in order; a column that a row does not have is None. Raises InvalidFile where the file is damaged."""
        ...


def open_table(path: Path, bounds: Bounds, header: bool) -> Table:
    """The table of a file; without `header`, a CSV's columns are called `1`, `2`, …. Raises NotFound or InvalidFile.

    Messages of InvalidFile begin with what the file does wrong, not with its name.
    """
    if _is_parquet(path):
        from producers.sources.tables.parquet import ParquetTable  # loads Arrow

        return ParquetTable(path)
    with closing(_text(path)) as text:
        head = text.read(CHUNK_BYTES)
    begin = head.lstrip(b"\xef\xbb\xbf \t\r\n").replace(b"\x00", b"")
    if begin[:1] == b"{":
        return _JsonLines(path, bounds)
    return _JsonArray(path, bounds) if begin[:1] == b"[" else _Csv(path, bounds, header)


def value_at(row: Any, path: Sequence[str]) -> Any:
    """What stands in a row under a name in a name; None where it has none."""
    return reduce(lambda at, name: at.get(name) if isinstance(at, dict) else None, path, row)


def names_in(row: dict[str, Any], depth: int = MAX_DEPTH) -> Iterator[str]:
    """The columns of a row; those of an object in it are `object.field`."""
    for name, value in row.items():
        if isinstance(value, dict) and depth > 1:
            yield from (f"{name}.{below}" for below in names_in(value, depth - 1))
        else:
            yield name


class _Csv:
    place = "line"

    def __init__(self, path: Path, bounds: Bounds, header: bool) -> None:
        self._path, self._bounds, self._header = path, bounds, header

    @property
    def columns(self) -> list[str]:
        first = next(self._cells([]), (1, []))[1]
        if not first:
            raise InvalidFile("has no line to read", "empty")
        if len(first) > MAX_COLUMNS:
            raise InvalidFile(
                f"{self._path.name} has {len(first):,} columns: at most {MAX_COLUMNS:,} are read", "too_many_columns"
            )
        return [name.strip() for name in first] if self._header else [str(number + 1) for number in range(len(first))]

    def total(self) -> int | None:
        return _lines_of(self._path)

    def rows(self, columns: Sequence[str]) -> Iterator[Row]:
        names, too_long = self.columns, list[int]()
        at = [names.index(column) for column in columns]
        for line, cells in islice(self._cells(too_long), 1 if self._header else 0, None):
            if too_long:
                yield Rejected("too_long_line", f"{self._path.name}, line {line:,}", self._too_long())
                too_long.clear()
            elif len(cells) == len(names):
                yield line, [_filled(cells[one]) for one in at]
            elif cells:
                reason = f"has {len(cells)} columns, the first line has {len(names)}: look for stray quotes and separators"
                yield Rejected("wrong_columns", f"{self._path.name}, line {line:,}", reason)

    def _cells(self, too_long: list[int]) -> Iterator[tuple[int, list[str]]]:
        """Rows as csv reads them; a line over the bound is an empty one, and noted."""

        def lines(text: Text) -> Iterator[str]:
            for number, line in enumerate(bounded_lines(text, self._bounds.line_bytes)):
                if line is None:
                    too_long.append(number)
                yield (line or b"").decode("utf-8", "surrogateescape") + "\n"

        with closing(_text(self._path)) as text:
            yield from csv_rows(lines(text))

    def _too_long(self) -> str:
        return f"is longer than {self._bounds.line_bytes:,} bytes (SEGUE_INGEST_MAX_LINE_BYTES)"


class _Json:
    """What JSON lines and arrays have in common: `_objects` gives the rows."""

    place = "line"

    def __init__(self, path: Path, bounds: Bounds) -> None:
        self._path, self._bounds = path, bounds

    @property
    def columns(self) -> list[str]:
        found: dict[str, None] = {}
        try:
            for _, row in islice(self._objects(), SAMPLE_ROWS):
                if isinstance(row, dict):
                    found |= dict.fromkeys(names_in(row))
        except InvalidFile:
            if not found:
                raise
        return list(islice(found, MAX_COLUMNS))

    def total(self) -> int | None:
        return None

    def rows(self, columns: Sequence[str]) -> Iterator[Row]:
        # A name may have dots of its own.
        paths = [column.split(".") for column in columns]
        for number, row in self._objects():
            if isinstance(row, Rejected):
                yield row
            elif isinstance(row, dict):
                yield (
                    number,
                    [row[name] if name in row else value_at(row, path) for name, path in zip(columns, paths, strict=True)],
                )
            else:
                where = f"{self._path.name}, {self.place} {number:,}"
                yield Rejected("no_object", where, "is no JSON object: each row is {…}")

    def _objects(self) -> Iterator[tuple[int, Any]]:
        raise NotImplementedError


class _JsonLines(_Json):
    def total(self) -> int | None:
        return _lines_of(self._path)

    def _objects(self) -> Iterator[tuple[int, Any]]:
        with closing(_text(self._path)) as text:
            for number, line in enumerate(bounded_lines(text, self._bounds.line_bytes), start=1):
                if line is None:
                    reason = f"is longer than {self._bounds.line_bytes:,} bytes (SEGUE_INGEST_MAX_LINE_BYTES)"
                    yield number, Rejected("too_long_line", f"{self._path.name}, line {number:,}", reason)
                elif line.strip():
                    yield number, self._decoded(line, number)

    def _decoded(self, line: bytes, number: int) -> Any:
        try:
            return msgspec.json.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return Rejected(
                "bad_json", f"{self._path.name}, line {number:,}", f"is no JSON ({error}): correct it or leave it out"
            )


class _JsonArray(_Json):
    place = "element"

    def _objects(self) -> Iterator[tuple[int, Any]]:
        with closing(_text(self._path)) as text:
            yield from enumerate(json_elements(text, "item", self._bounds.line_bytes), start=1)


def _filled(cell: str) -> str | None:
    """None for what R and databases write where a value is missing."""
    text = cell.strip()
    return None if text in _MISSING else text


def _lines_of(path: Path) -> int | None:
    """None for a file that is packed, or too large to be read twice for the sake of a progress bar."""
    with path.open("rb") as file:
        if file.read(2) == _GZIP or path.stat().st_size > COUNTED_BYTES:
            return None
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


def _is_parquet(path: Path) -> bool:
    with _named_failures(path), path.open("rb") as file:
        return file.read(len(_PARQUET)) == _PARQUET


def _text(path: Path) -> Text:
    """Gzip is recognised by its first bytes. Raises NotFound or InvalidFile."""
    with _named_failures(path):
        with path.open("rb") as file:
            zipped = file.read(2) == _GZIP
        # Closed with the text that reads it.
        return Text(cast(BinaryIO, Translated(cast(IO[bytes], gzip.GzipFile(path)))) if zipped else path.open("rb"))


@contextmanager
def _named_failures(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}: check the path") from None
    except IsADirectoryError:
        raise InvalidFile("is a folder: give one file", "not_a_file") from None
    except OSError as error:
        raise InvalidFile(f"cannot be read: {error.strerror or error}", "unreadable") from error
