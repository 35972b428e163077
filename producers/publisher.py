"""Publishing to Kafka: acknowledged by all replicas, idempotent, with a bound on what is under way."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from producers.envelopes import EnvelopeRecord, envelopes
from segue.errors import ConfigurationError, InvalidInput, KafkaUnavailable, SegueError
from segue.events import ListeningEvent, encode
from segue.kafka import producer_config
from segue.logs import fields
from segue.settings import Settings
from segue.topics import LISTENING_EVENTS
from segue.tracing import NO_TRACING, Attributes, Headers, Tracing, open_tracing

log = logging.getLogger(__name__)

METADATA_TIMEOUT_S = 10.0
FULL_QUEUE_TIMEOUT_S = 30.0
"""How long a full queue may stand still before the caller learns that Kafka does not take records."""
FLUSH_TIMEOUT_S = 60.0
MAX_IN_FLIGHT = 20_000
"""Records that wait for acknowledgement; with envelopes of at most 64 kB this bounds memory together with MAX_IN_FLIGHT_KB."""
MAX_IN_FLIGHT_KB = 64 * 1024

_ANY_PARTITION = -1
"""librdkafka's RD_KAFKA_PARTITION_UA: the partitioner decides by the key."""

_BOUNDS: dict[str, object] = {
    "acks": "all",
    "enable.idempotence": True,
    "partitioner": "murmur2_random",
    "queue.buffering.max.messages": MAX_IN_FLIGHT,
    "queue.buffering.max.kbytes": MAX_IN_FLIGHT_KB,
}


@dataclass(slots=True)
class PublishCounts:
    """What became of what was handed over. `queued` = `delivered` + `undelivered` + what is still under way."""

    queued: int = 0
    delivered: int = 0
    undelivered: int = 0
    events: int = 0
    """Listening events among the delivered records."""

    @property
    def in_flight(self) -> int:
        """Records that Kafka has neither acknowledged nor refused."""
        return self.queued - self.delivered - self.undelivered


@dataclass(frozen=True, slots=True)
class _Record:
    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None
    events: int
    headers: Headers


