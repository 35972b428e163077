"""The write path of listening events: COPY into a staging table and one merge.

Cost on two cores with everything on one machine: docs/decisions/0002-write-path.md.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from psycopg2.extensions import cursor as PgCursor

from segue.events import BLOCK_TYPES, NOT_TASTE, TYPE_CODES
from segue.ids import TrackNo, UserNo
from segue.listeners import Cell, ListenerState
from segue.stores.postgres.blocks import BlockStatement, read_blocks, write_blocks

_STAGED = (
    "event_id, user_no, track_no, kafka_offset, occurred_at, weight, statement, ms_played, kafka_partition, type, position, "
    "session_id, rec_id, source"
)
_NOT_TASTE = ", ".join(str(TYPE_CODES[kind]) for kind in NOT_TASTE)
_BLOCKING = ", ".join(str(TYPE_CODES[kind]) for kind in BLOCK_TYPES)
_MERGE = f"""
with fresh as (
    insert into listens ({_STAGED}) select {_STAGED} from staging
    on conflict (event_id) do nothing
    returning user_no, track_no, occurred_at, weight, statement, type
), merged as (
    insert into interactions as i (user_no, track_no, weight, plays, skips, saves, statement, last_at)
    select user_no, track_no, sum(weight), count(*) filter (where type = {TYPE_CODES["play"]}),
           count(*) filter (where type = {TYPE_CODES["skip"]}),
           count(*) filter (where type = {TYPE_CODES["playlist_add"]})
             - count(*) filter (where type = {TYPE_CODES["playlist_remove"]}),
           coalesce(max(statement), 1), max(occurred_at)
    from fresh where type not in ({_NOT_TASTE})
    group by user_no, track_no
    on conflict (user_no, track_no) do update set
        weight = i.weight + excluded.weight, plays = i.plays + excluded.plays, skips = i.skips + excluded.skips,
        saves = i.saves + excluded.saves, statement = greatest(i.statement, excluded.statement),
        last_at = greatest(i.last_at, excluded.last_at)
    returning user_no, track_no, weight, plays, skips, saves, statement, last_at
), counted as (
    update users u set events = u.events + f.events, last_event_at = greatest(u.last_event_at, f.last_at)
    from (select user_no, count(*) as events, max(occurred_at) as last_at from fresh group by user_no) f
    where u.user_no = f.user_no and u.deleted_at is null
    returning u.user_no, u.events, u.last_event_at, f.events as fresh
)
select user_no, null::integer, null::float8, events, fresh, null::integer, null::bigint, extract(epoch from last_event_at)::float8
from counted
union all
select user_no, track_no, weight, plays, skips, saves, statement, extract(epoch from last_at)::float8 from merged
"""

_DELETION_LOCK = 0x5E60D
"""Writers hold it shared, whoever deletes a user holds it alone: a deletion sees every row written for the user before."""


class Listen(msgspec.Struct, gc=False):
    """One accepted event, ready to store.

    `weight` is its forward-decayed contribution, `statement` see migrations/0001, `sequence` its record's (see marks.py).
    """

    event_id: uuid.UUID
    user_no: UserNo
    track_no: TrackNo
    kafka_partition: int
    sequence: int
    occurred_at: datetime
    weight: float
    statement: int | None
    type: int
    ms_played: int | None = None
    position: int | None = None
    session_id: str | None = None
    rec_id: uuid.UUID | None = None
    source: str | None = None
    block: BlockStatement | None = None


class UserDeleted(Exception):
    """Some of the batch's users were deleted since their numbers were looked up; nothing was written."""

    def __init__(self, user_nos: set[UserNo]) -> None:
        super().__init__(f"{len(user_nos)} users were deleted")
        self.user_nos = user_nos


def lock_out_deletions(cursor: PgCursor) -> None:
    """Taken by writers first thing in a transaction; many may hold it."""
    cursor.execute("select pg_advisory_xact_lock_shared(%s)", (_DELETION_LOCK,))


def lock_out_writers(cursor: PgCursor) -> None:
    """Taken by a deletion first thing in its transaction; waits for the writers in progress."""
    cursor.execute("select pg_advisory_xact_lock(%s)", (_DELETION_LOCK,))


def write_listens(cursor: PgCursor, listens: Sequence[Listen]) -> tuple[dict[UserNo, ListenerState], int]:
    """Store what is new and fold it into the matrix and the blocks, in the caller's transaction.

    Returns the absolute state of every listener with a new event, and how many events were new. Event ids stored before, or
    twice in `listens`, count once. Raises UserDeleted if a listener was deleted meanwhile.
    """
    cursor.execute("create temporary table if not exists staging (like listens) on commit delete rows")
    cursor.copy_expert(f"copy staging ({_STAGED}) from stdin", io.StringIO("".join(map(_copy_line, listens))))
    cursor.execute(_MERGE)
    states, written = _collect(cursor.fetchall())
    touched = {listen.user_no for listen in listens}
    if len(states) < len(touched):
        _refuse_deleted(cursor, touched - states.keys())
    blocks = [(listen.user_no, listen.block) for listen in listens if listen.block is not None]
    if blocks:
        write_blocks(cursor, blocks)
        _add_blocks(cursor, states, {user_no for user_no, _ in blocks} & states.keys())
    return states, written


