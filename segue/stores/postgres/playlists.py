"""Playlists in Postgres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg2.extensions import cursor as PgCursor
from psycopg2.extras import execute_values

from segue.events import PlaylistRecord
from segue.stores.postgres.catalogue import resolve_tracks


def upsert_playlists(cursor: PgCursor, records: Sequence[PlaylistRecord], arrived_at_s: Mapping[str, float]) -> int:
    """Replace these playlists and their tracks in the caller's transaction; unknown tracks get a number and no name.

    `arrived_at_s` are the records' times in the log, in Unix seconds by playlist. Playlists of a deleted user, or from before a
    user's return, are refused; returns how many. Call `lock_out_deletions` first thing in the transaction.
    """
    newest = sorted({record.playlist_id: record for record in records}.values(), key=lambda r: r.playlist_id)
    refused = _refused(cursor, newest, arrived_at_s)
    newest = [record for record in newest if record.playlist_id not in refused]
    if newest:
        _replace(cursor, newest)
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


def _replace(cursor: PgCursor, newest: Sequence[PlaylistRecord]) -> None:
    rows = execute_values(
        cursor,
        """insert into playlists (playlist_id, name, owner_id, source) values %s
           on conflict (playlist_id) do update set name = excluded.name, owner_id = excluded.owner_id, source = excluded.source,
               changed_at = clock_timestamp()
           returning playlist_id, playlist_no""",
        [(r.playlist_id, r.name, r.owner_id, r.source) for r in newest],
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
