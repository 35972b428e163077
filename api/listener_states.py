"""A listener's state of this moment: from Redis, or from Postgres where Redis has no row or does not answer."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from api.gates import CircuitBreaker, PostgresGate
from api.metrics import Metrics
from segue.errors import RedisUnavailable, Unavailable
from segue.listeners import ListenerState
from segue.logs import fields
from segue.stores.postgres.users import User
from segue.stores.redis.rows import ListenerRow, row_of
from segue.taste import TasteWeights, as_of, preference

log = logging.getLogger(__name__)

Source = Literal["redis", "postgres", "none"]


class Rows(Protocol):
    """Live rows; `segue.stores.redis.reader.LiveRowReader` is one. Every call may raise RedisUnavailable."""

    async def row(self, user_id: str) -> ListenerRow | None:
        """The listener's row, or None."""

    async def fill(self, user_id: str, state: ListenerState) -> None:
        """Store a state that was read from Postgres, unless there is a row."""

    async def ping(self) -> None:
        """Return if the server answers."""

    async def close(self) -> None:
        """Close the connections."""


class Users(Protocol):
    """Users in Postgres; `segue.stores.postgres.users.UserStore` is one. Every call may raise PostgresUnavailable."""

    def by_id(self, user_id: str) -> User | None:
        """The user, or None."""

    def state(self, user_id: str, max_cells: int) -> ListenerState | None:
        """The user's totals and heaviest tracks, or None without an event."""


@dataclass(frozen=True)
class FoundState:
    """A listener's row and where it came from; `degraded` names the servers that were needed and did not answer.

    `includes_event`: whether the event that the answer was to wait for is in it; None if there is none.
    """

    row: ListenerRow | None
    source: Source
    degraded: tuple[str, ...]
    includes_event: bool | None = None

    @property
    def age_ms(self) -> int | None:
        """Milliseconds since the row was written by a processor or read from Postgres."""
        return None if self.row is None else max(0, round((time.time() - self.row.written_at_s) * 1000))


class ListenerStates:
    """Finds listeners. Redis costs one round trip; a listener without a row costs one query and one write more, once."""

    def __init__(
        self,
        rows: Rows,
        users: Users,
        postgres: PostgresGate,
        metrics: Metrics,
        max_cells: int,
        redis: CircuitBreaker | None = None,
    ) -> None:
        self._rows, self._users, self._postgres, self._metrics, self._max_cells = rows, users, postgres, metrics, max_cells
        self._redis = redis or CircuitBreaker()
        self._fills: set[asyncio.Task[None]] = set()

    async def find(self, user_id: str) -> FoundState:
        """The listener's state; never raises because a server is away."""
        found = await self._find(user_id)
        self._metrics.state_source(found.source)
        if found.source == "redis" and found.row is not None and found.row.events:
            # Players' clocks may be ahead.
            self._metrics.state_lag(max(0.0, found.row.written_at_s - found.row.last_event_at_s))
        return found

    async def profile(self, user_id: str) -> User | None:
        """The user in Postgres, or None. Raises PostgresUnavailable."""
        return await self._postgres.run(self._users.by_id, user_id)

    async def _find(self, user_id: str) -> FoundState:
        degraded: list[str] = []
        try:
            row = await self._redis.run(self._rows.row, user_id)
            if row is not None:
                return FoundState(row, "redis", ())
        except RedisUnavailable as error:
            degraded.append(error.service)
        try:
            state = await self._postgres.run(self._users.state, user_id, self._max_cells)
        except Unavailable as error:
            return FoundState(None, "none", (*degraded, error.service))
        if state is None:
            return FoundState(None, "none", tuple(degraded))
        if not degraded:
            self._fill(user_id, state)
        return FoundState(row_of(state, time.time()), "postgres", tuple(degraded))

    def _fill(self, user_id: str, state: ListenerState) -> None:
        """Behind the answer: the listener does not wait for it."""
        task = asyncio.create_task(self._fill_row(user_id, state))
        self._fills.add(task)
        task.add_done_callback(self._fills.discard)

    async def _fill_row(self, user_id: str, state: ListenerState) -> None:
        try:
            await self._redis.run(self._rows.fill, user_id, state)
        except RedisUnavailable as error:
            log.warning("live row not filled", extra=fields(user_no=state.user_no, reason=str(error)))


def preferences(row: ListenerRow, now_s: float, weights: TasteWeights) -> npt.NDArray[np.float64]:
    """Signed preference for each track of the row as of the Unix time `now_s`, float64 of shape (n,)."""
    cells = row.cells
    return preference(as_of(cells["weight"], now_s, weights), cells["stance"], cells["saves"], weights)
