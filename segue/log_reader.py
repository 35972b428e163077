"""Reading a stretch of the log, apart from the processors' consumer group."""

from __future__ import annotations

import uuid
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from segue.errors import KafkaUnavailable
from segue.kafka import client_config, committed_offsets
from segue.settings import Settings

TIMEOUT_S = 10.0
Offsets = dict[tuple[str, int], int]
"""Offsets by (topic, partition)."""
Hole = tuple[int, int]
"""The first offset that did not come, and the one behind the last that did not."""


class LogReader:
    """A consumer that is told where to start and stops where the log ended when it began. Close it after use."""

    def __init__(self, settings: Settings, group: str | None = None) -> None:
        self._consumer = Consumer(
            client_config(settings.require_kafka())
            | {
                "group.id": group or f"reader-{uuid.uuid4().hex}",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
                # Bytes fetched ahead, in KiB: records of 4 MB are read in as little memory as small ones.
                "queued.max.messages.kbytes": 32_768,
            }
        )

    def bounds(self, topics: Iterable[str]) -> tuple[Offsets, Offsets]:
        """First offsets kept, and the offsets behind the last records, of every partition. Raises KafkaUnavailable."""
        starts: Offsets = {}
        ends: Offsets = {}
        with _translated():
            known = self._consumer.list_topics(timeout=TIMEOUT_S).topics
            for topic in topics:
                for number in known[topic].partitions:
                    low, high = self._consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=TIMEOUT_S)
                    starts[topic, number], ends[topic, number] = low, high
        return starts, ends

    def committed(self, starts: Offsets) -> Offsets:
        """The group's committed offsets, where there are none the given starts. Raises KafkaUnavailable."""
        with _translated():
            found = committed_offsets(self._consumer, [TopicPartition(*where) for where in starts])
        return {(tp.topic, tp.partition): max(tp.offset, starts[tp.topic, tp.partition]) for tp in found}

    def commit(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Keep the group's offsets. Raises KafkaUnavailable."""
        with _translated():
            self._consumer.commit(offsets=[TopicPartition(*where, at) for where, at in positions.items()], asynchronous=False)

    def offsets_at(self, starts: Offsets, time_s: float) -> Offsets:
        """The first offset of each partition at or after a Unix time; its end if there is none. Raises KafkaUnavailable."""
        asked = [TopicPartition(*where, round(time_s * 1000)) for where in starts]
        with _translated():
            found = self._consumer.offsets_for_times(asked, timeout=TIMEOUT_S)
        _, ends = self.bounds({topic for topic, _ in starts})
        return {(tp.topic, tp.partition): tp.offset if tp.offset >= 0 else ends[tp.topic, tp.partition] for tp in found}

    def read(self, starts: Offsets, ends: Offsets) -> Iterator[Message]:
        """Messages from `starts` up to, not including, `ends`; in order within a partition. Raises KafkaUnavailable."""
        left = {where for where, end in ends.items() if starts[where] < end}
        self._consumer.assign([TopicPartition(*where, starts[where]) for where in left])
        while left:
            message = self._consumer.poll(TIMEOUT_S)
            if message is None:
                raise KafkaUnavailable(f"nothing came from the log within {TIMEOUT_S:.0f} s")
            where = (message.topic() or "", message.partition() or 0)
            error, offset = message.error(), message.offset() or 0
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise KafkaUnavailable(error.str())
            if error is None and offset < ends[where]:
                yield message
            # The end of a compacted partition may hold no record: its EOF ends it too.
            if error is not None or offset >= ends[where] - 1:
                left.discard(where)
        # A consumer at the end of its partitions keeps the broker waiting, and each question asked meanwhile takes half a second.
        self._consumer.unassign()

    def read_one(self, topic: str, partition: int, offset: int) -> Iterator[Message]:
        """The record at an offset; nothing if the log does not have it any more. Raises KafkaUnavailable."""
        try:
            starts, ends = self.bounds([topic])
        except KeyError:
            return
        where = (topic, partition)
        if where in ends and starts[where] <= offset < ends[where]:
            yield from (message for message in self.read({where: offset}, {where: offset + 1}) if message.offset() == offset)

    def earliest(self, topic: str, partition: int) -> int:
        """The first offset that a partition keeps. Raises KafkaUnavailable."""
        with _translated():
            low, _ = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=TIMEOUT_S)
        return int(low)

    def close(self) -> None:
        """Leave the group and close the connections."""
        self._consumer.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except KafkaException as error:
        raise KafkaUnavailable(str(error)) from error


def headers_of(message: Message) -> tuple[tuple[str, bytes | None], ...]:
    """A record's headers, in order."""
    pairs: list[tuple[str, str | bytes | None]] = list(message.headers() or [])  # type: ignore[arg-type]
    return tuple((name, value.encode() if isinstance(value, str) else value) for name, value in pairs)


def first_with_records(settings: Settings, topic: str, partition: int, holes: Sequence[Hole]) -> Hole | None:
    """The first of these holes (in order) that had records, in the log or expired; None if they never held any.

    The end of a transaction takes an offset, and so does each record of one that was taken back. Reads the log from the first
    hole to the last, or to the first record in a hole. Raises KafkaUnavailable.
    """
    with closing(LogReader(settings)) as reader:
        if reader.earliest(topic, partition) > holes[0][0]:
            return holes[0]
        for message in reader.read({(topic, partition): holes[0][0]}, {(topic, partition): holes[-1][1]}):
            offset = message.offset() or 0
            start, end = holes[bisect_right(holes, offset, key=lambda hole: hole[0]) - 1]
            if offset < end:
                return start, end
    return None
