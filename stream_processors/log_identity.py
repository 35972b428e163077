"""Whether a mark still speaks of the log that is there: topics are deleted and made again, and brokers come back with less.

A mark of another log means nothing in this one: what stands below it would be passed over as stored. So the mark is set to the
start of the log. What had been stored before comes to nothing new: an event counts once by its id, and in a compacted topic the
newest record of a key wins.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import TypeVar

from confluent_kafka import KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from segue.errors import KafkaUnavailable
from segue.kafka import client_config
from segue.logs import fields
from segue.stores.postgres.database import Database
from segue.stores.postgres.marks import Mark, Partition, adopt_logs, begin_log, read_marks
from stream_processors.metrics import LOGS_REPLACED

log = logging.getLogger(__name__)

TIMEOUT_S = 10.0
NO_ID = "AAAAAAAAAAAAAAAAAAAAAA"
"""What a broker without topic ids (before Kafka 2.8) says: 16 zero bytes."""

Answer = TypeVar("Answer")
Marks = dict[Partition, Mark]


@dataclass(frozen=True)
class Log:
    """One partition's log as the broker has it: its topic's id (None: the broker has no ids), and the offset behind its end."""

    id: str | None
    end: int


class Logs:
    """Asks the broker; safe for several threads."""

    def __init__(self, bootstrap: str) -> None:
        # Kept: a client that is collected while its futures run fails them.
        self._admin = AdminClient(client_config(bootstrap))

    def ids(self, topics: Collection[str]) -> dict[str, str]:
        """Ids of those topics that have one. Raises KafkaUnavailable, also for a topic that is not there."""
        asked = self._admin.describe_topics(TopicCollection(list(topics)), request_timeout=TIMEOUT_S)
        ids = {topic: str(_answer(found, topic).topic_id) for topic, found in asked.items()}
        return {topic: id_ for topic, id_ in ids.items() if id_ != NO_ID}

    def now(self, partitions: Collection[Partition]) -> dict[Partition, Log]:
        """The logs of these partitions. Raises KafkaUnavailable, also for a topic that is not there."""
        if not partitions:
            return {}
        ids = self.ids({topic for topic, _ in partitions})
        latest = {TopicPartition(*where): OffsetSpec.latest() for where in partitions}  # type: ignore[no-untyped-call]
        asked = self._admin.list_offsets(latest, request_timeout=TIMEOUT_S)
        ends = {(tp.topic, tp.partition): int(_answer(found, tp.topic).offset) for tp, found in asked.items()}
        return {where: Log(ids.get(where[0]), ends[where]) for where in partitions}


def _answer(found: Future[Answer], topic: str) -> Answer:
    try:
        return found.result(TIMEOUT_S)
    except (KafkaException, FutureTimeoutError) as error:
        raise KafkaUnavailable(
            f"the broker does not tell of topic {topic} ({error!r}); if it is missing, `segue process` makes it when it starts"
        ) from error


def is_of(mark: Mark, found: Log) -> bool:
    """Whether the mark speaks of this log. A log that ends before it was cut back, or its topic has no id to tell it by."""
    return (None in (mark.log_id, found.id) or mark.log_id == found.id) and mark.offset <= found.end


def replaced(marks: Mapping[Partition, Mark], logs: Mapping[Partition, Log]) -> list[Partition]:
    """Partitions whose mark speaks of another log than the one that is there."""
    return [where for where, found in logs.items() if not is_of(marks.get(where, Mark()), found)]


def look(database: Database, logs: Logs, partitions: Collection[Partition]) -> tuple[Marks, dict[Partition, Log]]:
    """Marks of all partitions, and the logs of these. Raises KafkaUnavailable, PostgresUnavailable.

    The marks are read first: the log is then never an older one than what the marks speak of, nor shorter than what is stored.
    """
    with database.transaction(read_only=True) as cursor:
        marks = read_marks(cursor)
    return marks, logs.now(partitions)


def settle_logs(database: Database, logs: Logs, partitions: Collection[Partition]) -> Marks:
    """Marks of all partitions; those of `partitions` speak of the log that is there. Raises as `look`."""
    marks, found = look(database, logs, partitions)
    unknown = {where: at.id for where, at in found.items() if at.id and marks.get(where, Mark()).log_id is None}
    others = replaced(marks, found)
    if not unknown and not others:
        return marks
    with database.transaction() as cursor:
        # A mark without a log that ends behind it is of another log than this one, which it takes on all the same.
        begun = [where for where in others if begin_log(cursor, *where, marks[where], found[where].id)]
        adopt_logs(cursor, unknown)
        after = read_marks(cursor)
    _say(begun, marks, found)
    return after


def _say(begun: Collection[Partition], marks: Mapping[Partition, Mark], logs: Mapping[Partition, Log]) -> None:
    by_topic: dict[str, list[Partition]] = defaultdict(list)
    for where in begun:
        by_topic[where[0]].append(where)
        LOGS_REPLACED.labels(where[0]).inc()
    for topic, wheres in by_topic.items():
        at = {
            number: f"stored to {marks[topic, number].offset}, ends at {logs[topic, number].end}" for _, number in sorted(wheres)
        }
        was, now = marks[wheres[0]].log_id, logs[wheres[0]].id
        text = "the log was replaced" if was != now else "the log ends before what was stored: it was cut back or restored"
        log.error(f"{text}; reading it from its start", extra=fields(topic=topic, log_was=was, log_is=now, partitions=at))
