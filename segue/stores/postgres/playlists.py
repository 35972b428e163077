"""Playlists in Postgres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import md5
from typing import Any
from uuid import UUID

from psycopg2.extensions import cursor as PgCursor
from psycopg2.extras import execute_values

from segue.events import PlaylistRecord
from segue.stores.postgres.catalogue import resolve_tracks
from segue.stores.postgres.database import Database
from segue.stores.postgres.marks import read_mark
from segue.topics import PLAYLISTS


@dataclass(frozen=True)
class Playlist:
    """A playlist and its tracks in order; `playlist_no` grows with each new one, `version` with each change of this one."""

    playlist_no: int
    playlist_id: str
    name: str
    owner_id: str | None
    source: str | None
    changed_at: datetime
    track_ids: tuple[str, ...]
    version: int = 0
    public: bool = False


@dataclass(frozen=True)
class PlaylistHead:
    """A playlist without its tracks."""

    playlist_id: str
    name: str
    owner_id: str | None
    source: str | None
    changed_at: datetime
    public: bool


def playlist_mbid(playlist_id: str) -> str:
    """The UUID by which players know a playlist: of its id, by MD5, in the form of version 3; as migrations/0012 has it.

    Never the id itself, even where that is a UUID: a playlist must not be taken for another by being named like its UUID.
    """
    digest = md5(f"segue-playlist:{playlist_id}".encode(), usedforsecurity=False).hexdigest()
    return str(UUID(f"{digest[:12]}3{digest[13:16]}a{digest[17:]}"))


_LISTED = "from playlists where owner_id = %(owner_id)s and coalesce(starts_with(source, %(prefix)s), false) = %(with_prefix)s"
_SELECT = """
select p.playlist_no, p.playlist_id, p.name, p.owner_id, p.source, p.changed_at,
       array(select t.track_id from playlist_tracks m join tracks t using (track_no)
             where m.playlist_no = p.playlist_no order by m.position), p.version, p.public
from playlists p
"""


class PlaylistStore:
    """Reads playlists; every call may raise PostgresUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, playlist_id: str) -> Playlist | None:
        """The playlist, or None."""
        with self._database.transaction(read_only=True) as cursor:
            return read_playlist(cursor, playlist_id)

    def owned(self, owner_id: str, limit: int, after: int = 0) -> list[Playlist]:
        """The owner's playlists with a number over `after`, oldest first."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(
                f"{_SELECT} where p.owner_id = %s and p.playlist_no > %s order by p.playlist_no limit %s",
                (owner_id, after, limit),
            )
            return [_playlist(row) for row in cursor]

    def by_mbid(self, mbid: str) -> Playlist | None:
        """The playlist of a UUID (see `playlist_mbid`) in its canonical form, or None."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(f"{_SELECT} where p.mbid = %s order by p.playlist_no limit 1", (mbid,))
            row = cursor.fetchone()
            return _playlist(row) if row else None

    def listed(
        self, owner_id: str, prefix: str, limit: int, offset: int = 0, *, with_prefix: bool
    ) -> tuple[list[PlaylistHead], int]:
        """A page of the owner's playlists, the newest first, and how many there are in all.

        Of those whose source begins with `prefix`, or of all others.
        """
        values = {"owner_id": owner_id, "prefix": prefix, "with_prefix": with_prefix, "limit": limit, "offset": offset}
        with self._database.transaction("REPEATABLE READ", read_only=True) as cursor:
            cursor.execute(f"select count(*) {_LISTED}", values)
            (total,) = cursor.fetchone() or (0,)
            cursor.execute(
                f"select playlist_id, name, owner_id, source, changed_at, public {_LISTED} "
                "order by playlist_no desc limit %(limit)s offset %(offset)s",
                values,
            )
            return [PlaylistHead(*row) for row in cursor], int(total)

    def passed(self, playlist_id: str, partition: int, version: int) -> tuple[bool, Playlist | None]:
        """Whether the processors have passed this version, and the playlist as it is; `partition` is its in the log."""
        with self._database.transaction(read_only=True) as cursor:
            # The mark first: what it has passed is in the tables by then.
            mark = read_mark(cursor, PLAYLISTS, partition)
            return mark.sequence >= version, read_playlist(cursor, playlist_id)


def read_playlist(cursor: PgCursor, playlist_id: str) -> Playlist | None:
    """The playlist as the caller's transaction sees it, or None."""
    cursor.execute(f"{_SELECT} where p.playlist_id = %s", (playlist_id,))
    row = cursor.fetchone()
    return _playlist(row) if row else None


def _playlist(row: tuple[Any, ...]) -> Playlist:
    number, playlist_id, name, owner_id, source, changed_at, track_ids, version, public = row
    return Playlist(number, playlist_id, name, owner_id, source, changed_at, tuple(track_ids), version, public)


def upsert_playlists(
    cursor: PgCursor, records: Sequence[PlaylistRecord], arrived_at_s: Mapping[str, float], versions: Mapping[str, int]
) -> int:
    """Replace these playlists and their tracks in the caller's transaction; unknown tracks get a number and no name.

    `arrived_at_s` are the records' times in the log, in Unix seconds by playlist, `versions` the sequence numbers behind them.
    Playlists of a deleted user, or from before a user's return, are refused; returns how many. Call `lock_out_deletions` first
    thing in the transaction.
    """
    newest = sorted({record.playlist_id: record for record in records}.values(), key=lambda r: r.playlist_id)
    refused = _refused(cursor, newest, arrived_at_s)
    newest = [record for record in newest if record.playlist_id not in refused]
    if newest:
        _replace(cursor, newest, versions)
    return len(refused)


def _refused(cursor: PgCursor, records: Sequence[PlaylistRecord], arrived_at_s: Mapping[str, float]) -> set[str]:
    owners = {record.owner_id for record in records if record.owner_id is not None}
    cursor.execute(
        """select user_id, case when deleted_at is null then extract(epoch from returned_at)::float8 else 'infinity' end
           from users where user_id = any(%s) and (deleted_at is not null or returned_at is not null)""",
        (list(owners),),
    )
    counts_from_s: dict[str, float] = dict(cursor.fetchall())
    return {r.playlist_id for r in records if r.owner_id and arrived_at_s[r.playlist_id] < counts_from_s.get(r.owner_id, 0.0)}


def _replace(cursor: PgCursor, newest: Sequence[PlaylistRecord], versions: Mapping[str, int]) -> None:
    rows = execute_values(
        cursor,
        """insert into playlists (playlist_id, name, owner_id, source, public, version) values %s
           on conflict (playlist_id) do update set name = excluded.name, owner_id = excluded.owner_id, source = excluded.source,
               public = excluded.public, version = excluded.version, changed_at = clock_timestamp()
           returning playlist_id, playlist_no""",
        [(r.playlist_id, r.name, r.owner_id, r.source, r.public, versions[r.playlist_id]) for r in newest],
        fetch=True,
    )
    numbers = dict(rows)
    cursor.execute("delete from playlist_tracks where playlist_no = any(%s)", (list(numbers.values()),))
    track_nos = resolve_tracks(cursor, [track_id for r in newest for track_id in r.track_ids])
    members = [(numbers[r.playlist_id], at, track_nos[track_id]) for r in newest for at, track_id in enumerate(r.track_ids)]
    execute_values(cursor, "insert into playlist_tracks values %s", members, page_size=2000)


def delete_playlists(cursor: PgCursor, playlist_ids: Sequence[str]) -> None:
    """Remove playlists in the caller's transaction."""
    cursor.execute("delete from playlists where playlist_id = any(%s)", (list(playlist_ids),))
