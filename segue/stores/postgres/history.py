"""What a listener did, event by event, as Postgres keeps it."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from segue.events import LISTENING_TYPES, TYPE_CODES, ListeningType
from segue.stores.postgres.database import Database


@dataclass(frozen=True)
class PastEvent:
    """One stored event."""

    event_id: uuid.UUID
    type: ListeningType
    track_id: str
    occurred_at: datetime
    ms_played: int | None
    session_id: str | None
    rec_id: uuid.UUID | None
    position: int | None
    source: str | None


@dataclass(frozen=True)
class Moment:
    """A place in a history: no two events share it, and what is stored later does not move it."""

    occurred_at: datetime
    event_id: uuid.UUID


class HistoryStore:
    """Reads histories; every call may raise PostgresUnavailable.

    Cost: an index range of the page's size, with `types` of as much of the history as lies between.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(
        self,
        user_id: str,
        limit: int,
        types: Collection[ListeningType],
        before: Moment | None = None,
        since: datetime | None = None,
    ) -> list[PastEvent] | None:
        """The newest events of these types before a moment, newest first; none before or at `since`. None for an unknown user."""
        bounds, values = "", {"types": [TYPE_CODES[kind] for kind in types], "limit": limit, "since": since}
        if before is not None:
            bounds += " and (l.occurred_at, l.event_id) < (%(at)s, %(event_id)s)"
            values |= {"at": before.occurred_at, "event_id": before.event_id}
        return self._read(user_id, bounds + _SINCE * (since is not None), "desc", values)

    def oldest(self, user_id: str, limit: int, types: Collection[ListeningType], since: datetime) -> list[PastEvent] | None:
        """The first events of these types after a time, oldest first. None for an unknown user."""
        values = {"types": [TYPE_CODES[kind] for kind in types], "limit": limit, "since": since}
        return self._read(user_id, _SINCE, "asc", values)

    def count(self, user_id: str, types: Collection[ListeningType]) -> int | None:
        """How many events of these types are stored. None for an unknown user."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(
                """select u.user_no, (select count(*) from listens l where l.user_no = u.user_no and l.type = any(%s))
                   from users u where u.user_id = %s and u.deleted_at is null""",
                ([TYPE_CODES[kind] for kind in types], user_id),
            )
            row = cursor.fetchone()
            return int(row[1]) if row else None

    def _read(self, user_id: str, bounds: str, order: str, values: dict[str, object]) -> list[PastEvent] | None:
        with self._database.transaction("REPEATABLE READ", read_only=True) as cursor:
            cursor.execute("select user_no from users where user_id = %s and deleted_at is null", (user_id,))
            user = cursor.fetchone()
            if user is None:
                return None
            cursor.execute(
                f"""select l.event_id, l.type, t.track_id, l.occurred_at, l.ms_played, l.session_id, l.rec_id, l.position,
                           l.source
                    from listens l join tracks t using (track_no)
                    where l.user_no = %(user_no)s and l.type = any(%(types)s){bounds}
                    order by l.occurred_at {order}, l.event_id {order} limit %(limit)s""",
                values | {"user_no": user[0]},
            )
            return [PastEvent(row[0], LISTENING_TYPES[row[1]], *row[2:]) for row in cursor]


_SINCE = " and l.occurred_at > %(since)s"
