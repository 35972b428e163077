"""A user's data as Parquet files in one zip archive, for who wants to count and not to read.

Arrow is imported with this module, and only who asks for such an export imports it: it takes 35 MB.
"""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import IO, Any, NamedTuple
from zipfile import ZipFile

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import inspect

from api.listener_schemas import ExportShown
from segue.errors import ConfigurationError
from segue.stores.postgres.exports import Part

ROW_GROUP_ROWS = 50_000
ROW_GROUP_BYTES = 16_000_000
"""What is in memory at once, as Arrow has it: events reach the one first, playlists of thousands of tracks the other."""
PIECE_BYTES = 131_072
SPOOLED_BYTES = 4_000_000
"""An archive larger than this is on disk until it is sent, in a file without a name, which a crash does not leave behind."""
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
COMPRESSION = "zstd"
_UNDER_WAY = b""

_TYPES: dict[type[inspect.Type], Callable[[], pa.DataType]] = {
    inspect.StrType: pa.string,
    inspect.LiteralType: pa.string,
    inspect.UUIDType: pa.string,
    inspect.IntType: pa.int64,
    inspect.FloatType: pa.float64,
    inspect.BoolType: pa.bool_,
    inspect.DateTimeType: lambda: pa.timestamp("us", tz="UTC"),
}


def archive(parts: Iterable[Part], form: str) -> Generator[bytes, None, None]:
    """The archive in pieces, with one file for each kind, also where there is nothing of it; `form` names what it is.

    A piece is empty while rows are read: nothing is sent before all of them are in the archive. Raises ConfigurationError
    when the disk has no room for it.
    """
    try:
        with tempfile.SpooledTemporaryFile(SPOOLED_BYTES) as file:
            yield from _filled(file, parts, _kinds(form))
            file.seek(0)
            while piece := file.read(PIECE_BYTES):
                yield piece
    except OSError as error:
        # Closing the file writes what is left, and fails again.
        raise _told(error) from error


class _Kind(NamedTuple):
    """How rows of one kind are written; `uuids`: the columns that are UUIDs in rows and text in files, as in JSON."""

    schema: pa.Schema
    uuids: Sequence[int]


def _kinds(form: str) -> dict[str, _Kind]:
    """By name, in the order of the JSON document: the columns are the fields of its structs."""
    metadata = {"format": form, "exported_at": datetime.now(UTC).isoformat()}
    found = {}
    for field in msgspec.structs.fields(ExportShown):
        row = _row_of(inspect.type_info(field.type))
        if row is not None:
            uuids = [at for at, one in enumerate(row.fields) if isinstance(_said(one)[0], inspect.UUIDType)]
            found[field.encode_name] = _Kind(pa.schema(map(_column, row.fields), metadata), uuids)
    return found


def _row_of(shown: inspect.Type) -> inspect.StructType | None:
    """What a member of the document holds, one or many; None for what is no row."""
    held = shown.item_type if isinstance(shown, inspect.VarTupleType) else shown
    return held if isinstance(held, inspect.StructType) else None


def _column(field: inspect.Field) -> pa.Field:
    kind, is_optional = _said(field)
    return pa.field(field.encode_name, _type(kind), nullable=is_optional)


def _said(field: inspect.Field) -> tuple[inspect.Type, bool]:
    """A field's type, and whether it may be None."""
    kinds = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
    (kind,) = (_plain(one) for one in kinds if not isinstance(one, inspect.NoneType))
    return kind, len(kinds) > 1


def _type(kind: inspect.Type) -> pa.DataType:
    if isinstance(kind, inspect.VarTupleType):
        return pa.list_(pa.field("item", _type(_plain(kind.item_type)), nullable=False))
    return _TYPES[type(kind)]()


def _plain(kind: inspect.Type) -> inspect.Type:
    return kind.type if isinstance(kind, inspect.Metadata) else kind


def _filled(file: IO[bytes], parts: Iterable[Part], kinds: dict[str, _Kind]) -> Iterator[bytes]:
    with ZipFile(file, "w") as made:
        for name, some in groupby(parts, key=itemgetter(0)):
            yield from _written(made, name, kinds.pop(name), (rows for _, rows in some))
        for name, kind in kinds.items():
            yield from _written(made, name, kind, ())


def _written(made: ZipFile, name: str, kind: _Kind, parts: Iterable[Sequence[msgspec.Struct]]) -> Iterator[bytes]:
    # Parquet compresses its columns; to compress the file again gains nothing.
    with (
        made.open(f"{name}.parquet", "w", force_zip64=True) as file,
        pq.ParquetWriter(file, kind.schema, compression=COMPRESSION) as out,
    ):
        held: list[pa.RecordBatch] = []
        for rows in parts:
            held.append(_batch(rows, kind))
            if _is_group(held):
                out.write_table(pa.Table.from_batches(held))
                held.clear()
            yield _UNDER_WAY
        if held:
            out.write_table(pa.Table.from_batches(held))


def _is_group(held: Sequence[pa.RecordBatch]) -> bool:
    rows, size = sum(int(one.num_rows) for one in held), sum(int(one.nbytes) for one in held)
    return rows >= ROW_GROUP_ROWS or size >= ROW_GROUP_BYTES


def _batch(rows: Sequence[msgspec.Struct], kind: _Kind) -> pa.RecordBatch:
    columns: list[Sequence[Any]] = list(zip(*map(msgspec.structs.astuple, rows), strict=True))
    for at in kind.uuids:
        columns[at] = [None if value is None else str(value) for value in columns[at]]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, kind.schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=kind.schema)


def _told(error: OSError) -> Exception:
    if error.errno in NO_ROOM:
        return ConfigurationError(f"{tempfile.gettempdir()} has no room for an export: set TMPDIR to a folder that has")
    return error
