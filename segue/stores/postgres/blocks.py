"""What listeners shut out: the newest statement about each track and artist holds, in whatever order they arrive.

Design: docs/decisions/0012-blocks.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec
from psycopg2.extensions import cursor as PgCursor
from psycopg2.extras import execute_values

from segue.events import ARTIST_TYPES, BLOCK_TYPES, ListeningEvent
from segue.ids import TrackNo, UserNo
from segue.listeners import MAX_BLOCKS, Blocks

_NEVER = datetime.max.replace(tzinfo=UTC)
# The end and the spelling decide between two statements of one microsecond, so that the order of arrival never does.
_UPSERT = """
insert into blocks as b (user_no, track_no, artist, said, statement, until) values %s
on conflict (user_no, track_no, artist) do update set
    said = excluded.said, statement = excluded.statement, until = excluded.until
where (excluded.statement, coalesce(excluded.until, 'infinity'), excluded.said collate "C")
    > (b.statement, coalesce(b.until, 'infinity'), b.said collate "C")
"""


class BlockStatement(msgspec.Struct, frozen=True, gc=False):
    """One event's word on one track (`artist` is empty) or artist (`track_no` is 0)."""

    track_no: int
    artist: str
    said: str
    statement: int
    until: datetime | None


def block_statement(event: ListeningEvent, track_no: TrackNo) -> BlockStatement | None:
    """What an event says about blocks, or None."""
    if event.type not in BLOCK_TYPES:
        return None
    blocks = event.type in ("block", "block_artist")
    statement = round(event.occurred_at.timestamp() * 1e6) * 2 + blocks
    until = event.until.astimezone(UTC) if event.until is not None and blocks else None
    if event.type in ARTIST_TYPES:
        said = (event.artist or "").strip()
        return BlockStatement(0, said.casefold(), said, statement, until)
    return BlockStatement(track_no, "", "", statement, until)


def write_blocks(cursor: PgCursor, statements: Iterable[tuple[UserNo, BlockStatement]]) -> None:
    """Take statements in; those that were taken in before, and older ones, change nothing."""
    newest: dict[tuple[UserNo, int, str], BlockStatement] = {}
    for user_no, told in statements:
        key = user_no, told.track_no, told.artist
        newest[key] = max(newest.get(key, told), told, key=_rank)
    rows = [(*key, told.said, told.statement, told.until) for key, told in sorted(newest.items(), key=lambda item: item[0])]
    execute_values(cursor, _UPSERT, rows, page_size=500)


def read_blocks(cursor: PgCursor, user_nos: Sequence[UserNo]) -> dict[UserNo, Blocks]:
    """The blocks of these listeners that have not ended, the newest MAX_BLOCKS of each; a listener without any has empty ones."""
    cursor.execute(
        """select u.user_no, b.track_no, b.said, coalesce(ceil(extract(epoch from b.until)), 0)::bigint
           from unnest(%s::integer[]) u(user_no), lateral (
               select * from blocks where user_no = u.user_no and statement & 1 = 1 and (until is null or until > now())
               order by statement desc, track_no, artist limit %s) b""",
        (list(user_nos), MAX_BLOCKS),
    )
    found: dict[UserNo, Blocks] = {user_no: Blocks({}, {}) for user_no in user_nos}
    for user_no, track_no, said, until_s in cursor:
        blocks = found[UserNo(user_no)]
        if track_no:
            blocks.tracks[TrackNo(track_no)] = int(until_s)
        else:
            blocks.artists[said] = int(until_s)
    return found


def _rank(told: BlockStatement) -> tuple[int, datetime, bytes]:
    return told.statement, told.until or _NEVER, told.said.encode()
