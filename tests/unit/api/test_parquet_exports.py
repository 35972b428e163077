"""An export as Parquet files says what the JSON document says, in columns with types, and in bounded memory."""

from __future__ import annotations

import resource
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import parquet_exports
from api.exports import document
from api.parquet_exports import archive
from segue.errors import ConfigurationError
from segue.stores.postgres.exports import (
    ExportedBlock,
    ExportedEvent,
    ExportedImport,
    ExportedKey,
    ExportedPlaylist,
    ExportedTrack,
    ExportedUser,
    Part,
)
from tests.parquet import rows_in, rows_of, tables_of

AT = datetime(2026, 11, 1, 12, 30, 15, 123_456, tzinfo=UTC)
ANN = ExportedUser("ann", "Ann", ("jazz",), 2, AT, AT, None)
USER: Part = ("user", (ANN,))
KINDS = ["user", "events", "tracks", "blocks", "playlists", "keys", "imports"]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def made(parts: list[Part]) -> bytes:
    return b"".join(archive(parts, "segue-export-1"))


def event(number: int, name: str | None = "Song") -> ExportedEvent:
    return ExportedEvent(
        uuid.UUID(int=number), "play", "t1", name, ("A", "B"), AT, 1_000, "s", uuid.UUID(int=7), 3, "test"
    )  # fmt: skip


def test_everything_is_there_as_in_json() -> None:
    unnamed = ExportedEvent(uuid.UUID(int=2), "block", "t2", None, (), AT, None, None, None, None, None)
    parts: list[Part] = [
        USER,
        ("events", [event(1)]),
        ("events", [unnamed]),
        ("tracks", [ExportedTrack("t1", 3, 1, 0, -1.5, "liked", AT), ExportedTrack("t2", 0, 0, 0, 0.0, None, AT)]),
        ("blocks", [ExportedBlock("t2", None, True, AT), ExportedBlock(None, "X", False, None)]),
        ("playlists", [ExportedPlaylist("p", "P", True, None, AT, ("b", "a", "b"))]),
        ("playlists", [ExportedPlaylist("q", "Q", False, "api", AT, ())]),
        ("keys", [ExportedKey("segue_0", "phone", ("read",), AT, AT, None)]),
        ("imports", [ExportedImport("listenbrainz", "listens.zip", "stopped", 7, AT, AT, None)]),
    ]  # fmt: skip
    assert rows_of(made(parts)) == rows_in(b"".join(document(parts)))


def test_of_who_did_nothing_there_are_empty_files_with_all_columns() -> None:
    found = tables_of(made([USER]))
    assert {name: table.num_rows for name, table in found.items()} == {name: int(name == "user") for name in KINDS}
    assert list(found) == KINDS
    assert found["events"].schema.field("occurred_at").type == pa.timestamp("us", tz="UTC")
    assert rows_of(made([USER])) == rows_in(b"".join(document([USER])))


def test_columns_have_types_and_say_whether_they_may_be_empty() -> None:
    schema = tables_of(made([USER]))["playlists"].schema
    text, times = pa.string(), pa.timestamp("us", tz="UTC")
    assert [(one.name, one.type, one.nullable) for one in schema] == [
        ("playlist_id", text, False),
        ("name", text, False),
        ("public", pa.bool_(), False),
        ("source", text, True),
        ("changed_at", times, False),
        ("track_ids", pa.list_(pa.field("element", text, nullable=False)), False),
    ]
    assert schema.metadata[b"format"] == b"segue-export-1"


def test_times_are_utc_wherever_they_were_read() -> None:
    eastern = AT.astimezone(timezone(timedelta(hours=-5)))
    user = ExportedUser("ann", None, (), 0, eastern, eastern, None)
    (row,) = tables_of(made([("user", (user,))]))["user"].to_pylist()
    assert row["last_event_at"] == AT
    assert row["last_event_at"].utcoffset() == timedelta(0)


@given(st.lists(st.tuples(TEXTS, st.lists(TEXTS, max_size=3)), max_size=20))
def test_names_of_any_signs_come_back(named: list[tuple[str, list[str]]]) -> None:
    lists = [ExportedPlaylist(str(at), name, False, None, AT, tuple(ids)) for at, (name, ids) in enumerate(named)]
    parts: list[Part] = [USER, *((("playlists", lists),) if lists else ())]
    assert rows_of(made(parts)) == rows_in(b"".join(document(parts)))


def test_arrow_holds_no_more_of_a_long_history_than_of_a_short_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_exports, "ROW_GROUP_ROWS", 1_000)
    short, long = _peak_bytes(_many(20)), _peak_bytes(_many(200))
    assert long < 1.5 * short


def test_arrow_holds_no_more_of_many_long_playlists_than_of_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_exports, "ROW_GROUP_BYTES", 1_000_000)
    some, many = _peak_bytes(_long_playlists(20)), _peak_bytes(_long_playlists(200))
    assert many < 1.5 * some


def _peak_bytes(parts: Iterator[Part]) -> int:
    pool, before = pa.proxy_memory_pool(pa.default_memory_pool()), pa.default_memory_pool()
    pa.set_memory_pool(pool)
    try:
        size = sum(map(len, archive(parts, "segue-export-1")))
    finally:
        pa.set_memory_pool(before)
    assert size > 8_000
    return int(pool.max_memory())


def _many(parts: int) -> Iterator[Part]:
    yield USER
    for number in range(parts):
        yield "events", [event(number * 100 + at, str(uuid.UUID(int=at))) for at in range(100)]


def _long_playlists(parts: int) -> Iterator[Part]:
    yield USER
    track_ids = tuple(str(uuid.UUID(int=number)) for number in range(5_000))
    for number in range(parts):
        yield "playlists", [ExportedPlaylist(str(number), "P", False, None, AT, track_ids)]


def test_a_disk_without_room_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_exports, "SPOOLED_BYTES", 1_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))
    try:
        with pytest.raises(ConfigurationError, match="has no room for an export: set TMPDIR"):
            made([USER, ("events", [event(number) for number in range(100)])])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
