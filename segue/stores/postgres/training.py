"""What the trainer reads: the matrix, the listens as a time line, playlists, and how far the log is in them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from psycopg2.extensions import cursor as Cursor

from segue.events import NOT_TASTE, OWN_SOURCE, TYPE_CODES
from segue.logs import fields
from segue.models.transitions import OrderedListens, TransitionCounter, Transitions
from segue.stores.postgres.binary_copy import copied, copied_in_parts
from segue.stores.postgres.database import Database

log = logging.getLogger(__name__)

TRAINER_LOCK = 0x5E60E_7A1
"""Key of the advisory lock that lets one trainer run at a time in a database."""

_PAIR_COLUMNS = {"user_no": "i4", "track_no": "i4", "weight": "f8", "saves": "i4", "stance": "i4", "at_s": "f8"}
_PAIRS = """
select user_no, track_no, weight, saves, ((statement & 3) - 1)::int4, extract(epoch from last_at)::float8
from interactions order by user_no, track_no
"""
# The matrix does not say where its weights come from: cells with listens of the left out source are added up again without them.
_PAIRS_WITHOUT = """
with apart as (select distinct user_no, track_no from listens where source = '{source}' and type not in ({not_taste}))
select user_no, track_no, weight, saves, ((statement & 3) - 1)::int4, extract(epoch from last_at)::float8
from interactions i where not exists (select from apart a where a.user_no = i.user_no and a.track_no = i.track_no)
union all
select user_no, track_no, sum(weight), sum(case type when {add} then 1 when {remove} then -1 else 0 end)::int4,
       ((coalesce(max(statement), 1) & 3) - 1)::int4, extract(epoch from max(occurred_at))::float8
from listens join apart using (user_no, track_no) where type not in ({not_taste}) and source is distinct from '{source}'
group by user_no, track_no order by 1, 2
"""
# Impressions and blocks do not say what was liked.
_TIMELINE = """
select user_no, track_no,
       coalesce(sum(weight) filter (where occurred_at < '{cut}'), 0)::float8,
       greatest(coalesce(sum(case type when {add} then 1 when {remove} then -1 else 0 end)
                         filter (where occurred_at < '{cut}'), 0), 0)::int4,
       ((coalesce(max(statement) filter (where occurred_at < '{cut}'), 1) & 3) - 1)::int4,
       extract(epoch from min(occurred_at))::float8
from listens where type not in ({not_taste}) and {apart} group by user_no, track_no order by user_no, track_no
"""
_LISTEN_COLUMNS = {"user_no": "i4", "track_no": "i4", "at_s": "f8", "skipped": "i4", "session": "i4"}
_LISTENS = f"""
select user_no, track_no, extract(epoch from occurred_at)::float8, (type = {TYPE_CODES["skip"]})::int4,
       coalesce(hashtext(session_id), 0)
from listens where type in ({TYPE_CODES["play"]}, {TYPE_CODES["skip"]}) and {{where}} and {{apart}}
order by user_no, occurred_at, event_id
"""
_CODES = {
    "add": TYPE_CODES["playlist_add"],
    "remove": TYPE_CODES["playlist_remove"],
    "not_taste": ", ".join(str(TYPE_CODES[kind]) for kind in NOT_TASTE),
}
JUDGED_SESSIONS_OF = 5_000
"""About so many listeners' newest sessions judge what comes next."""
_PLAYLIST_COLUMNS = {"playlist_no": "i4", "track_no": "i4"}
_LEARNT_FROM = f"(source is null or not starts_with(source, '{OWN_SOURCE}'))"
"""A model that learnt from lists of its own making would find itself right."""
_PLAYLISTS = f"""
select distinct playlist_no, track_no from playlist_tracks join playlists using (playlist_no)
where {_LEARNT_FROM} and {{apart}} order by playlist_no, track_no
"""


@dataclass(frozen=True)
class Pairs:
    """One entry for each (user, track), all of shape (n,), ordered by user_no, track_no.

    `weight` float64 as stored (see `segue.taste`), `saves` int32, `stance` int32 -1..1; `at_s` float64: Unix time of the newest
    event, or, in a time line, of the first.
    """

    user_no: npt.NDArray[np.int32]
    track_no: npt.NDArray[np.int32]
    weight: npt.NDArray[np.float64]
    saves: npt.NDArray[np.int32]
    stance: npt.NDArray[np.int32]
    at_s: npt.NDArray[np.float64]


@dataclass(frozen=True)
class TrainingData:
    """Everything as of one moment of the database.

    `past`: what was known before `cut_s`, each pair with the time of its first event, also pairs that begin later (their weight
    is 0); None when there is nothing to cut. `playlist_no`, `playlist_track_no`: int32, (n,), distinct memberships.
    `past_transitions`: what was played after what up to the cut, `later_transitions` since; `later_listens`: of a sample of
    listeners, what they played since.
    """

    pairs: Pairs
    past: Pairs | None
    cut_s: float | None
    playlist_no: npt.NDArray[np.int32]
    playlist_track_no: npt.NDArray[np.int32]
    offsets: dict[str, int]
    events: int
    past_transitions: Transitions = field(default_factory=Transitions.none)
    later_transitions: Transitions = field(default_factory=Transitions.none)
    later_listens: OrderedListens = field(default_factory=OrderedListens.none)


