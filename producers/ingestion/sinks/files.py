"""Imports into local files instead of Kafka: `tracks`, `playlists`, `users`, `listens`, typed, for other tools."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import pyarrow as pa
from pyarrow import csv, parquet

from producers.ingestion.formats import Format
from producers.ingestion.pages import Checked
from producers.ingestion.sinks.tables import SCHEMAS, flat, table_of
from segue.errors import ConfigurationError


class FilesSink:
    """Files of `folder`, rewritten whole: they get their names when all is written, so that nobody reads a part.

    All four are written, empty ones too: none of an earlier import remains beside those of a later one.
    """

    def __init__(self, folder: Path, file_format: Format) -> None:
        self._parts = {kind: _Part(folder / f"{kind}.{file_format}") for kind in SCHEMAS}
        self._writers: dict[str, _Writer] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for kind, schema in SCHEMAS.items():
                self._writers[kind] = _writer(self._parts[kind].path, file_format, schema)
        except OSError as error:
            self.abandon()
            raise _unwritable(folder, error) from error
        self._folder, self._flat = folder, file_format == "csv"

    def write(self, page: Checked) -> None:
        """Append a page's items. Raises ConfigurationError where the disk takes no more."""
        try:
            for kind, items in page.kinds.items():
                if items:
                    table = table_of(kind, items)
                    self._writers[kind].write_table(flat(table) if self._flat else table)
        except OSError as error:
            raise _unwritable(self._folder, error) from error

    def settle(self) -> None:
        """The files are whole at the end only."""

    def finish(self) -> None:
        """Give the files their names. Raises ConfigurationError."""
        try:
            self._close()
            for part in self._parts.values():
                part.settle()
            for part in self._parts.values():
                part.path.replace(part.target)
        except OSError as error:
            raise _unwritable(self._folder, error) from error

    def abandon(self) -> None:
        """Remove what was begun; files of an earlier import stay as they were."""
        self._close()
        for part in self._parts.values():
            part.path.unlink(missing_ok=True)

    def _close(self) -> None:
        while self._writers:
            _, writer = self._writers.popitem()
            writer.close()


class _Writer(Protocol):
    def write_table(self, table: pa.Table) -> None: ...

    def close(self) -> None: ...


class _Part:
    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f".{target.name}.{os.getpid()}.part")

    def settle(self) -> None:
        with self.path.open("rb") as file:
            os.fsync(file.fileno())


def _writer(path: Path, file_format: Format, schema: pa.Schema) -> _Writer:
    if file_format == "parquet":
        opened: _Writer = parquet.ParquetWriter(path, schema, compression="zstd")
        return opened
    written: _Writer = csv.CSVWriter(path, flat(schema.empty_table()).schema)
    return written


def _unwritable(folder: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"{folder} cannot be written ({error.strerror or error}): make room, or choose another --out")