def _add_blocks(cursor: PgCursor, states: Mapping[UserNo, ListenerState], user_nos: Collection[UserNo]) -> None:
    for user_no, blocks in read_blocks(cursor, list(user_nos)).items():
        states[user_no].blocks = blocks


def _collect(rows: Sequence[tuple[Any, ...]]) -> tuple[dict[UserNo, ListenerState], int]:
    """Rows of _MERGE: a listener's totals (track_no is null; events, then new events), or one cell."""
    states = {
        UserNo(user_no): ListenerState(UserNo(user_no), events, at_s, [], is_new=events == fresh)
        for user_no, track_no, _, events, fresh, _, _, at_s in rows
        if track_no is None
    }
    for user_no, track_no, *cell in rows:
        if track_no is not None and user_no in states:
            states[user_no].cells.append(Cell(track_no, *cell))
    return states, sum(row[4] for row in rows if row[1] is None)


def _refuse_deleted(cursor: PgCursor, absent: set[UserNo]) -> None:
    """A listener is absent if all its events were duplicates, if it was deleted, or if it was and is back by a new number."""
    cursor.execute("select user_no from users where user_no = any(%s) and deleted_at is null", (list(absent),))
    deleted = absent - {UserNo(number) for (number,) in cursor}
    if deleted:
        raise UserDeleted(deleted)


def read_states(cursor: PgCursor, user_nos: Sequence[UserNo], max_cells: int) -> dict[UserNo, ListenerState]:
    """The absolute state of these listeners with their heaviest `max_cells` tracks and newest MAX_BLOCKS blocks.

    Statements count before weights.

    Deleted users and users without an event are left out.
    """
    cursor.execute(
        "select user_no, events, extract(epoch from last_event_at)::float8 from users "
        "where user_no = any(%s) and deleted_at is null and events > 0",
        (list(user_nos),),
    )
    states = {UserNo(n): ListenerState(UserNo(n), events, at_s, []) for n, events, at_s in cursor}
    cursor.execute(
        """select u.user_no, i.track_no, i.weight, i.plays, i.skips, i.saves, i.statement, extract(epoch from i.last_at)::float8
           from unnest(%s::integer[]) u(user_no), lateral (
               select * from interactions i where i.user_no = u.user_no
               order by (statement & 3) <> 1 or saves > 0 desc, abs(weight) desc, track_no limit %s) i""",
        (list(states), max_cells),
    )
    for user_no, *cell in cursor:
        states[UserNo(user_no)].cells.append(Cell(*cell))
    _add_blocks(cursor, states, states.keys())
    return states


def read_touched(cursor: PgCursor, partition: int, from_sequence: int) -> dict[UserNo, ListenerState]:
    """The absolute cells and blocks that events of `partition` from `from_sequence` on touched: what Redis may have lost."""
    cursor.execute(
        f"""select u.user_no, u.events, extract(epoch from u.last_event_at)::float8,
                   i.track_no, i.weight, i.plays, i.skips, i.saves, i.statement, extract(epoch from i.last_at)::float8
            from (select distinct user_no, track_no from listens
                  where kafka_partition = %s and kafka_offset >= %s and type not in ({_NOT_TASTE})) l
            join interactions i using (user_no, track_no) join users u using (user_no) where u.deleted_at is null""",
        (partition, from_sequence),
    )
    states: dict[UserNo, ListenerState] = {}
    for user_no, events, at_s, *cell in cursor:
        state = states.setdefault(UserNo(user_no), ListenerState(UserNo(user_no), events, at_s, []))
        state.cells.append(Cell(*cell))
    _add_blockers(cursor, states, partition, from_sequence)
    return states


def _add_blockers(cursor: PgCursor, states: dict[UserNo, ListenerState], partition: int, from_sequence: int) -> None:
    cursor.execute(
        f"""select user_no, events, extract(epoch from last_event_at)::float8 from users
            where deleted_at is null and user_no in (
                select user_no from listens where kafka_partition = %s and kafka_offset >= %s and type in ({_BLOCKING}))""",
        (partition, from_sequence),
    )
    blockers = {UserNo(user_no): ListenerState(UserNo(user_no), events, at_s, []) for user_no, events, at_s in cursor}
    for user_no, state in blockers.items():
        states.setdefault(user_no, state)
    _add_blocks(cursor, states, blockers.keys())


def _copy_line(e: Listen) -> str:
    """One line of COPY's text format; ids are integers and uuids, so only session and source can need escaping.

    In UTC, since Postgres refuses the zones beyond ±15:59 that ISO 8601 allows.
    """
    return (
        f"{e.event_id.hex}\t{e.user_no}\t{e.track_no}\t{e.sequence}\t{e.occurred_at.astimezone(UTC).isoformat()}\t{e.weight!r}"
        f"\t{_or_null(e.statement)}\t{_or_null(e.ms_played)}\t{e.kafka_partition}\t{e.type}\t{_or_null(e.position)}"
        f"\t{_text(e.session_id)}\t{e.rec_id.hex if e.rec_id else _NULL}\t{_text(e.source)}\n"
    )


_NULL = "\\N"


def _or_null(value: int | None) -> str:
    return _NULL if value is None else str(value)


def _text(value: str | None) -> str:
    if value is None:
        return _NULL
    return value.replace("\\", "\\\\") if "\\" in value else value
