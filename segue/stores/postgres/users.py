"""Users in Postgres: numbers, profiles, and deletion of everything about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg2.extensions import cursor as PgCursor
from psycopg2.extras import execute_values

from segue.events import UserRecord
from segue.ids import UserNo
from segue.listeners import ListenerState
from segue.stores.postgres.database import Database
from segue.stores.postgres.deletions import note_deletions
from segue.stores.postgres.ingest_jobs import forget_jobs_of
from segue.stores.postgres.listens import lock_out_writers, read_states


@dataclass(frozen=True)
class User:
    """A user and the totals of their listening."""

    user_no: UserNo
    user_id: str
    display_name: str | None
    genres: tuple[str, ...]
    events: int
    last_event_at: datetime | None
    created_at: datetime


class UserStore:
    """Reading users and, where Redis has no row, their state."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by_id(self, user_id: str) -> User | None:
        """The user, or None if unknown or deleted."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(
                """select user_no, user_id, display_name, genres, events, last_event_at, created_at
                   from users where user_id = %s and deleted_at is null""",
                (user_id,),
            )
            row = cursor.fetchone()
        return User(UserNo(row[0]), row[1], row[2], tuple(row[3]), *row[4:]) if row else None

    def is_deleted(self, user_id: str) -> bool:
        """Whether the user's events are refused, since they were deleted and have not returned."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute("select deleted_at is not null from users where user_id = %s", (user_id,))
            row = cursor.fetchone()
        return bool(row and row[0])

    def state(self, user_id: str, max_cells: int) -> ListenerState | None:
        """The user's totals, heaviest `max_cells` tracks and blocks, or None if unknown, deleted or without an event."""
        with self._database.transaction("REPEATABLE READ", read_only=True) as cursor:
            cursor.execute("select user_no from users where user_id = %s and deleted_at is null", (user_id,))
            row = cursor.fetchone()
            return read_states(cursor, [UserNo(row[0])], max_cells).get(UserNo(row[0])) if row else None


def upsert_users(cursor: PgCursor, records: Sequence[UserRecord], arrived_at_s: Mapping[str, float]) -> None:
    """Write profiles in the caller's transaction; a deleted user who appears again returns, with an empty history.

    `arrived_at_s` are the records' times in the log, in Unix seconds by user: what a user did before returning stays refused.
    """
    _bring_back(cursor, arrived_at_s)
    newest = sorted({record.user_id: record for record in records}.values(), key=lambda r: r.user_id)
    execute_values(
        cursor,
        """insert into users as u (user_id, display_name, genres) values %s
           on conflict (user_id) do update set display_name = excluded.display_name, genres = excluded.genres""",
        [(r.user_id, r.display_name, list(r.genres)) for r in newest],
        page_size=500,
    )


def _bring_back(cursor: PgCursor, arrived_at_s: Mapping[str, float]) -> None:
    """A user who returns gets a new number: workers find that the one they remember is gone, and models know nobody by it."""
    cursor.execute(
        """update users u set user_no = default, deleted_at = null, returned_at = to_timestamp(r.at)
           from unnest(%s::text[], %s::float8[]) r(user_id, at) where u.user_id = r.user_id and u.deleted_at is not null""",
        (list(arrived_at_s), list(arrived_at_s.values())),
    )


def delete_users(cursor: PgCursor, user_ids: Sequence[str]) -> None:
    """Remove the rows of these users and refuse their later events, in the caller's transaction.

    An id that never listened is noted too: its first event may still be on its way.
    """
    lock_out_writers(cursor)
    cursor.execute(
        """insert into users (user_id, deleted_at) select unnest(%s::text[]), now()
           on conflict (user_id) do update set
               deleted_at = now(), display_name = null, genres = '{}', events = 0, last_event_at = null
           returning user_no""",
        (sorted(set(user_ids)),),
    )
    numbers = [number for (number,) in cursor]
    for table in ("listens", "interactions", "blocks"):
        cursor.execute(f"delete from {table} where user_no = any(%s)", (numbers,))
    cursor.execute("delete from playlists where owner_id = any(%s)", (list(user_ids),))
    note_deletions(cursor, user_ids)
    cursor.execute("delete from api_keys where user_id = any(%s)", (list(user_ids),))
    forget_jobs_of(cursor, list(user_ids))


@dataclass(frozen=True)
class ResolvedUsers:
    """Numbers of users; a deleted one has none. `returned_at_s` (Unix time): from when on a returned user's events count."""

    numbers: dict[str, UserNo]
    deleted: set[str]
    returned_at_s: dict[str, float]


def resolve_users(cursor: PgCursor, user_ids: Sequence[str]) -> ResolvedUsers:
    """The numbers of these ids, assigning new ones."""
    wanted = sorted(set(user_ids))
    known = _resolved(cursor, wanted)
    missing = [user_id for user_id in wanted if user_id not in known.numbers and user_id not in known.deleted]
    if missing:
        cursor.execute("insert into users (user_id) select unnest(%s::text[]) on conflict do nothing", (missing,))
        more = _resolved(cursor, missing)
        return ResolvedUsers(known.numbers | more.numbers, known.deleted | more.deleted, known.returned_at_s | more.returned_at_s)
    return known


def _resolved(cursor: PgCursor, user_ids: Sequence[str]) -> ResolvedUsers:
    cursor.execute(
        "select user_id, user_no, deleted_at is not null, extract(epoch from returned_at)::float8 "
        "from users where user_id = any(%s)",
        (list(user_ids),),
    )
    rows = cursor.fetchall()
    return ResolvedUsers(
        {user_id: UserNo(number) for user_id, number, gone, _ in rows if not gone},
        {user_id for user_id, _, gone, _ in rows if gone},
        {user_id: at_s for user_id, _, gone, at_s in rows if at_s is not None and not gone},
    )


def user_ids_of(cursor: PgCursor, user_nos: Sequence[UserNo]) -> dict[UserNo, str]:
    """The external ids of these numbers."""
    cursor.execute("select user_no, user_id from users where user_no = any(%s)", (list(user_nos),))
    return {UserNo(number): user_id for number, user_id in cursor}


def user_numbers(cursor: PgCursor) -> list[UserNo]:
    """The numbers of every listener with events, in order."""
    cursor.execute("select user_no from users where deleted_at is null and events > 0 order by user_no")
    return [UserNo(number) for (number,) in cursor]
