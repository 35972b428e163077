"""Kafka, and what is counted and noted of the stream, in memory."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import numpy as np

from api.deletions import Receipts
from api.event_publisher import EventPublisher, Position
from api.live_trending import Counts
from api.operations import Operations
from segue.dead_letters import Letter
from segue.errors import KafkaUnavailable
from segue.events import ListeningEvent
from segue.stores.postgres.deletions import Found, Receipt, Remains
from segue.topics import DEAD_LETTERS, LISTENING_EVENTS, PLAYLISTS, USERS
from segue.trending.counts import Heard, Numbers, Past
from segue.trending.windows import Window, WindowName
from tests.unit.api.fakes import FakePostgres


class FakeCounts(Counts):
    """Listeners by window and track number; nobody heard what is not there."""

    def __init__(self, postgres: FakePostgres) -> None:
        self.postgres = postgres
        self.now: dict[WindowName, dict[int, int]] = {}
        self.before: dict[WindowName, dict[int, int]] = {}
        self.stored = 0
        self.asked: list[tuple[WindowName, str]] = []

    def progress(self) -> int:
        self.postgres.ping()
        return self.stored

    def heard(self, window: Window, now: datetime, most: int) -> Heard:
        self.asked.append((window.name, "heard"))
        track_no, listeners = self._counted(self.now, window, most)
        return Heard(now, track_no, listeners, listeners.astype(np.float64), int(listeners.sum()))

    def past(self, window: Window, now: datetime, most: int) -> Past:  # noqa: ARG002 - the port's own name
        self.asked.append((window.name, "past"))
        track_no, listeners = self._counted(self.before, window, most)
        return Past(track_no, listeners, int(listeners.sum()))

    def _counted(self, counts: dict[WindowName, dict[int, int]], window: Window, most: int) -> tuple[Numbers, Numbers]:
        self.postgres.ping()
        counted = dict(sorted(counts.get(window.name, {}).items(), key=lambda one: -one[1])[:most])
        return np.array(list(counted), np.int32), np.array(list(counted.values()), np.int32)


class FakePublisher(EventPublisher):
    """Kafka: takes every event and record, unless it is away or the listener is in `refused`.

    `then`: by topic, what somebody else publishes right behind the next record.
    """

    def __init__(self) -> None:
        self.taken: list[ListeningEvent] = []
        self.records: list[tuple[str, str, msgspec.Struct | None]] = []
        self.refused: set[str] = set()
        self.then: dict[str, list[tuple[str, str, msgspec.Struct | None]]] = {}
        self.kept: dict[str, float | None] = {LISTENING_EVENTS: None, USERS: 60.0, PLAYLISTS: 120.0, DEAD_LETTERS: 600.0}
        self.away = False
        self.closed = False

    async def publish(self, events: Sequence[ListeningEvent]) -> list[str | None]:
        await self.check()
        self.taken += [event for event in events if event.user_id not in self.refused]
        return ["broker gone" if event.user_id in self.refused else None for event in events]

    async def publish_records(self, topic: str, records: Mapping[str, msgspec.Struct | None]) -> dict[str, Position]:
        await self.check()
        first = len(self.records)
        self.records += [(topic, key, record) for key, record in records.items()]
        self.records += self.then.pop(topic, [])
        return {key: Position(0, first + at) for at, key in enumerate(records)}

    def kept_s(self) -> dict[str, float | None]:
        if self.away:
            raise KafkaUnavailable("no Kafka broker answers")
        return self.kept

    async def check(self) -> None:
        if self.away:
            raise KafkaUnavailable("no Kafka broker answers")

    def start(self) -> None:
        self.closed = False

    async def close(self) -> None:
        self.closed = True

    def queued(self) -> int:
        return 0


class FakeReceipts(Receipts):
    """Receipts in Postgres; `finish` is what a processor does when it comes to the deletion."""

    def __init__(self, postgres: FakePostgres) -> None:
        self.postgres = postgres
        self.stored: dict[uuid.UUID, tuple[str, Receipt]] = {}

    def begin(self, user_id: str, remains: Sequence[Remains]) -> tuple[Receipt, list[str]]:
        self.postgres.ping()
        owned = [playlist.playlist_id for playlist in self.postgres.owned(user_id, 1_000)]
        pending = [receipt for owner, receipt in self.stored.values() if owner == user_id and receipt.done_at is None]
        found = Found(True, 3, 2, 1, len(owned), 0)
        receipt = pending[0] if pending else Receipt(uuid.uuid4(), datetime.now(UTC), found, tuple(remains), None)
        self.stored[receipt.receipt_id] = user_id, receipt
        return receipt, owned

    def get(self, user_id: str, receipt_id: uuid.UUID) -> Receipt | None:
        self.postgres.ping()
        owner, receipt = self.stored.get(receipt_id, ("", None))
        return receipt if owner == user_id else None

    def finish(self) -> None:
        self.stored = {one: (owner, replace(it, done_at=datetime.now(UTC))) for one, (owner, it) in self.stored.items()}


class FakeOperations(Operations):
    """What is in the stream."""

    def __init__(self) -> None:
        self.behind = {"listening-events": 0}
        self.kept: list[Letter] = []

    async def lag(self) -> dict[str, int]:
        return self.behind

    async def letters(self, most: int) -> list[Letter]:
        return self.kept[:most]