class Publisher:
    """One Kafka producer. Records that Kafka refused are kept until `retry_undelivered`, so that nothing is lost on the way.

    `config` is librdkafka's; what Segue's guarantees rest on (acks, idempotence, partitioner, bounds) is set here and wins.
    """

    def __init__(self, config: Mapping[str, object], tracing: Tracing = NO_TRACING) -> None:
        self._tracing = tracing
        self.counts = PublishCounts()
        self.reachable = True
        """False from the moment that no broker answers until a record is acknowledged again."""
        self._acknowledged_at = time.monotonic()
        self._undelivered: list[tuple[_Record, KafkaError]] = []
        settings = {**config, **_BOUNDS, "error_cb": self._on_error}
        try:
            self._producer = Producer(settings, logger=logging.getLogger("librdkafka"))
        except KafkaException as error:
            raise ConfigurationError(f"Kafka producer: {error.args[0].str()}") from error
        self._partitions: int | None = None

    @property
    def silent_s(self) -> float:
        """Seconds since Kafka last acknowledged a record, while there are any under way; else 0."""
        return time.monotonic() - self._acknowledged_at if self.counts.in_flight else 0.0

    def partitions(self) -> int:
        """Partitions of `listening-events`, asked of the cluster once. Raises KafkaUnavailable."""
        if self._partitions is None:
            self._partitions = self._partition_count(LISTENING_EVENTS)
        return self._partitions

    def publish_events(self, events: Iterable[ListeningEvent]) -> int:
        """Queue events as envelopes, each user's in order; returns how many. Nothing waits in here when it returns.

        Raises KafkaUnavailable when the queue is full and stays full. Where traces are asked for, each call is one, and ends when
        all is queued.
        """
        queued = 0
        attributes: Attributes = {"messaging.system": "kafka", "messaging.destination.name": LISTENING_EVENTS}
        with self._tracing.root(f"send {LISTENING_EVENTS}", "producer", attributes) as sending:
            for record in envelopes(events, self.partitions()):
                self._queue(_envelope(record, sending.headers))
                queued += record.events
            sending.note({"segue.events": queued})
        self._producer.poll(0)
        return queued

    def publish_records(self, topic: str, records: Iterable[tuple[str, msgspec.Struct | None]]) -> int:
        """Queue keyed records of a compacted topic; None deletes the key. Returns how many. Raises like `publish_events`."""
        queued = 0
        for key, struct in records:
            value = None if struct is None else encode(struct)
            # No trace: these records stay in the log for years.
            self._queue(_Record(topic, key.encode(), value, None, 0, []))
            queued += 1
        return queued

    def flush(self, timeout_s: float = FLUSH_TIMEOUT_S) -> None:
        """Wait until Kafka has acknowledged everything. Raises KafkaUnavailable with counts if it has not."""
        waiting = self._producer.flush(timeout_s)
        if waiting or self._undelivered:
            raise KafkaUnavailable(self._shortfall(waiting))

    def poll(self, timeout_s: float = 0.0) -> None:
        """Take in what Kafka has answered so far."""
        self._producer.poll(timeout_s)

    def retry_undelivered(self) -> int:
        """Queue again what Kafka refused, behind what has been queued since; returns how many records."""
        again, self._undelivered = self._undelivered, []
        self.counts.undelivered -= len(again)
        self.counts.queued -= len(again)
        for position, (record, _) in enumerate(again):
            try:
                self._queue(record)
            except KafkaUnavailable:
                self._restore(again[position:])
                raise
        return len(again)

    def _restore(self, records: list[tuple[_Record, KafkaError]]) -> None:
        self._undelivered = records + self._undelivered
        self.counts.undelivered += len(records)
        self.counts.queued += len(records)

    def _queue(self, record: _Record) -> None:
        deadline = time.monotonic() + FULL_QUEUE_TIMEOUT_S
        acknowledged = self.counts.delivered
        while True:
            try:
                return self._produce(record)
            except BufferError:
                self._producer.poll(0.1)
            if self.counts.delivered > acknowledged:
                acknowledged, deadline = self.counts.delivered, time.monotonic() + FULL_QUEUE_TIMEOUT_S
            if time.monotonic() > deadline:
                raise KafkaUnavailable(self._shortfall(len(self._producer)))

    def _produce(self, record: _Record) -> None:
        # A bound method per record would hold its value twice; a closure holds a reference only.
        def on_delivery(error: KafkaError | None, _: Message) -> None:
            self._on_delivery(record, error)

        partition = _ANY_PARTITION if record.partition is None else record.partition
        try:
            self._producer.produce(record.topic, record.value, record.key, partition, on_delivery, headers=record.headers)
        except KafkaException as error:
            raise _translated(record, error.args[0]) from error
        self.counts.queued += 1
        self._producer.poll(0)

    def _on_delivery(self, record: _Record, error: KafkaError | None) -> None:
        self._note_reachable(error is None)
        if error is not None:
            self.counts.undelivered += 1
            self._undelivered.append((record, error))
            return
        self._acknowledged_at = time.monotonic()
        self.counts.delivered += 1
        self.counts.events += record.events

    def _on_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._note_reachable(False)
        log.debug("kafka client error", extra=fields(code=error.name(), reason=error.str()))

    def _note_reachable(self, now: bool) -> None:
        if now != self.reachable:
            state = "Kafka answers again" if now else "Kafka does not answer: records wait"
            log.warning(state, extra=fields(waiting=len(self._producer), refused=self.counts.undelivered))
        self.reachable = now

    def _shortfall(self, waiting: int) -> str:
        refused = len(self._undelivered)
        reason = self._undelivered[0][1].str() if refused else "no answer from the brokers"
        missing = f"{waiting + refused:,} of {self.counts.queued:,} records"
        return (
            f"{missing} were not acknowledged ({refused:,} refused, {waiting:,} waiting): {reason}. "
            "Check SEGUE_KAFKA_BOOTSTRAP and run the command again: what arrives twice is counted once"
        )

    def _partition_count(self, topic: str) -> int:
        try:
            found = self._producer.list_topics(topic, timeout=METADATA_TIMEOUT_S).topics[topic]
        except KafkaException as error:
            raise KafkaUnavailable(f"no broker answers ({error.args[0].str()}): check SEGUE_KAFKA_BOOTSTRAP") from error
        if found.error is not None or not found.partitions:
            raise KafkaUnavailable(f"topic {topic} is not there yet: start the stack with `segue up` or create it")
        return len(found.partitions)


@contextmanager
def open_publisher(
    settings: Settings, flush_timeout_s: float = FLUSH_TIMEOUT_S, record_timeout_s: float | None = None
) -> Iterator[Publisher]:
    """A publisher on the settings' cluster; flushed at the end of a block without an error.

    A record that Kafka does not take within `record_timeout_s` is undelivered; 0 waits for ever, None as `segue.kafka` says.
    """
    timeout = {} if record_timeout_s is None else {"message.timeout.ms": round(record_timeout_s * 1000)}
    tracing = open_tracing(settings, "segue-producer")
    try:
        publisher = Publisher(producer_config(settings) | timeout, tracing)
        yield publisher
        publisher.flush(flush_timeout_s)
    finally:
        tracing.close()


def _envelope(record: EnvelopeRecord, headers: Headers) -> _Record:
    return _Record(LISTENING_EVENTS, None, record.value, record.partition, record.events, headers)


def _translated(record: _Record, error: KafkaError) -> SegueError:
    if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        size = len(record.value or b"")
        return InvalidInput(f"the record {record.key!r} of {size:,} bytes is larger than Kafka takes", "record_too_large")
    if error.code() == KafkaError._FATAL:
        # librdkafka's idempotent producer never recovers from this; a new process does.
        return SegueError(f"the Kafka producer cannot go on ({error.str()}): start this command again")
    return KafkaUnavailable(f"cannot write to {record.topic}: {error.str()}")
