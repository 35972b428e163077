"""The partitions' high-water marks as one worker knows them, and the repair of a Redis that lags behind Postgres."""

from __future__ import annotations

import logging

from segue.errors import Fenced
from segue.logs import fields
from segue.stores.postgres.database import Database
from segue.stores.postgres.listens import read_mark, read_touched
from segue.stores.postgres.users import user_ids_of
from segue.stores.redis.writer import ABSENT, LiveRowWriter
from segue.topics import LISTENING_EVENTS
from stream_processors.metrics import REPAIRS

log = logging.getLogger(__name__)


class Marks:
    """Marks by (topic, partition), read from Postgres when a partition is first seen, forgotten when it is revoked."""

    def __init__(self, database: Database, rows: LiveRowWriter, partitions: int) -> None:
        self._database, self._rows, self._partitions = database, rows, partitions
        self._marks: dict[tuple[str, int], int] = {}

    def get(self, topic: str, partition: int) -> int:
        """The first offset not yet stored. Raises PostgresUnavailable or RedisUnavailable."""
        mark = self._marks.get((topic, partition))
        return self._load(topic, partition) if mark is None else mark

    def set(self, topic: str, partition: int, next_offset: int) -> None:
        """Note a mark that this worker moved, after the commit."""
        self._marks[topic, partition] = next_offset

    def forget(self, topic: str, partition: int) -> None:
        """Ask Postgres again the next time."""
        self._marks.pop((topic, partition), None)

    def forget_all(self) -> None:
        """After a rebalance any partition may have been moved by someone else."""
        self._marks.clear()

    def _load(self, topic: str, partition: int) -> int:
        if topic == LISTENING_EVENTS:
            mark = self.repair(partition)
        else:
            with self._database.transaction(read_only=True) as cursor:
                mark = read_mark(cursor, topic, partition)
        self._marks[topic, partition] = mark
        return mark

    def repair(self, partition: int) -> int:
        """Bring Redis to Postgres's mark of a listening partition; returns the mark.

        A worker that died between its two writes leaves Redis behind; so does a Redis that lost its last second. The guard is
        read first: Postgres is always written before Redis, so a guard beyond the mark means that Postgres lost data.
        """
        guard = self._rows.guard(partition, self._partitions)
        with self._database.transaction("REPEATABLE READ", read_only=True) as cursor:
            mark = read_mark(cursor, LISTENING_EVENTS, partition)
            if guard == mark or (guard == ABSENT and mark == 0):
                return mark
            at = {"topic": LISTENING_EVENTS, "partition": partition, "guard": guard, "mark": mark}
            if guard > mark:
                dropped = self._rows.discard(partition, self._partitions, mark)
                log.warning("Postgres holds less than Redis: rows dropped, to be rebuilt", extra=fields(**at, rows=dropped))
                return mark
            if guard == ABSENT:
                self._rows.claim_guards(partition, self._partitions, mark)
                log.warning("Redis is new or was flushed: rows will be rebuilt as listeners come", extra=fields(**at))
                return mark
            states = read_touched(cursor, partition, guard)
            user_ids = user_ids_of(cursor, list(states))
        by_id = {user_ids[number]: state for number, state in states.items()}
        try:
            self._rows.write(partition, self._partitions, by_id, guard, mark)
        except Fenced:
            log.info("another worker repaired this partition first", extra=fields(**at))
            return mark
        REPAIRS.inc()
        log.warning("Redis lagged behind Postgres: repaired", extra=fields(**at, listeners=len(by_id)))
        return mark
