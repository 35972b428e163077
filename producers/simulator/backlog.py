"""A backlog: what all listeners did over some days, in order of time."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt

from producers.simulator.listeners import Listener
from producers.simulator.reactions import REACTION_DELAY_MS, react
from producers.simulator.sessions import play_ends, play_sessions, session_starts
from producers.simulator.tracks import TrackTable
from segue.events import LISTENING_TYPES, TYPE_CODES, ListeningEvent
from segue.ids import uuid7_from

SOURCE = "simulator"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CHUNK = 10_000


@dataclass(frozen=True)
class Backlog:
    """m events in order of time, as columns of shape (m,); `ms_played` is -1 where an event has none.

    `listener` indexes the listeners, `track` the rows of the table; `session_s` is the Unix second that names the session.
    `high` (10 bits) and `low` (64 bits) are the seeded random part of the event's UUIDv7.
    """

    at_ms: npt.NDArray[np.int64]
    listener: npt.NDArray[np.int64]
    track: npt.NDArray[np.int64]
    type_code: npt.NDArray[np.int64]
    ms_played: npt.NDArray[np.int64]
    session_s: npt.NDArray[np.int64]
    high: npt.NDArray[np.uint64]
    low: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.at_ms)


def make_backlog(
    listeners: Sequence[Listener], tracks: TrackTable, first_day: date, days: int, until: datetime, seed: int
) -> Backlog:
    """Everything from midnight (UTC) of `first_day` over `days` whole days, as far as it happened up to `until`.

    What happens does not depend on `until`: a later run with the same first day, days and seed repeats the earlier one's
    events, ids included, and adds what has happened since.
    """
    unix_day = (first_day - _EPOCH.date()).days
    parts = [_of_listener(index, listener, tracks, unix_day, days, seed) for index, listener in enumerate(listeners)]
    columns = {field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Backlog)}
    order = np.argsort(columns["at_ms"], kind="stable")
    order = order[: np.searchsorted(columns["at_ms"][order], int(until.timestamp() * 1000), side="right")]
    return Backlog(**{name: column[order] for name, column in columns.items()})


def backlog_events(backlog: Backlog, listeners: Sequence[Listener], tracks: TrackTable) -> Iterator[ListeningEvent]:
    """The backlog's events one by one; their objects live only as long as the caller keeps them."""
    user_ids = [listener.user_id for listener in listeners]
    for begin in range(0, len(backlog), _CHUNK):
        chunk = [getattr(backlog, field.name)[begin : begin + _CHUNK].tolist() for field in fields(Backlog)]
        for at_ms, listener, track, code, ms_played, session_s, high, low in zip(*chunk, strict=True):
            user_id = user_ids[listener]
            yield ListeningEvent(
                event_id=_event_id(at_ms, high, low),
                type=LISTENING_TYPES[code],
                user_id=user_id,
                track_id=tracks.track_ids[track],
                occurred_at=_EPOCH + timedelta(milliseconds=at_ms),
                ms_played=None if ms_played < 0 else ms_played,
                session_id=f"{user_id}-{session_s}",
                source=SOURCE,
            )


def _event_id(at_ms: int, high: int, low: int) -> uuid.UUID:
    return uuid7_from(at_ms, high << 64 | low)


def _of_listener(index: int, listener: Listener, tracks: TrackTable, first_day: int, days: int, seed: int) -> Backlog:
    rng = np.random.default_rng((seed, listener.number, 1, first_day, days))
    starts = session_starts(rng, listener, first_day, days)
    plays = play_sessions(rng, listener, tracks, starts)
    ends = play_ends(rng, starts, plays)
    reactions = react(rng, plays)
    which = np.concatenate((np.arange(len(plays.track)), reactions.play))
    at_ms = np.concatenate((ends, ends[reactions.play] + REACTION_DELAY_MS))
    codes = np.where(plays.skipped, TYPE_CODES["skip"], TYPE_CODES["play"])
    size = len(which)
    return Backlog(
        at_ms=at_ms,
        listener=np.full(size, index),
        track=plays.track[which],
        type_code=np.concatenate((codes, reactions.type_code)),
        ms_played=np.concatenate((plays.ms_played, np.full(len(reactions.play), -1))),
        session_s=starts[plays.session][which] // 1000,
        high=rng.integers(0, 1 << 10, size, dtype=np.uint64),
        low=rng.integers(0, (1 << 64) - 1, size, dtype=np.uint64, endpoint=True),
    )
