"""What a worker has to do and whether it does it, by topic. No Faust and no clock here; safe for several threads."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

Partition = tuple[str, int]
"""Topic and number."""

GROUP = "consumer group"
_GROUP_PATIENCE = 2
"""A worker that hangs keeps the others from joining until it ends itself; they must not end with it."""


class Progress:
    """Positions, ends and idle time of the assigned partitions.

    A topic has work while a batch of it is in hand, while one of its partitions has lag, or while it is not known yet where one
    of them starts. Idle time is what passes with work, without a sign of life and without a store to wait for.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._lock = threading.Lock()
        self._next: dict[Partition, int | None] = {}
        self._ends: dict[Partition, int] = {}
        self._begins: dict[Partition, int] = {}
        self._in_hand: set[str] = set()
        self._joining = False
        self._idle_s: defaultdict[str, float] = defaultdict(float)

    def assigned(self, partitions: Iterable[Partition]) -> None:
        """These are ours now, from positions that are not known yet."""
        with self._lock:
            self._next |= dict.fromkeys(partitions)
            self._joining = False

    def revoked(self, partitions: Iterable[Partition]) -> list[Partition]:
        """These are no longer ours, and an assignment is to come. Returns those that were ours."""
        with self._lock:
            self._joining = True
            ours = [partition for partition in partitions if partition in self._next]
            for partition in ours:
                del self._next[partition]
                self._ends.pop(partition, None)
                self._begins.pop(partition, None)
            return ours

    def starts(self, positions: Mapping[Partition, int]) -> None:
        """From where these are read. What was known of their logs' bounds is forgotten: they may be other logs now."""
        with self._lock:
            for partition in positions:
                self._ends.pop(partition, None)
                self._begins.pop(partition, None)
            self._next |= {partition: at for partition, at in positions.items() if partition in self._next}

    def ends(self, ends: Mapping[Partition, int]) -> None:
        """Where the log ended a moment ago."""
        with self._lock:
            self._ends |= {partition: end for partition, end in ends.items() if partition in self._next}

    def begins(self, begins: Mapping[Partition, int]) -> None:
        """Before these offsets is nothing to read: it expired, or what is there are no records. The highest said counts."""
        with self._lock:
            ours = {partition: begin for partition, begin in begins.items() if partition in self._next}
            self._begins |= {partition: max(begin, self._begins.get(partition, 0)) for partition, begin in ours.items()}

    def takes(self, topic: str) -> None:
        """A batch is being processed."""
        with self._lock:
            self._in_hand.add(topic)
            self._idle_s.pop(topic, None)

    def returns(self, topic: str) -> None:
        """The batch is done."""
        with self._lock:
            self._in_hand.discard(topic)
            self._idle_s.pop(topic, None)

    def stored(self, topic: str, partition: int, next_offset: int) -> None:
        """Everything before `next_offset` is stored."""
        with self._lock:
            if (topic, partition) in self._next:
                self._next[topic, partition] = next_offset
            self._idle_s.pop(topic, None)

    def lives(self, topic: str) -> None:
        """A sign of life, if only that a store answered."""
        with self._lock:
            self._idle_s.pop(topic, None)

    def lag(self) -> dict[Partition, int]:
        """Records not yet stored of each partition whose position and end are known."""
        with self._lock:
            return self._lag()

    def unstored(self, partition: Partition) -> tuple[int, int]:
        """From where a partition is not stored, and where its log ended; the same twice if it is not known or not ours."""
        with self._lock:
            end = self._ends.get(partition, 0)
            at = self._next.get(partition)
            return (end, end) if at is None else (max(at, self._begins.get(partition, 0)), end)

    def idle_s(self, topic: str) -> float:
        """Seconds that a topic with work passed without a sign of life."""
        with self._lock:
            return self._idle_s.get(topic, 0.0)

    def stalled(self, elapsed_s: float, waiting: Collection[str] = ()) -> str | None:
        """Let time pass; the topic that was idle for too long, or None. `waiting` are topics that wait for a store."""
        with self._lock:
            busy = self._busy() - set(waiting)
            for topic in [topic for topic in self._idle_s if topic not in busy]:
                del self._idle_s[topic]
            for topic in busy:
                self._idle_s[topic] += elapsed_s
            return next((topic for topic in sorted(busy) if self._idle_s[topic] > self._most_s(topic)), None)

    def _busy(self) -> set[str]:
        lagging = {topic for (topic, _), records in self._lag().items() if records}
        unstarted = {topic for (topic, _), at in self._next.items() if at is None}
        return lagging | unstarted | self._in_hand | ({GROUP} if self._joining else set())

    def _lag(self) -> dict[Partition, int]:
        known = {partition: at for partition, at in self._next.items() if at is not None and partition in self._ends}
        return {p: max(0, self._ends[p] - max(at, self._begins.get(p, 0))) for p, at in known.items()}

    def _most_s(self, topic: str) -> float:
        return self._limit_s * (_GROUP_PATIENCE if topic == GROUP else 1)
