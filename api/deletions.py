"""Deleting everything about a user, through the log as all that changes state, with a receipt."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from api.event_publisher import EventPublisher
from api.gates import PostgresGate
from segue.errors import NotFound
from segue.logs import fields
from segue.stores.postgres.deletions import Receipt, Remains
from segue.topics import DEAD_LETTERS, LISTENING_EVENTS, PLAYLISTS, USERS

log = logging.getLogger(__name__)


class Receipts(Protocol):
    """`segue.stores.postgres.deletions.DeletionStore` is one. Every call may raise PostgresUnavailable."""

    def begin(self, user_id: str, remains: Sequence[Remains]) -> tuple[Receipt, list[str]]:
        """The receipt of the user's deletion, a new one unless one is under way, and the ids of the playlists that they own."""

    def get(self, user_id: str, receipt_id: uuid.UUID) -> Receipt | None:
        """A receipt of this user, or None."""


KeptS = Callable[[], Mapping[str, float | None]]
"""For how many seconds Kafka keeps, at most, what a topic holds of somebody deleted; see `segue.kafka.kept_s`."""


class Deletions:
    """`snapshots_kept`: how many models the trainer keeps."""

    def __init__(
        self, receipts: Receipts, events: EventPublisher, postgres: PostgresGate, kept_s: KeptS, snapshots_kept: int
    ) -> None:
        self._receipts, self._events, self._postgres = receipts, events, postgres
        self._kept_s, self._snapshots_kept = kept_s, snapshots_kept

    async def delete(self, user_id: str) -> Receipt:
        """Ask for a user's deletion; asking again does no harm. Raises KafkaUnavailable, PostgresUnavailable."""
        remains = _remains(await asyncio.to_thread(self._kept_s), datetime.now(UTC), self._snapshots_kept)
        receipt, playlists = await self._postgres.run(self._receipts.begin, user_id, remains)
        # Before the user, with whom they leave Postgres: nobody could name them in a second try.
        await self._events.publish_records(PLAYLISTS, dict.fromkeys(playlists))
        await self._events.publish_records(USERS, {user_id: None})
        log.info("a user's deletion is in the log", extra=fields(receipt_id=receipt.receipt_id, playlists=len(playlists)))
        return receipt

    async def receipt(self, user_id: str, receipt_id: uuid.UUID) -> Receipt:
        """A receipt of this user. Raises NotFound, PostgresUnavailable."""
        receipt = await self._postgres.run(self._receipts.get, user_id, receipt_id)
        if receipt is None:
            raise NotFound(f"user {user_id!r} has no deletion {receipt_id}")
        return receipt


def _remains(kept_s: Mapping[str, float | None], now: datetime, snapshots_kept: int) -> tuple[Remains, ...]:
    def until(*topics: str) -> datetime | None:
        longest = [kept_s[topic] for topic in topics]
        known = [seconds for seconds in longest if seconds is not None]
        return now + timedelta(seconds=max(known)) if len(known) == len(longest) else None

    return (
        Remains(
            "listening events in Kafka",
            f"the log {LISTENING_EVENTS} only grows; no state and no model is made of them any more",
            until(LISTENING_EVENTS),
        ),
        Remains(
            "profile and playlists in Kafka",
            f"until {USERS} and {PLAYLISTS} are compacted; they are marked as deleted at once",
            until(USERS, PLAYLISTS),
        ),
        Remains("dead letters", "records that could not be processed are kept as they came", until(DEAD_LETTERS)),
        Remains(
            "models",
            "hold nothing of single listeners, but what was learned from all; the next one learns without this user, "
            f"and the ones before go with the next {snapshots_kept}, the one that answers when another is promoted",
        ),
        Remains("the user id", "with the time of the deletion: events that arrive late are refused by it"),
    )
