"""The columns of imported items in Parquet and CSV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from segue.events import AudioFeatures, CatalogueTrack

_TEXT, _TEXTS, _TIME = pa.string(), pa.list_(pa.string()), pa.timestamp("us", "UTC")
FEATURES = AudioFeatures.__struct_fields__

SCHEMAS: dict[str, pa.Schema] = {
    "tracks": pa.schema(
        [
            ("track_id", _TEXT), ("name", _TEXT), ("artists", _TEXTS), ("album", _TEXT), ("album_id", _TEXT), ("released", _TEXT),
            ("duration_ms", pa.int32()), ("explicit", pa.bool_()), ("popularity", pa.int16()), ("genres", _TEXTS),
            *((name, pa.int8() if name in {"key", "mode"} else pa.float32()) for name in FEATURES),
            ("features_source", _TEXT), ("source", _TEXT), ("fetched_at", _TIME),
        ]
    ),
    "playlists": pa.schema(
        [
            ("playlist_id", _TEXT), ("name", _TEXT), ("track_ids", _TEXTS), ("owner_id", _TEXT), ("public", pa.bool_()),
            ("source", _TEXT),
        ]
    ),
    "users": pa.schema([("user_id", _TEXT), ("display_name", _TEXT), ("genres", _TEXTS)]),
    "listens": pa.schema(
        [
            ("event_id", _TEXT), ("type", _TEXT), ("user_id", _TEXT), ("track_id", _TEXT), ("occurred_at", _TIME),
            ("ms_played", pa.int32()), ("session_id", _TEXT), ("rec_id", _TEXT), ("position", pa.int16()), ("source", _TEXT),
            ("artist", _TEXT), ("until", _TIME),
        ]
    ),
}  # fmt: skip


def table_of(kind: str, items: Sequence[Any]) -> pa.Table:
    """The items of one kind, one row each; lists are lists."""
    schema = SCHEMAS[kind]
    value = _READERS.get(kind, getattr)
    return pa.table([pa.array([value(item, name) for item in items], field_type) for name, field_type in _fields(schema)], schema)


def flat(table: pa.Table) -> pa.Table:
    """The same with each list as JSON text, since CSV has no lists."""
    for position, (name, field_type) in enumerate(_fields(table.schema)):
        if field_type == _TEXTS:
            texts = [msgspec.json.encode(value).decode() for value in table.column(position).to_pylist()]
            table = table.set_column(position, name, pa.array(texts, _TEXT))
    return table


def _fields(schema: pa.Schema) -> list[tuple[str, pa.DataType]]:
    return [(field.name, field.type) for field in schema]


def _of_track(track: CatalogueTrack, name: str) -> object:
    if name in FEATURES:
        return getattr(track.features, name, None)
    return getattr(track, name)


def _of_listen(event: object, name: str) -> object:
    value = getattr(event, name)
    return str(value) if name in {"event_id", "rec_id"} and value is not None else value


_READERS: dict[str, Callable[[Any, str], object]] = {"tracks": _of_track, "listens": _of_listen}
