"""Events to Kafka: every event of a request is acknowledged by all replicas, or named as not delivered, in bounded time."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from api.gates import CircuitBreaker
from segue.errors import KafkaUnavailable
from segue.events import ListeningEvent, encode, encode_envelope
from segue.logs import fields
from segue.partitioning import partition_for
from segue.topics import LISTENING_EVENTS

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


class EventPublisher(Protocol):
    """Takes in events. The real one speaks to Kafka; tests have one in memory."""

    async def publish(self, events: Sequence[ListeningEvent]) -> list[str | None]:
        """For each event None if it is stored for good, else the reason why that is not certain.

        Raises KafkaUnavailable when none of them was sent.
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
    """What is sent as one Kafka record: the positions of its events in the request, all of one partition, in order."""

    partition: int
    positions: tuple[int, ...]
    value: bytes
    key: bytes | None


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
        self._partitions: int | None = None
        self._stopping = threading.Event()
        self._poller: threading.Thread | None = None

    def start(self) -> None:
        """Start the polling thread."""
        self._poller = threading.Thread(target=self._poll, name="kafka-reports", daemon=True)
        self._poller.start()

    async def publish(self, events: Sequence[ListeningEvent]) -> list[str | None]:
        """See EventPublisher."""
        self._breaker.admit()
        try:
            records = records_of(events, await self._partition_count())
            reasons = await self._deliver(records, len(events))
        except KafkaUnavailable as error:
            self._breaker.failed(error)
            raise
        failure = next((reason for reason in reasons if reason is not None), None)
        if failure is None:
            self._breaker.succeeded()
        else:
            self._breaker.failed(KafkaUnavailable(failure))
        return reasons

    async def check(self) -> None:
        """See EventPublisher."""
        self._partitions = await asyncio.to_thread(self._ask_partitions)

    async def close(self) -> None:
        """Flush, then stop polling."""
        waiting = await asyncio.to_thread(self._producer.flush, FLUSH_TIMEOUT_S)
        if waiting:
            log.error("events were not acknowledged before shutdown", extra=fields(topic=LISTENING_EVENTS, records=waiting))
        self._stopping.set()
        if self._poller is not None:
            await asyncio.to_thread(self._poller.join)

    def queued(self) -> int:
        """Records that wait for their report."""
        return len(self._producer)

    async def _deliver(self, records: Sequence[Record], count: int) -> list[str | None]:
        reasons: list[str | None] = [None] * count
        reports = [self._produce(record) for record in records]
        done, _ = await asyncio.wait(reports, timeout=REPORT_TIMEOUT_S)
        for record, report in zip(records, reports, strict=True):
            reason = report.result() if report in done else f"no report within {REPORT_TIMEOUT_S:g} s"
            for position in record.positions:
                reasons[position] = reason
        return reasons

    def _produce(self, record: Record) -> asyncio.Future[str | None]:
        """A future of the reason why the record was not stored, or of None."""
        loop = asyncio.get_running_loop()
        report: asyncio.Future[str | None] = loop.create_future()

        def on_delivery(error: KafkaError | None, _: Message) -> None:
            loop.call_soon_threadsafe(_settle, report, None if error is None else f"Kafka did not take it: {error.str()}")

        try:
            self._producer.produce(
                LISTENING_EVENTS, value=record.value, key=record.key, partition=record.partition, on_delivery=on_delivery
            )
        except BufferError:
            _settle(report, "too many events wait for Kafka already")
        except KafkaException as error:
            _settle(report, f"Kafka did not take it: {error.args[0].str()}")
        return report

    async def _partition_count(self) -> int:
        if self._partitions is None:
            self._partitions = await asyncio.to_thread(self._ask_partitions)
        return self._partitions

    def _ask_partitions(self) -> int:
        try:
            topic = self._producer.list_topics(LISTENING_EVENTS, timeout=METADATA_TIMEOUT_S).topics[LISTENING_EVENTS]
        except KafkaException as error:
            raise KafkaUnavailable(f"no Kafka broker answers: {error.args[0].str()}") from error
        if topic.error is not None or not topic.partitions:
            raise KafkaUnavailable(f"topic {LISTENING_EVENTS} does not exist: `segue up` or `segue prepare` creates it")
        return len(topic.partitions)

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
        return Record(partition, tuple(positions), encode(event), event.user_id.encode())
    return Record(partition, tuple(positions), encode_envelope([events[position] for position in positions]), None)


def _settle(report: asyncio.Future[str | None], reason: str | None) -> None:
    # The request may have been given up meanwhile.
    if not report.done():
        report.set_result(reason)
