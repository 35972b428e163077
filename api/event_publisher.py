"""Events and keyed records to Kafka: each is acknowledged by all replicas, or named as not delivered, in bounded time."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from api.gates import CircuitBreaker
from segue.errors import InvalidInput, KafkaUnavailable
from segue.events import ListeningEvent, encode, encode_envelope
from segue.kafka import MAX_MESSAGE_BYTES
from segue.logs import fields
from segue.partitioning import partition_for
from segue.topics import LISTENING_EVENTS
from segue.tracing import Span, span

log = logging.getLogger(__name__)

DELIVERY_TIMEOUT_MS = 2_500
"""When librdkafka gives a record up. It looks once a second, so a client waits 3.5 s at most."""
REPORT_TIMEOUT_S = 5.0
"""A report that has not come by then never will; a backstop only."""
METADATA_TIMEOUT_S = 2.0
FLUSH_TIMEOUT_S = 5.0
POLL_S = 0.2
RECORD_EVENTS = 500
"""Events in one envelope: at most about 0.5 MB, below any broker's limit."""
RECORDS_AT_ONCE = 100
"""Keyed records under way for one request: one that deletes thousands leaves room in the queue for the others."""
MAX_RECORD_BYTES = MAX_MESSAGE_BYTES - 4_096
"""Of a keyed record, with its key; the rest is what Kafka writes around it."""


class Position(NamedTuple):
    """Where a record stands in its topic."""

    partition: int
    offset: int


class EventPublisher(Protocol):
    """Takes in events and keyed records. The real one speaks to Kafka; tests have one in memory."""

    async def publish(self, events: Sequence[ListeningEvent]) -> list[str | None]:
        """For each event None if it is stored for good, else the reason why that is not certain.

        Raises KafkaUnavailable when none of them was sent.
        """

    async def publish_records(self, topic: str, records: Mapping[str, msgspec.Struct | None]) -> dict[str, Position]:
        """Write the newest state of keys of a compacted topic, in order; None deletes a key. Returns where each is stored.

        Raises KafkaUnavailable unless all of them are stored for good: some may be, and sending all again does no harm, as the
        newest record of a key wins. Raises InvalidInput for a record that is larger than Kafka takes, before any is sent.
        """

    async def check(self) -> None:
        """Raises KafkaUnavailable unless a broker answers and the topic is there."""

    def start(self) -> None:
        """Begin to take reports in; call it on the event loop."""

    async def close(self) -> None:
        """Wait for what is under way."""

    def queued(self) -> int:
        """Records that wait for their report."""


@dataclass(frozen=True)
class Record:
    """What is sent as one Kafka record. `positions`: of its events in the request, all of one partition, in order."""

    partition: int
    value: bytes | None
    key: bytes | None
    positions: tuple[int, ...] = ()


Outcome = Position | str
"""Where a record was stored, or the reason why that is not certain."""


