"""Rows of a CSV file that may be broken: plain or gzip, odd encodings, stray quotes, truncated. Streams; memory is bounded."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, cast

from segue.errors import InvalidCatalogue, NotFound

MAX_RECORD_LINES = 50
"""A quoted field over more lines than this is taken for a stray quote, so that it costs one line, not the rest of the file."""
MAX_LINE_CHARS = 1_000_000
"""A file without line ends is not a CSV; reading stops before it fills the memory."""

_GZIP_MAGIC = b"\x1f\x8b"
_DELIMITERS = ",;\t"


@contextmanager
def open_lines(path: Path) -> Iterator[Iterator[str]]:
    """The lines of a UTF-8 file, gzip recognised by its first bytes; a byte that is not UTF-8 becomes a lone surrogate.

    Raises NotFound, or InvalidCatalogue when the file is unreadable, truncated, UTF-16 or has no lines at all.
    """
    try:
        with path.open("rb") as raw:
            zipped = raw.peek(2)[:2] == _GZIP_MAGIC
            binary = cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if zipped else raw
            with io.TextIOWrapper(binary, encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
                yield _lines(text, path)
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}: check the path") from None
    except OSError as error:
        raise InvalidCatalogue(f"{path} cannot be read: {error.strerror or error}", "unreadable") from error


def csv_rows(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """`(line number, fields)` of each row, the header first; the 1-based number is that of the row's first line.

    The delimiter (comma, semicolon or tab) is the header's. A row that spans several lines and does not have the header's
    width has a stray quote: its first line is given alone, and reading goes on with the next line.
    """
    tape = _Tape(lines)
    width = 0
    while (row := _next_row(tape, width)) is not None:
        width = width or len(row)
        yield tape.line, row


def _lines(text: io.TextIOWrapper, path: Path) -> Iterator[str]:
    number = 0
    try:
        while line := text.readline(MAX_LINE_CHARS):
            number += 1
            _check_line(line, number, path)
            yield line
    except EOFError:
        raise InvalidCatalogue(f"{path} is truncated after line {number:,}: download it again", "truncated") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InvalidCatalogue(f"{path} is damaged after line {number:,} ({error}): download it again", "damaged") from error
    if number == 0:
        raise InvalidCatalogue(f"{path} is empty", "empty")


def _check_line(line: str, number: int, path: Path) -> None:
    if len(line) == MAX_LINE_CHARS:
        raise InvalidCatalogue(
            f"{path}: line {number:,} is longer than {MAX_LINE_CHARS:,} characters, so it is no CSV", "not_csv"
        )
    if number == 1 and line.startswith(("\udcff\udcfe", "\udcfe\udcff")):
        raise InvalidCatalogue(f"{path} is UTF-16: save it as UTF-8", "not_utf8")


class _Tape:
    """Lines that can be wound back to the second line of the current record."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._source = iter(lines)
        self._wound_back: deque[str] = deque()
        self._record: list[str] = []
        self.line = 1
        self.delimiter: str | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self._record) >= MAX_RECORD_LINES:
            raise csv.Error("a quoted field that never ends")
        line = self._wound_back.popleft() if self._wound_back else next(self._source)
        if self.delimiter is None:
            self.delimiter = max(_DELIMITERS, key=line.count)
        self._record.append(line)
        return line

    def begin_record(self) -> None:
        self.line += len(self._record)
        self._record = []

    @property
    def spans_lines(self) -> bool:
        return len(self._record) > 1

    def wind_back(self) -> str:
        first, *rest = self._record
        self._wound_back.extendleft(reversed(rest))
        self._record = [first]
        return first


def _next_row(tape: _Tape, width: int) -> list[str] | None:
    tape.begin_record()
    first = next(tape, None)
    if first is None:
        return None
    reader = csv.reader(chain([first], tape), delimiter=tape.delimiter or ",")
    try:
        row = next(reader)
    except csv.Error:
        return [tape.wind_back()]
    if tape.spans_lines and width and len(row) != width:
        return [tape.wind_back()]
    return row
