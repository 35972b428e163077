"""Lists that Segue makes for each listener every week; see docs/decisions/0021-weekly-lists.md.

They are playlists as all others are. Who asks first in a week has them made, from the listener's state of that moment; whoever
asks later finds them. Nothing is made for names that never listened, so there are at most as many as listeners, kinds and weeks
that are kept.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from api.answers import Answered, Answers
from api.gates import PostgresGate
from api.listenbrainz.described import stable_uuid
from api.listener_states import ListenerStates
from api.playlists.changes import dropped, once
from api.playlists.writer import Playlists, PlaylistWriter
from api.problems import Problem
from segue.errors import NotFound, Unavailable
from segue.events import OWN_SOURCE, PlaylistRecord
from segue.logs import fields
from segue.stores.postgres.playlists import PlaylistHead
from segue.stores.redis.rows import ListenerRow

log = logging.getLogger(__name__)

PREFIX = f"{OWN_SOURCE}weekly-"
"""Begins the sources of these lists; the kind and the Monday follow: `segue:weekly-jams/2026-11-23`."""
EXPLORATION, JAMS = "weekly-exploration", "weekly-jams"
TITLES = {EXPLORATION: "Weekly Exploration", JAMS: "Weekly Jams"}
"""By what ListenBrainz calls a list's patch, by which clients find the list they want."""
MOST_HEADS = 1_000


@dataclass(frozen=True)
class Origin:
    """Which list it is: `kind` a key of TITLES, `week` its Monday."""

    kind: str
    week: date

    @classmethod
    def of(cls, source: str | None) -> Origin | None:
        """What a playlist's source says; None if it is no list of a week."""
        if source is None or not source.startswith(PREFIX):
            return None
        kind, _, week = source.removeprefix(OWN_SOURCE).partition("/")
        try:
            return cls(kind, date.fromisoformat(week)) if kind in TITLES else None
        except ValueError:
            return None

    @property
    def source(self) -> str:
        """For the playlist's record."""
        return f"{OWN_SOURCE}{self.kind}/{self.week.isoformat()}"

    def playlist_id(self, user_id: str) -> str:
        """The same each time, so that two who ask at once make one list; nobody else may choose it."""
        return OWN_SOURCE + stable_uuid(self.kind, user_id, self.week.isoformat())

    def title(self, user_id: str) -> str:
        """As ListenBrainz names its own."""
        return f"{TITLES[self.kind]} for {user_id}, week of {self.week.isoformat()} {self.week:%a}"


class WeeklyLists:
    """`tracks` of each list; none before a listener has `least_events`. Lists of `weeks` are kept, this one included."""

    def __init__(
        self,
        playlists: Playlists,
        writer: PlaylistWriter,
        listeners: ListenerStates,
        answers: Answers,
        postgres: PostgresGate,
        *,
        tracks: int,
        least_events: int,
        weeks: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._playlists, self._writer, self._postgres = playlists, writer, postgres
        self._listeners, self._answers = listeners, answers
        self._tracks, self._least_events, self._weeks, self._clock = tracks, least_events, weeks, clock

    async def ensure(self, user_id: str) -> None:
        """Have this week's lists made and those of long ago deleted, where there is a model and enough is known of the listener.

        What cannot be changed now is left for the next time, as long as there is any list to show. Raises PostgresUnavailable,
        and where there is none KafkaUnavailable and Problem 503 and 409.
        """
        heads, _ = await self._postgres.run(self._heads, user_id)
        changes = [*await self._missing(user_id, heads), *self._expired(heads)]
        failures = [one for one in await asyncio.gather(*changes, return_exceptions=True) if one is not None]
        for failure in failures:
            if not isinstance(failure, Unavailable | Problem):
                raise failure
            if not heads:
                raise failure
            log.warning("weekly lists not changed", extra=fields(reason=str(failure)))

    def _heads(self, user_id: str) -> tuple[list[PlaylistHead], int]:
        return self._playlists.listed(user_id, PREFIX, MOST_HEADS, with_prefix=True)

    @property
    def _monday(self) -> date:
        today = datetime.fromtimestamp(self._clock(), UTC).date()
        return today - timedelta(days=today.weekday())

    async def _missing(self, user_id: str, heads: Sequence[PlaylistHead]) -> list[Awaitable[None]]:
        there = {head.playlist_id for head in heads}
        wanted = [Origin(kind, self._monday) for kind in TITLES]
        wanted = [origin for origin in wanted if origin.playlist_id(user_id) not in there]
        row = (await self._listeners.find(user_id)).row if wanted else None
        if row is None or row.events < self._least_events:
            return []
        return [self._make(user_id, origin, row) for origin in wanted]

    async def _make(self, user_id: str, origin: Origin, row: ListenerRow) -> None:
        answered = await self._answered(origin.kind, row)
        # Popular tracks, which there are without a model too, are no list of a listener's own; it would stand for a week.
        if answered.degraded or not answered.items:
            return
        record = PlaylistRecord(
            playlist_id=origin.playlist_id(user_id), name=origin.title(user_id), owner_id=user_id, source=origin.source,
            track_ids=tuple(item.track_id for item in answered.items),
        )  # fmt: skip
        await self._writer.change(record.playlist_id, once(record))

    async def _answered(self, kind: str, row: ListenerRow) -> Answered:
        if kind == JAMS:
            return await self._answers.to_hear_again(row, self._tracks)
        return await self._answers.to_discover(row, self._tracks)

    def _expired(self, heads: Sequence[PlaylistHead]) -> list[Awaitable[None]]:
        first = self._monday - timedelta(weeks=self._weeks - 1)
        origins = {head: Origin.of(head.source) for head in heads}
        return [self._drop(head) for head, origin in origins.items() if origin is not None and origin.week < first]

    async def _drop(self, head: PlaylistHead) -> None:
        try:
            await self._writer.change(head.playlist_id, dropped(head.playlist_id, head.source or ""))
        except NotFound:
            return
