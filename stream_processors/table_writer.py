"""Storing the compacted topics (catalogue, playlists, users): the newest record of a key wins, a null value deletes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec
from psycopg2.extensions import cursor as PgCursor

from segue.errors import InvalidEvent
from segue.events import CatalogueTrack, PlaylistRecord, UserRecord, check_id
from segue.record_checks import check_record
from segue.stores.postgres.catalogue import delete_tracks, upsert_tracks
from segue.stores.postgres.database import Database
from segue.stores.postgres.listens import lock_out_deletions
from segue.stores.postgres.marks import move_mark
from segue.stores.postgres.playlists import delete_playlists, upsert_playlists
from segue.stores.postgres.users import delete_users, upsert_users
from segue.topics import CATALOGUE, PLAYLISTS, USERS
from stream_processors.crash_report import name_event
from stream_processors.marks import Marks
from stream_processors.metrics import EVENTS_REFUSED, EVENTS_WRITTEN, STAGE_SECONDS
from stream_processors.records import DATA_FAULTS, DeadLetter, Record

Row = TypeVar("Row", CatalogueTrack, PlaylistRecord, UserRecord)


@dataclass(frozen=True)
class Table(Generic[Row]):
    """How one compacted topic is stored."""

    topic: str
    key: str
    type: type[Row]
    upsert: Callable[[PgCursor, Sequence[Row], Mapping[str, float], Mapping[str, int]], int]
    """Takes, by key, each record's time in the log too, in Unix seconds, and the sequence number behind it; returns how many were
    refused for their deleted user."""
    delete: Callable[[PgCursor, Sequence[str]], None]
    most_records: int
    """Records in one transaction: one that outlasts the statement's time limit would be tried again for ever."""


@dataclass(frozen=True)
class TableBatch(Generic[Row]):
    """The last state of each key in some records, and what could not be read."""

    records: list[Record]
    upserts: dict[str, Row]
    deletes: set[str]
    dead: list[DeadLetter]
    arrived_at_s: dict[str, float] = field(default_factory=dict)
    """When the record that `upserts` has of a key came to the log; Unix time."""
    versions: dict[str, int] = field(default_factory=dict)
    """The sequence number behind that record: where the mark stands once it is stored."""


def tables(bury: Callable[[Sequence[str]], None]) -> list[Table[Any]]:
    """The three compacted topics; `bury` removes deleted users' live rows, inside the transaction."""

    def write_tracks(cursor: PgCursor, records: Sequence[CatalogueTrack], _: Mapping[str, float], __: Mapping[str, int]) -> int:
        upsert_tracks(cursor, records)
        return 0

    def write_playlists(
        cursor: PgCursor, records: Sequence[PlaylistRecord], arrived_at_s: Mapping[str, float], versions: Mapping[str, int]
    ) -> int:
        lock_out_deletions(cursor)
        return upsert_playlists(cursor, records, arrived_at_s, versions)

    def write_users(
        cursor: PgCursor, records: Sequence[UserRecord], arrived_at_s: Mapping[str, float], _: Mapping[str, int]
    ) -> int:
        upsert_users(cursor, records, arrived_at_s)
        return 0

    def remove_playlists(cursor: PgCursor, playlist_ids: Sequence[str]) -> None:
        # Before the rows' own locks: a user's deletion takes them in this order too.
        lock_out_deletions(cursor)
        delete_playlists(cursor, playlist_ids)

    def delete_everywhere(cursor: PgCursor, user_ids: Sequence[str]) -> None:
        delete_users(cursor, user_ids)
        bury(user_ids)

    return [
        Table(CATALOGUE, "track_id", CatalogueTrack, write_tracks, delete_tracks, 2_000),
        Table(PLAYLISTS, "playlist_id", PlaylistRecord, write_playlists, remove_playlists, 50),
        Table(USERS, "user_id", UserRecord, write_users, delete_everywhere, 50),
    ]


def read_batch(table: Table[Row], records: Sequence[Record]) -> TableBatch[Row]:
    """Fold records in log order: what a key's last record says is what is written."""
    batch: TableBatch[Row] = TableBatch(list(records), {}, set(), [])
    decoder = msgspec.json.Decoder(table.type)
    for record in records:
        try:
            _fold(table, decoder, record, batch)
        except InvalidEvent as error:
            batch.dead.append(DeadLetter(record, 0, record.value, error.code, str(error)))
        except DATA_FAULTS as error:
            batch.dead.append(DeadLetter(record, 0, record.value, "unprocessable", str(error)))
        except Exception as error:
            error.add_note(name_event(record, 0))
            raise
    return batch


def _fold(table: Table[Row], decoder: msgspec.json.Decoder[Row], record: Record, batch: TableBatch[Row]) -> None:
    key = _key(table, record)
    if record.value is None:
        batch.upserts.pop(key, None)
        batch.deletes.add(key)
        return
    try:
        row = decoder.decode(record.value)
    except msgspec.ValidationError as error:
        raise InvalidEvent(str(error), "invalid_field") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent(f"not JSON: {error}", "undecodable") from error
    if getattr(row, table.key) != key:
        raise InvalidEvent(f"the record's key is {key!r}, its {table.key} is {getattr(row, table.key)!r}", "key_mismatch")
    check_record(row)
    # A deletion earlier in the batch stays: it runs before the upsert, and who returns starts with nothing.
    batch.upserts[key] = row
    batch.arrived_at_s[key] = record.timestamp_s
    batch.versions[key] = record.sequence + 1


def _key(table: Table[Row], record: Record) -> str:
    try:
        key = (record.key or b"").decode()
    except UnicodeDecodeError:
        raise InvalidEvent("the record's key is not UTF-8", "invalid_id") from None
    check_id(table.key, key)
    return key


class TableWriter(Generic[Row]):
    """Writes the batches of one compacted topic."""

    def __init__(self, table: Table[Row], database: Database, marks: Marks) -> None:
        self.table: Table[Row] = table
        self._database, self._marks = database, marks

    def store(self, batch: TableBatch[Row]) -> None:
        """Write in one transaction and move the marks. Raises Fenced, PostgresUnavailable, RedisUnavailable, RefusedByStore."""
        started, refused = time.perf_counter(), 0
        with self._database.transaction() as cursor:
            if batch.deletes:
                self.table.delete(cursor, sorted(batch.deletes))
            if batch.upserts:
                arrived_at_s = {key: batch.arrived_at_s[key] for key in batch.upserts}
                refused = self.table.upsert(cursor, list(batch.upserts.values()), arrived_at_s, batch.versions)
            for partition, sequence in {r.partition: r.sequence + 1 for r in batch.records}.items():
                expected = self._marks.get(self.table.topic, partition)
                move_mark(cursor, self.table.topic, partition, expected, sequence)
        STAGE_SECONDS.labels(self.table.topic).observe(time.perf_counter() - started)
        # Behind the commit: a transaction that is tried again is counted once.
        EVENTS_REFUSED.inc(refused)
        EVENTS_WRITTEN.labels(self.table.topic).inc(len(batch.records) - len(batch.dead) - refused)
