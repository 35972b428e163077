"""Reading an export's archive back."""

from __future__ import annotations

import io
from typing import Any
from zipfile import ZipFile

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq


def tables_of(archive: bytes) -> dict[str, pa.Table]:
    """The tables by file name without its ending, in the archive's order."""
    with ZipFile(io.BytesIO(archive)) as found:
        return {name.removesuffix(".parquet"): pq.read_table(io.BytesIO(found.read(name))) for name in found.namelist()}


def rows_of(archive: bytes) -> dict[str, list[dict[str, Any]]]:
    """The rows by file name, with times as JSON has them."""
    rows = {name: table.to_pylist() for name, table in tables_of(archive).items()}
    decoded: dict[str, list[dict[str, Any]]] = msgspec.json.decode(msgspec.json.encode(rows))
    return decoded


def rows_in(document: bytes) -> dict[str, list[dict[str, Any]]]:
    """The same of an export as JSON."""
    export = msgspec.json.decode(document)
    lists = {name: rows for name, rows in export.items() if isinstance(rows, list)}
    return {"user": [export["user"]], **lists}
