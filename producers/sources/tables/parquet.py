"""Rows of a Parquet file, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from producers.sources.tables.files import Row, names_in, value_at
from segue.errors import InvalidFile

BATCH_ROWS = 4_096


class ParquetTable:
    """Only the columns asked for are read."""

    place = "row"

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def columns(self) -> list[str]:
        """Fields of a struct are `struct.field`."""
        with self._named_failures(), parquet.ParquetFile(self._path) as file:
            return list(names_in(dict(map(_shape, file.schema_arrow))))

    def total(self) -> int | None:
        """As the file says."""
        with self._named_failures(), parquet.ParquetFile(self._path) as file:
            return int(file.metadata.num_rows)

    def rows(self, columns: Sequence[str]) -> Iterator[Row]:
        """All rows in order. Raises InvalidFile."""
        paths = [column.split(".") for column in columns]
        number = 0
        with self._named_failures(), parquet.ParquetFile(self._path) as file:
            whole = set(file.schema_arrow.names)
            wanted = [column if column in whole else column.split(".")[0] for column in columns]
            for batch in file.iter_batches(BATCH_ROWS, columns=sorted(set(wanted)), use_threads=False):
                for row in _readable(batch).to_pylist():
                    number += 1
                    yield (
                        number,
                        [row[name] if name in row else value_at(row, path) for name, path in zip(columns, paths, strict=True)],
                    )

    @contextmanager
    def _named_failures(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError, ValueError, ArithmeticError) as error:
            reason = str(error).split("\n", 1)[0][:200]
            raise InvalidFile(f"is a damaged Parquet file ({reason}): write it again", "damaged_parquet") from error


def _readable(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Python's times have no nanoseconds."""
    for place, field in enumerate(batch.schema):
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            batch = batch.set_column(place, field.name, batch.column(place).cast(pa.timestamp("us", field.type.tz), safe=False))
    return batch


def _shape(field: pa.Field) -> tuple[str, object]:
    return field.name, dict(map(_shape, field.type)) if pa.types.is_struct(field.type) else None