class KafkaEventPublisher:
    """One idempotent producer; its reports are polled in a thread and handed to the event loop."""

    def __init__(self, config: Mapping[str, Any], max_queued_records: int, breaker: CircuitBreaker | None = None) -> None:
        self._producer = Producer(
            {
                **config,
                "message.timeout.ms": DELIVERY_TIMEOUT_MS,
                "queue.buffering.max.messages": max_queued_records,
            },
            logger=logging.getLogger("librdkafka"),
        )
        self._breaker = breaker or CircuitBreaker()
        self._partitions: dict[str, int] = {}
        self._stopping = threading.Event()
        self._poller: threading.Thread | None = None

    def start(self) -> None:
        """Start the polling thread."""
        self._poller = threading.Thread(target=self._poll, name="kafka-reports", daemon=True)
        self._poller.start()

    async def publish(self, events: Sequence[ListeningEvent]) -> list[str | None]:
        """See EventPublisher."""
        reasons: list[str | None] = [None] * len(events)
        for record, outcome in await self._send(LISTENING_EVENTS, lambda partitions: records_of(events, partitions)):
            for position in record.positions:
                reasons[position] = outcome if isinstance(outcome, str) else None
        return reasons

    async def publish_records(self, topic: str, records: Mapping[str, msgspec.Struct | None]) -> dict[str, Position]:
        """See EventPublisher."""
        values = [(key, None if struct is None else encode(struct)) for key, struct in records.items()]
        for key, value in values:
            _check_size(key, value)
        stored: dict[str, Position] = {}
        for at in range(0, len(values), RECORDS_AT_ONCE):
            some = values[at : at + RECORDS_AT_ONCE]
            sent = await self._send(topic, partial(_keyed_records, some))
            stored |= {key: _stored(outcome) for (key, _), (_, outcome) in zip(some, sent, strict=True)}
        return stored

    async def check(self) -> None:
        """See EventPublisher."""
        self._partitions[LISTENING_EVENTS] = await asyncio.to_thread(self._ask_partitions, LISTENING_EVENTS)

    async def close(self) -> None:
        """Flush, then stop polling."""
        waiting = await asyncio.to_thread(self._producer.flush, FLUSH_TIMEOUT_S)
        if waiting:
            log.error("records were not acknowledged before shutdown", extra=fields(records=waiting))
        self._stopping.set()
        if self._poller is not None:
            await asyncio.to_thread(self._poller.join)

    def queued(self) -> int:
        """Records that wait for their report."""
        return len(self._producer)

    async def _send(self, topic: str, split: Callable[[int], list[Record]]) -> list[tuple[Record, Outcome]]:
        """The records that `split` makes for a number of partitions, and what became of each."""
        with span(f"send {topic}", "producer", {"messaging.system": "kafka", "messaging.destination.name": topic}) as sending:
            self._breaker.admit()
            try:
                records = split(await self._partition_count(topic))
                outcomes = await self._deliver(topic, records, sending)
            except KafkaUnavailable as error:
                self._breaker.failed(error)
                raise
            failure = next((outcome for outcome in outcomes if isinstance(outcome, str)), None)
            if failure is None:
                self._breaker.succeeded()
            else:
                self._breaker.failed(KafkaUnavailable(failure))
                sending.fail("undelivered")
        return list(zip(records, outcomes, strict=True))

    async def _deliver(self, topic: str, records: Sequence[Record], sending: Span) -> list[Outcome]:
        sending.note({"messaging.batch.message_count": len(records)})
        reports = [self._produce(topic, record, sending) for record in records]
        done, _ = await asyncio.wait(reports, timeout=REPORT_TIMEOUT_S)
        return [report.result() if report in done else f"no report within {REPORT_TIMEOUT_S:g} s" for report in reports]

    def _produce(self, topic: str, record: Record, sending: Span) -> asyncio.Future[Outcome]:
        """A future of what becomes of the record."""
        loop = asyncio.get_running_loop()
        report: asyncio.Future[Outcome] = loop.create_future()

        def on_delivery(error: KafkaError | None, message: Message) -> None:
            loop.call_soon_threadsafe(_settle, report, _outcome(error, message))

        try:
            self._producer.produce(
                topic,
                value=record.value,
                key=record.key,
                partition=record.partition,
                on_delivery=on_delivery,
                headers=sending.headers,
            )
        except BufferError:
            _settle(report, "too many records wait for Kafka already")
        except KafkaException as error:
            _settle(report, f"Kafka did not take it: {error.args[0].str()}")
        return report

    async def _partition_count(self, topic: str) -> int:
        if topic not in self._partitions:
            self._partitions[topic] = await asyncio.to_thread(self._ask_partitions, topic)
        return self._partitions[topic]

    def _ask_partitions(self, topic: str) -> int:
        try:
            found = self._producer.list_topics(topic, timeout=METADATA_TIMEOUT_S).topics[topic]
        except KafkaException as error:
            raise KafkaUnavailable(f"no Kafka broker answers: {error.args[0].str()}") from error
        if found.error is not None or not found.partitions:
            raise KafkaUnavailable(f"topic {topic} does not exist: `segue up` or `segue prepare` creates it")
        return len(found.partitions)

    def _poll(self) -> None:
        while not self._stopping.is_set():
            self._producer.poll(POLL_S)


def records_of(events: Sequence[ListeningEvent], partitions: int) -> list[Record]:
    """One record for each partition, an envelope where it has more than one event; order within a partition is kept."""
    by_partition: dict[int, list[int]] = {}
    for position, event in enumerate(events):
        by_partition.setdefault(partition_for(event.user_id, partitions), []).append(position)
    return [
        _record(partition, positions[at : at + RECORD_EVENTS], events)
        for partition, positions in by_partition.items()
        for at in range(0, len(positions), RECORD_EVENTS)
    ]


def _record(partition: int, positions: Sequence[int], events: Sequence[ListeningEvent]) -> Record:
    if len(positions) == 1:
        event = events[positions[0]]
        return Record(partition, encode(event), event.user_id.encode(), tuple(positions))
    return Record(partition, encode_envelope([events[position] for position in positions]), None, tuple(positions))


def _keyed_records(values: Sequence[tuple[str, bytes | None]], partitions: int) -> list[Record]:
    return [Record(partition_for(key, partitions), value, key.encode()) for key, value in values]


def _stored(outcome: Outcome) -> Position:
    if isinstance(outcome, str):
        raise KafkaUnavailable(f"not every record is known to be stored ({outcome}): send the request again")
    return outcome


def _check_size(key: str, value: bytes | None) -> None:
    size = len(key.encode()) + len(value or b"")
    if size > MAX_RECORD_BYTES:
        raise InvalidInput(f"{key!r} takes {size:,} bytes: Kafka takes {MAX_RECORD_BYTES:,} in one record", "record_too_large")


def _outcome(error: KafkaError | None, message: Message) -> Outcome:
    if error is not None:
        return f"Kafka did not take it: {error.str()}"
    return Position(message.partition() or 0, message.offset() or 0)


def _settle(report: asyncio.Future[Outcome], outcome: Outcome) -> None:
    # The request may have been given up meanwhile.
    if not report.done():
        report.set_result(outcome)
