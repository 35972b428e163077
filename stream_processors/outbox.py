"""What processors send back to Kafka: dead letters, and events that belong in another partition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaException, Producer

from segue.errors import KafkaUnavailable, SegueError
from segue.events import ListeningEvent, encode, encode_envelope
from segue.kafka import MAX_DEAD_LETTER_BYTES, MAX_MESSAGE_BYTES
from segue.partitioning import partition_for
from segue.topics import DEAD_LETTERS, LISTENING_EVENTS
from segue.tracing import Attributes, Headers, span
from stream_processors.deliveries import Deliveries
from stream_processors.metrics import DEAD_LETTERS as DEAD_LETTERS_SENT
from stream_processors.metrics import EVENTS_MISROUTED
from stream_processors.records import DeadLetter

PICK_BY_KEY = -1
HEADER_BYTES = 10
"""The most that Kafka adds to a header for its two lengths."""
CUT_TO_BYTES = 65_536
MOST_HEADERS = 10_000
"""librdkafka shows a consumer no header at all of a record with 100,000."""
ENVELOPE_EVENTS = 100
QUEUE_KBYTES = 65_536
"""What waits for the broker; librdkafka's own bound of 1 GiB would let a batch of huge dead letters fill the machine."""


class Outbox:
    """A producer that returns only when the broker has everything."""

    def __init__(self, config: Mapping[str, Any], partitions: int) -> None:
        bounds = {"message.max.bytes": MAX_DEAD_LETTER_BYTES, "queue.buffering.max.kbytes": QUEUE_KBYTES}
        self._producer = Producer(dict(config) | bounds)
        self._partitions = partitions
        self._deliveries = Deliveries(self._producer)

    def send(self, dead: Sequence[DeadLetter], misrouted: Sequence[ListeningEvent] = ()) -> None:
        """Send and wait for acknowledgement. Raises KafkaUnavailable; sending all of it again is harmless.

        Repeats are harmless because an event counts once by its event_id, and a dead letter's key names where it stood.
        """
        if not dead and not misrouted:
            return
        attributes: Attributes = {"messaging.system": "kafka", "segue.dead_letters": len(dead), "segue.misrouted": len(misrouted)}
        with span("send on", "producer", attributes) as sending:
            self._send(dead, misrouted, sending.headers)
        for letter in dead:
            DEAD_LETTERS_SENT.labels(letter.code).inc()
        EVENTS_MISROUTED.inc(len(misrouted))

    def _send(self, dead: Sequence[DeadLetter], misrouted: Sequence[ListeningEvent], headers: Headers) -> None:
        """`headers`: of the misrouted events' new records, which come of all of these. A letter keeps those that it had."""
        self._deliveries.forget()
        for letter in dead:
            self._produce(DEAD_LETTERS, letter_id(letter).encode(), *_fitted(letter))
        for partition, events in _by_partition(misrouted, self._partitions).items():
            for at in range(0, len(events), ENVELOPE_EVENTS):
                chunk = events[at : at + ENVELOPE_EVENTS]
                value = encode(chunk[0]) if len(chunk) == 1 else encode_envelope(chunk)
                self._produce(LISTENING_EVENTS, chunk[0].user_id.encode(), value, headers, partition)
        if shortfall := self._deliveries.shortfall():
            records, reason = shortfall
            raise KafkaUnavailable(f"{records} records are not acknowledged ({reason})")

    def _produce(self, topic: str, key: bytes, value: bytes | None, headers: Headers, partition: int = PICK_BY_KEY) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key, partition, headers=headers, on_delivery=self._deliveries.heard)
                return
            except BufferError:
                # The local queue is full: give delivery reports a moment to empty it.
                self._producer.poll(0.1)
            except KafkaException as error:
                if error.args[0].fatal():
                    # Only a new process has a working producer again.
                    raise SegueError(f"the Kafka producer failed for good: {error}") from error
                raise KafkaUnavailable(str(error)) from error


def _by_partition(events: Sequence[ListeningEvent], partitions: int) -> dict[int, list[ListeningEvent]]:
    grouped: dict[int, list[ListeningEvent]] = defaultdict(list)
    for event in events:
        grouped[partition_for(event.user_id, partitions)].append(event)
    return grouped


def letter_id(letter: DeadLetter) -> str:
    """topic/partition/sequence/position: where the letter stood. In a topic's first log the sequence is the offset."""
    record = letter.record
    return f"{record.topic}/{record.partition}/{record.sequence}/{letter.position}"


def _fitted(letter: DeadLetter) -> tuple[bytes | None, Headers]:
    """Value and headers of a letter. A record's own headers come last, as they were; `segue-headers` tells how many they are.

    A compressed record may be larger than any letter can be, or have more headers than clients can read: the beginning of its
    value is kept, `segue-cut` tells the size of the whole.
    """
    record, raw = letter.record, letter.raw
    own = _described(letter)
    size = len(raw or b"") + len(record.key or b"") + sum(len(n) + len(v or b"") + HEADER_BYTES for n, v in record.headers)
    if size > MAX_MESSAGE_BYTES or len(record.headers) > MOST_HEADERS:
        return (raw or b"")[:CUT_TO_BYTES], [*own, ("segue-cut", str(size).encode()), ("segue-headers", b"0")]
    key: Headers = [("segue-key", record.key)] if record.key is not None else []
    return raw, [*own, *key, ("segue-headers", str(len(record.headers)).encode()), *record.headers]


def _described(letter: DeadLetter) -> Headers:
    record = letter.record
    described = {
        "segue-topic": record.topic,
        "segue-partition": str(record.partition),
        "segue-offset": str(record.offset),
        "segue-position": str(letter.position),
        "segue-error": letter.code,
        "segue-message": letter.message[:2000],
        "segue-first-seen": f"{record.timestamp_s:.3f}",
    }
    return [(name, text.encode("utf-8", "replace")) for name, text in described.items()]
