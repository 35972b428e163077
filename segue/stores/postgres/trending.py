"""Who heard which track when, counted from the listens themselves: nothing to keep, and right after a replay or a deletion.

Why, and what it costs: docs/decisions/0016-trending.md.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from segue.events import MAX_CLOCK_SKEW, TYPE_CODES
from segue.stores.postgres.binary_copy import copied
from segue.stores.postgres.database import Database
from segue.taste import FULL_PLAY_MS
from segue.trending.counts import Heard, Past
from segue.trending.windows import Window

_LISTEN = f"type = {TYPE_CODES['play']} and coalesce(ms_played, {FULL_PLAY_MS}) >= {FULL_PLAY_MS}"
# What a fast clock dated ahead of us has happened by now. What lies further ahead was refused, unless this clock is wrong.
_HEARD = f"""
select track_no, count(*)::int4, sum(exp(greatest({{now}} - at_s, 0) * {{decay}})), (sum(count(*)) over ())::int8
from (
    select track_no, user_no, max(extract(epoch from occurred_at)::float8) as at_s from listens
    where {_LISTEN} and occurred_at > to_timestamp({{since}}) and occurred_at <= to_timestamp({{until}})
    group by track_no, user_no
) newest group by track_no order by 2 desc, 3 desc, 1 limit {{most}}
"""
_PAST = f"""
select track_no, count(*)::int4, (sum(count(*)) over ())::int8
from (
    select distinct track_no, user_no, floor(({{until}} - extract(epoch from occurred_at)::float8) / {{window}}) from listens
    where {_LISTEN} and occurred_at > to_timestamp({{since}}) and occurred_at <= to_timestamp({{until}})
) heard group by track_no order by 2 desc, 1 limit {{most}}
"""
_HEARD_COLUMNS = {"track_no": "i4", "listeners": "i4", "heat": "f8", "total": "i8"}
_PAST_COLUMNS = {"track_no": "i4", "listeners": "i4", "total": "i8"}


class TrendingStore:
    """Counts for charts; every call may raise PostgresUnavailable.

    Cost: proportional to the listens that were stored since the counted span began, whenever they occurred.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def progress(self) -> int:
        """A number that grows whenever something is stored or deleted."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute("select coalesce(sum(next_offset), 0) from partition_marks")
            row = cursor.fetchone()
            return int(row[0]) if row else 0

    def heard(self, window: Window, now: datetime, most: int) -> Heard:
        """The `most` tracks with most listeners in the window that ends now."""
        now_s, decay = now.timestamp(), -np.log(2) / window.half_life_s
        until = now_s + MAX_CLOCK_SKEW.total_seconds()
        query = _HEARD.format(now=now_s, decay=float(decay), since=now_s - window.seconds, until=until, most=most)
        found = self._counted(query, _HEARD_COLUMNS)
        return Heard(now, found["track_no"], found["listeners"], found["heat"], _total(found))

    def past(self, window: Window, now: datetime, most: int) -> Past:
        """The same of the windows before it."""
        until = now.timestamp() - window.seconds
        query = _PAST.format(until=until, window=window.seconds, since=until - window.past * window.seconds, most=most)
        found = self._counted(query, _PAST_COLUMNS)
        listeners = found["listeners"]
        return Past(found["track_no"], listeners, _total(found), int(listeners[-1]) if len(listeners) == most else 0)

    def _counted(self, query: str, columns: dict[str, str]) -> dict[str, npt.NDArray[Any]]:
        with self._database.transaction(read_only=True) as cursor:
            # Whoever stores events needs the other cores.
            cursor.execute("set local max_parallel_workers_per_gather = 0")
            return copied(cursor, query, columns)


def _total(found: dict[str, npt.NDArray[Any]]) -> int:
    return int(found["total"][0]) if len(found["total"]) else 0
