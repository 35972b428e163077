"""Changing profiles: published, and waited for. Each is whole, so that the last one in the log is the profile."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from api.event_publisher import EventPublisher, Position
from api.gates import PostgresGate
from api.problems import Problem
from segue.errors import PostgresUnavailable
from segue.events import UserRecord
from segue.stores.postgres.users import User
from segue.topics import USERS

POLL_S = 0.02
"""A record of a compacted topic is stored some tens of milliseconds after it was published (`SEGUE_TABLE_WITHIN_MS`)."""


class StoredProfiles(Protocol):
    """`segue.stores.postgres.users.UserStore` is one. Every call may raise PostgresUnavailable."""

    def reached(self, user_id: str, partition: int, offset: int) -> tuple[bool, User | None]:
        """Whether the processors have stored this record of the users' topic, and the user as they are."""


@dataclass(frozen=True)
class Put:
    """A profile that Kafka has for good. `stored`: the user, once every reader sees it; None until then."""

    record: UserRecord
    stored: User | None


class ProfileWriter:
    """Needs Kafka only: while Postgres or the processors are away, a profile is stored and not seen yet."""

    def __init__(self, users: StoredProfiles, events: EventPublisher, postgres: PostgresGate, wait_s: float) -> None:
        self._users, self._events, self._postgres, self._wait_s = users, events, postgres, wait_s

    async def put(self, record: UserRecord) -> Put:
        """Make this the user's profile; a deleted user returns by it, with nothing of before (docs/decisions/0018-own-data.md).

        Raises KafkaUnavailable, and Problem 409 when the user was deleted a moment later.
        """
        places = await self._events.publish_records(USERS, {record.user_id: record})
        return Put(record, await self._stored(record.user_id, places[record.user_id]))

    async def _stored(self, user_id: str, place: Position) -> User | None:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._wait_s
        try:
            while True:
                reached, user = await self._postgres.run(self._users.reached, user_id, *place)
                if reached and user is None:
                    raise Problem(
                        409, "user_deleted", f"{user_id!r} was deleted a moment later: send it again to bring them back"
                    )
                if reached or loop.time() >= until_s:
                    return user if reached else None
                await asyncio.sleep(POLL_S)
        except PostgresUnavailable:
            return None
