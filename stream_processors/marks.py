"""The partitions' high-water marks as one worker knows them, and the repair of a Redis that lags behind Postgres."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from psycopg2.extensions import cursor as PgCursor

from segue.errors import Fenced
from segue.listeners import ListenerState
from segue.logs import fields
from segue.stores.postgres.database import Database
from segue.stores.postgres.listens import read_touched
from segue.stores.postgres.marks import Mark, read_mark
from segue.stores.postgres.users import user_ids_of
from segue.stores.redis.writer import ABSENT, LiveRowWriter
from segue.topics import LISTENING_EVENTS
from stream_processors.metrics import REPAIRS

log = logging.getLogger(__name__)


class Marks:
    """Marks by (topic, partition), read from Postgres when a partition is first seen, forgotten when it is revoked.

    They are sequence numbers, which count on from log to log; see segue/stores/postgres/marks.py.
    """

    def __init__(
        self,
        database: Database,
        rows: LiveRowWriter,
        partitions: int,
        moved: Callable[[str, int, int], None] | None = None,
    ) -> None:
        """`moved` hears of every mark that this worker moves, as an offset of the present log."""
        self._database, self._rows, self._partitions, self._moved = database, rows, partitions, moved
        self._marks: dict[tuple[str, int], Mark] = {}

    def get(self, topic: str, partition: int) -> int:
        """The first sequence number not yet stored. Raises PostgresUnavailable or RedisUnavailable."""
        return self._known(topic, partition).sequence

    def base(self, topic: str, partition: int) -> int:
        """The sequence number of offset 0 of the log that the mark speaks of. Raises as `get`."""
        return self._known(topic, partition).base

    def set(self, topic: str, partition: int, sequence: int) -> None:
        """Note a mark that this worker moved, after the commit."""
        mark = self._known(topic, partition)._replace(sequence=sequence)
        self._marks[topic, partition] = mark
        if self._moved is not None:
            self._moved(topic, partition, mark.offset)

    def forget(self, topic: str, partition: int) -> None:
        """Ask Postgres again the next time."""
        self._marks.pop((topic, partition), None)

    def forget_all(self) -> None:
        """After a rebalance any partition may have been moved by someone else."""
        self._marks.clear()

    def _known(self, topic: str, partition: int) -> Mark:
        mark = self._marks.get((topic, partition))
        return self._load(topic, partition) if mark is None else mark

    def _load(self, topic: str, partition: int) -> Mark:
        if topic == LISTENING_EVENTS:
            mark = self.repair(partition)
        else:
            with self._database.transaction(read_only=True) as cursor:
                mark = read_mark(cursor, topic, partition)
        self._marks[topic, partition] = mark
        return mark

    def repair(self, partition: int) -> Mark:
        """Bring each of Redis's buckets of a listening partition to Postgres's mark; returns the mark.

        A worker that died between its two writes leaves Redis behind; so does a Redis that lost its last second. The guards are
        read first: Postgres is always written before Redis, so a guard beyond the mark means that Postgres lost data.
        """
        guards = self._rows.guards(partition, self._partitions)
        with self._database.transaction("REPEATABLE READ", read_only=True) as cursor:
            mark = read_mark(cursor, LISTENING_EVENTS, partition)
            at = mark.sequence
            stale = {bucket: guard for bucket, guard in guards.items() if guard != at and (guard, at) != (ABSENT, 0)}
            behind = [guard for guard in stale.values() if ABSENT < guard < at]
            # One reading from the lowest guard serves all: cells hold absolute values, and newer ones do no harm.
            touched = self._touched(cursor, partition, min(behind)) if behind else {}
        for bucket, guard in stale.items():
            theirs = {user_id: state for user_id, state in touched.items() if self._rows.bucket_of(user_id) == bucket}
            self._repair_bucket(partition, bucket, guard, at, theirs)
        return mark

    def _touched(self, cursor: PgCursor, partition: int, from_sequence: int) -> dict[str, ListenerState]:
        states = read_touched(cursor, partition, from_sequence)
        user_ids = user_ids_of(cursor, list(states))
        return {user_ids[number]: state for number, state in states.items()}

    def _repair_bucket(self, partition: int, bucket: int, guard: int, mark: int, touched: Mapping[str, ListenerState]) -> None:
        at = {"topic": LISTENING_EVENTS, "partition": partition, "bucket": bucket, "guard": guard, "mark": mark}
        if guard > mark:
            dropped = self._rows.discard(bucket, partition, mark)
            log.warning("Postgres holds less than Redis: rows dropped, to be rebuilt", extra=fields(**at, rows=dropped))
            return
        if guard == ABSENT:
            dropped = self._rows.claim_guard(bucket, partition, mark)
            log.warning("Redis is new or lost a guard: rows are rebuilt as listeners come", extra=fields(**at, rows=dropped))
            return
        try:
            self._rows.write_bucket(bucket, partition, touched, guard, mark)
        except Fenced:
            log.info("another worker repaired this bucket first", extra=fields(**at))
            return
        REPAIRS.inc()
        log.warning("Redis lagged behind Postgres: repaired", extra=fields(**at, listeners=len(touched)))
