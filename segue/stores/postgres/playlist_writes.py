"""Changing playlists through the log, one writer after the other.

The newest record of a playlist is its state, whatever it was made from: a compacted log keeps nothing else, so nothing else could
be replayed. Hence a change must know the newest state before it is published. A writer takes its turn by a lock on the playlist,
and gets none before the processors have stored what was published in the turn before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg2.extensions import cursor as PgCursor

from segue.errors import PlaylistBusy
from segue.stores.postgres.database import Database
from segue.stores.postgres.marks import read_mark
from segue.stores.postgres.playlists import read_playlist
from segue.topics import PLAYLISTS

_LOCK = 0x5E6
"""First half of the locks' names; the second is a hash of the playlist's id. Two ids with one hash wait for each other."""

_NEWEST = "select version from playlist_writes where playlist_id = %s and log_base = %s and version > %s"
_NOTE = """
insert into playlist_writes values (%(playlist_id)s, %(partition)s, %(version)s, %(log_base)s)
on conflict (playlist_id) do update set partition = excluded.partition, version = excluded.version, log_base = excluded.log_base
"""
_FORGET = """
delete from playlist_writes w using partition_marks m
where m.topic = %s and m.partition = w.partition and (m.log_base <> w.log_base or m.next_offset >= w.version)
"""


class Turn:
    """One writer's turn at a playlist: `current` is its newest state, None while there is none."""

    def __init__(self, cursor: PgCursor, playlist_id: str, partition: int, log_base: int) -> None:
        self._cursor, self._playlist_id, self._partition, self._log_base = cursor, playlist_id, partition, log_base
        self.current = read_playlist(cursor, playlist_id)

    def owned_by(self, owner_id: str) -> int:
        """How many playlists somebody has."""
        self._cursor.execute("select count(*) from playlists where owner_id = %s", (owner_id,))
        return int(_value(self._cursor))

    def note(self, offset: int) -> int:
        """Remember that Kafka stored a new state at this offset; returns its version."""
        version = self._log_base + offset + 1
        self._cursor.execute(_FORGET, (PLAYLISTS,))
        values = {"partition": self._partition, "version": version, "log_base": self._log_base, "playlist_id": self._playlist_id}
        self._cursor.execute(_NOTE, values)
        return version


class PlaylistWrites:
    """The turns of writers; every call may raise PostgresUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def turn(self, playlist_id: str, partition: int) -> Iterator[Turn]:
        """The only turn at this playlist until the block ends; `partition` is the playlist's in the log.

        Raises PlaylistBusy while another writer has the turn, or the processors have not stored what was published before.
        """
        with self._database.transaction() as cursor:
            cursor.execute("select pg_try_advisory_xact_lock(%s, hashtext(%s))", (_LOCK, playlist_id))
            if not _value(cursor):
                raise PlaylistBusy(f"playlist {playlist_id!r} is being changed by somebody else: send it again")
            mark = read_mark(cursor, PLAYLISTS, partition)
            cursor.execute(_NEWEST, (playlist_id, mark.base, mark.sequence))
            if cursor.fetchone():
                raise PlaylistBusy(f"the last change of playlist {playlist_id!r} is still on its way: send it again")
            yield Turn(cursor, playlist_id, partition, mark.base)


def _value(cursor: PgCursor) -> int:
    row = cursor.fetchone()
    return row[0] if row else 0
