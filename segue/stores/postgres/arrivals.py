"""Which events are stored, for answers that are to include them."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from segue.ids import UserNo
from segue.stores.postgres.database import Database


@dataclass(frozen=True)
class Arrival:
    """A stored event's listener, and how many events of theirs were stored by then; a state of as many holds this event."""

    user_id: str
    user_no: UserNo
    events: int

    def is_in(self, user_no: int, events: int) -> bool:
        """Whether a state holds the event: one of the listener's present life that counts as many events."""
        return user_no == self.user_no and events >= self.events


class ArrivalStore:
    """Looks events up by id; every call may raise PostgresUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def arrived(self, event_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Arrival]:
        """Those of these events that are stored. A listener's count is written in the transaction that stores the event."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(
                """select l.event_id, u.user_id, u.user_no, u.events from listens l join users u using (user_no)
                   where l.event_id = any(%s) and u.deleted_at is null""",
                (list(event_ids),),
            )
            return {event_id: Arrival(user_id, UserNo(user_no), events) for event_id, user_id, user_no, events in cursor}
