"""The partitions' high-water marks, and which log each speaks of.

A topic that is deleted and made again has the same name and begins at offset 0. So marks are kept as sequence numbers: the
offset, counted on from log to log. Whatever is compared with a mark (listens, Redis's guards, a batch of a worker that was
stopped meanwhile) stays comparable when a log is replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from psycopg2.extensions import cursor as PgCursor

from segue.errors import Fenced

Partition = tuple[str, int]
"""Topic and number."""

_NEXT_MARK = """
update partition_marks set next_offset = %(next)s
where topic = %(topic)s and partition = %(partition)s and next_offset = %(expected)s
"""
_FIRST_MARK = """
insert into partition_marks as m values (%(topic)s, %(partition)s, %(next)s)
on conflict (topic, partition) do update set next_offset = excluded.next_offset where m.next_offset = 0
"""
_ADOPT = """
insert into partition_marks as m (topic, partition, next_offset, log_id) values (%(topic)s, %(partition)s, 0, %(log_id)s)
on conflict (topic, partition) do update set log_id = excluded.log_id where m.log_id is null
"""
# One more than the mark: a worker that still holds a batch of the log before finds the mark moved, and Redis its guard.
_BEGIN = """
update partition_marks set next_offset = next_offset + 1, log_base = next_offset + 1, log_id = coalesce(%(log_id)s, log_id)
where topic = %(topic)s and partition = %(partition)s and log_base = %(base)s and log_id is not distinct from %(was)s
"""


class Mark(NamedTuple):
    """How far one partition is stored. `sequence` is the first sequence number that is not, `base` that of the log's offset 0."""

    sequence: int = 0
    base: int = 0
    log_id: str | None = None

    @property
    def offset(self) -> int:
        """The first offset of the present log that is not stored."""
        return self.sequence - self.base


def read_mark(cursor: PgCursor, topic: str, partition: int) -> Mark:
    """The mark of one partition; Mark() for a partition never written."""
    cursor.execute(
        "select next_offset, log_base, log_id from partition_marks where topic = %s and partition = %s", (topic, partition)
    )
    row = cursor.fetchone()
    return Mark(*row) if row else Mark()


def read_marks(cursor: PgCursor) -> dict[Partition, Mark]:
    """The marks of every partition that was ever written or assigned."""
    cursor.execute("select topic, partition, next_offset, log_base, log_id from partition_marks")
    return {(topic, partition): Mark(*mark) for topic, partition, *mark in cursor}


def move_mark(cursor: PgCursor, topic: str, partition: int, expected: int, sequence: int) -> None:
    """Move the high-water mark to a sequence number in the caller's transaction.

    Raises Fenced when it is not where the caller left it, or already past the batch: another worker owns the partition now.
    """
    if sequence <= expected:
        raise Fenced(f"{topic}[{partition}] is at {expected}, past this batch, which ends at {sequence}")
    values = {"topic": topic, "partition": partition, "expected": expected, "next": sequence}
    cursor.execute(_FIRST_MARK if expected == 0 else _NEXT_MARK, values)
    if cursor.rowcount != 1:
        raise Fenced(f"{topic}[{partition}] was moved past {expected} by another worker")


def adopt_logs(cursor: PgCursor, log_ids: Mapping[Partition, str]) -> None:
    """Note of marks without a log that they speak of this one."""
    for (topic, partition), log_id in log_ids.items():
        cursor.execute(_ADOPT, {"topic": topic, "partition": partition, "log_id": log_id})


def begin_log(cursor: PgCursor, topic: str, partition: int, seen: Mark, log_id: str | None) -> bool:
    """Set a partition's mark to the start of another log; False, and nothing done, if somebody did since the mark was `seen`."""
    values = {"topic": topic, "partition": partition, "base": seen.base, "was": seen.log_id, "log_id": log_id}
    cursor.execute(_BEGIN, values)
    return bool(cursor.rowcount)
