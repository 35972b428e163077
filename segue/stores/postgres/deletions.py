"""Receipts of users' deletions. They say nothing of whom they are about, but to who knows the user's id."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from psycopg2.extensions import cursor as PgCursor

from segue.events import Time
from segue.ids import uuid7
from segue.stores.postgres.database import Database


class Found(msgspec.Struct, frozen=True):
    """What Postgres held of a user when the deletion was asked for. `tracks`: with which they have an interaction; `keys`: to
    the API, of their own.
    """

    profile: bool
    events: int
    tracks: int
    blocks: int
    playlists: int
    keys: int


class Remains(msgspec.Struct, frozen=True):
    """What stays after the deletion is done, why, and until when at the latest; None: for as long as `why` says."""

    what: str
    why: str
    until: Time | None = None


@dataclass(frozen=True)
class Receipt:
    """A deletion that was asked for; `done_at` None while a processor has not carried it out."""

    receipt_id: uuid.UUID
    requested_at: datetime
    found: Found
    remains: tuple[Remains, ...]
    done_at: datetime | None


_DIGEST = """
sha256(convert_to((select value from state_facts where name = 'deletion_salt') || {}, 'UTF8'))
"""
_COLUMNS = "receipt_id, requested_at, found, remains, done_at"
_COUNT = """
select u.display_name is not null or u.genres <> '{}', u.events,
       (select count(*) from interactions i where i.user_no = u.user_no),
       (select count(*) from blocks b where b.user_no = u.user_no and b.statement & 1 = 1)
from users u where u.user_id = %s and u.deleted_at is null
"""


class DeletionStore:
    """Asking for deletions; every call may raise PostgresUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, user_id: str, remains: Sequence[Remains]) -> tuple[Receipt, list[str]]:
        """The receipt of the user's deletion, a new one unless one is under way, and the ids of the playlists that they own."""
        with self._database.transaction() as cursor:
            cursor.execute("select playlist_id from playlists where owner_id = %s order by playlist_no", (user_id,))
            playlists = [playlist_id for (playlist_id,) in cursor]
            found = _found(cursor, user_id, len(playlists))
            # The update changes nothing; without one, the row that is there would not be returned.
            cursor.execute(
                f"""insert into deletions as d (receipt_id, digest, found, remains) values (%s, {_DIGEST.format("%s")}, %s, %s)
                    on conflict (digest) where done_at is null do update set found = d.found returning {_COLUMNS}""",
                (uuid7(), user_id, _json(found), _json(tuple(remains))),
            )
            (receipt,) = map(_receipt, cursor)
            return receipt, playlists

    def get(self, user_id: str, receipt_id: uuid.UUID) -> Receipt | None:
        """A receipt of this user, or None."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(
                f"select {_COLUMNS} from deletions where receipt_id = %s and digest = {_DIGEST.format('%s')}",
                (receipt_id, user_id),
            )
            row = cursor.fetchone()
            return _receipt(row) if row else None


def note_deletions(cursor: PgCursor, user_ids: Sequence[str]) -> None:
    """Mark the receipts of these users' deletions as done, in the transaction that deletes."""
    cursor.execute(
        f"""update deletions set done_at = clock_timestamp()
            where done_at is null and digest in (select {_DIGEST.format("user_id")} from unnest(%s::text[]) u(user_id))""",
        (list(user_ids),),
    )


def _found(cursor: PgCursor, user_id: str, playlists: int) -> Found:
    cursor.execute("select count(*) from api_keys where user_id = %s", (user_id,))
    (keys,) = cursor.fetchone() or (0,)
    cursor.execute(_COUNT, (user_id,))
    profile, events, tracks, blocks = cursor.fetchone() or (False, 0, 0, 0)
    return Found(profile, events, tracks, blocks, playlists, keys)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _receipt(row: tuple[Any, ...]) -> Receipt:
    receipt_id, requested_at, found, remains, done_at = row
    return Receipt(
        receipt_id, requested_at, msgspec.convert(found, Found), msgspec.convert(remains, tuple[Remains, ...]), done_at
    )