class TrainingStore:
    """Reads for the trainer, all of one snapshot of the database.

    `listens_at_once`: so many are in memory while transitions are counted, half a million with their pairs about 150 MB.
    `without`: a source of which nothing is learned.
    """

    def __init__(self, database: Database, listens_at_once: int = 500_000, without: str | None = None) -> None:
        self._database, self._listens_at_once, self.without = database, listens_at_once, without

    def read(self, held_out: float) -> TrainingData:
        """Read everything; the newest `held_out` share (0..1) of listens lies after `cut_s`."""
        with self._database.transaction(isolation="REPEATABLE READ", read_only=True) as cursor:
            offsets = _offsets(cursor)
            apart = _apart(self.without)
            cut = _cut(cursor, held_out, apart)
            past = None if cut is None else Pairs(**_timeline(cursor, cut, apart))
            past_transitions, later_transitions = _transitions(cursor, cut, apart, self._listens_at_once)
            playlists = copied(cursor, _PLAYLISTS.format(apart=apart), _PLAYLIST_COLUMNS)
            return TrainingData(
                pairs=Pairs(**copied(cursor, _pairs_query(cursor, self.without), _PAIR_COLUMNS)),
                past=past,
                cut_s=None if cut is None else cut.timestamp(),
                playlist_no=playlists["playlist_no"],
                playlist_track_no=playlists["track_no"],
                offsets=offsets,
                events=_events(cursor, self.without),
                past_transitions=past_transitions,
                later_transitions=later_transitions,
                later_listens=OrderedListens.none() if cut is None else _later(cursor, cut, apart),
            )

    def sizes(self) -> dict[str, int]:
        """`events`, `tracks` and `playlists` as of now, of which anything is learned: what tells whether a refit is worth it."""
        apart = _apart(self.without)
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(f"select count(*) from tracks where name is not null and deleted_at is null and {apart}")
            tracks = cursor.fetchone()
            cursor.execute(f"select count(*) from playlists where {_LEARNT_FROM} and {apart}")
            playlists = cursor.fetchone()
            return {"events": _events(cursor, self.without), "tracks": _number(tracks), "playlists": _number(playlists)}

    @contextmanager
    def single_flight(self) -> Iterator[bool]:
        """Whether this process may train now; True keeps every other trainer of the database out until the block ends."""
        with self._database.transaction() as cursor:
            cursor.execute("select pg_try_advisory_xact_lock(%s)", (TRAINER_LOCK,))
            row = cursor.fetchone()
            yield bool(row and row[0])


def _apart(without: str | None) -> str:
    """The condition that leaves the source out."""
    return "true" if without is None else f"source is distinct from '{without}'"


def _pairs_query(cursor: Cursor, without: str | None) -> str:
    """The plain one where nothing has to be left out: it costs no join."""
    if without is None:
        return _PAIRS
    cursor.execute("select exists (select from listens where source = %s)", (without,))
    return _PAIRS_WITHOUT.format(source=without, **_CODES) if _number(cursor.fetchone()) else _PAIRS


def _timeline(cursor: Cursor, cut: datetime, apart: str) -> dict[str, npt.NDArray[Any]]:
    return copied(cursor, _TIMELINE.format(cut=cut.isoformat(), apart=apart, **_CODES), _PAIR_COLUMNS)


def _transitions(cursor: Cursor, cut: datetime | None, apart: str, at_once: int) -> tuple[Transitions, Transitions]:
    """Of the listens up to the cut, and of those since. A session over the cut is two."""
    counters = TransitionCounter(), TransitionCounter()
    cut_s = float("inf") if cut is None else cut.timestamp()

    def count(columns: dict[str, npt.NDArray[Any]]) -> None:
        listens = OrderedListens(**columns)
        past = listens.at_s < cut_s
        for counter, mask in zip(counters, (past, ~past), strict=True):
            counter.add(listens.at(mask))

    copied_in_parts(cursor, _LISTENS.format(where="true", apart=apart), _LISTEN_COLUMNS, count, at_once)
    if forgotten := sum(counter.forgotten for counter in counters):
        log.warning(
            "more pairs of tracks follow each other than are counted: the rarest are left out", extra=fields(pairs=forgotten)
        )
    return counters[0].transitions(), counters[1].transitions()


def _later(cursor: Cursor, cut: datetime, apart: str) -> OrderedListens:
    cursor.execute("select count(*) from users where events > 0")
    every = max(1, _number(cursor.fetchone()) // JUDGED_SESSIONS_OF)
    where = f"occurred_at >= '{cut.isoformat()}' and user_no % {every} = 0"
    return OrderedListens(**copied(cursor, _LISTENS.format(where=where, apart=apart), _LISTEN_COLUMNS))


def _cut(cursor: Cursor, held_out: float, apart: str) -> datetime | None:
    cursor.execute(
        f"select percentile_disc(%s) within group (order by occurred_at) from listens where {apart}", (1.0 - held_out,)
    )
    row = cursor.fetchone()
    cut: datetime | None = row[0] if row else None
    return cut


def _offsets(cursor: Cursor) -> dict[str, int]:
    cursor.execute("select topic, partition, next_offset from partition_marks order by topic, partition")
    return {f"{topic}/{partition}": int(next_offset) for topic, partition, next_offset in cursor}


def _events(cursor: Cursor, without: str | None) -> int:
    cursor.execute(
        """select greatest(0, (select coalesce(sum(events), 0) from users) - (select count(*) from listens where source = %s))""",
        (without,),
    )
    return _number(cursor.fetchone())


def _number(row: tuple[Any, ...] | None) -> int:
    return int(row[0]) if row else 0
