"""What processors send back to Kafka: dead letters, and events that belong in another partition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from segue.errors import KafkaUnavailable, SegueError
from segue.events import ListeningEvent, encode, encode_envelope
from segue.kafka import MAX_DEAD_LETTER_BYTES
from segue.partitioning import partition_for
from segue.topics import DEAD_LETTERS, LISTENING_EVENTS
from stream_processors.metrics import DEAD_LETTERS as DEAD_LETTERS_SENT
from stream_processors.metrics import EVENTS_MISROUTED
from stream_processors.records import DeadLetter

Headers = list[tuple[str, str | bytes | None]]

PICK_BY_KEY = -1
ENVELOPE_EVENTS = 100
FLUSH_TIMEOUT_S = 35.0
"""A little over the producer's message.timeout.ms, so that every delivery report has come."""


class Outbox:
    """A producer that returns only when the broker has everything."""

    def __init__(self, config: Mapping[str, Any], partitions: int) -> None:
        self._producer = Producer(dict(config) | {"message.max.bytes": MAX_DEAD_LETTER_BYTES})
        self._partitions = partitions
        self._errors: list[KafkaError] = []

    def send(self, dead: Sequence[DeadLetter], misrouted: Sequence[ListeningEvent] = ()) -> None:
        """Send and wait for acknowledgement. Raises KafkaUnavailable; sending all of it again is harmless.

        Repeats are harmless because an event counts once by its event_id, and a dead letter's key names where it stood.
        """
        if not dead and not misrouted:
            return
        self._errors.clear()
        for letter in dead:
            self._produce(DEAD_LETTERS, _key(letter), letter.raw, _headers(letter))
        for partition, events in _by_partition(misrouted, self._partitions).items():
            for at in range(0, len(events), ENVELOPE_EVENTS):
                chunk = events[at : at + ENVELOPE_EVENTS]
                value = encode(chunk[0]) if len(chunk) == 1 else encode_envelope(chunk)
                self._produce(LISTENING_EVENTS, chunk[0].user_id.encode(), value, [], partition)
        unsent = self._producer.flush(FLUSH_TIMEOUT_S)
        if unsent or self._errors:
            reason = self._errors[0].str() if self._errors else f"{unsent} records unsent after {FLUSH_TIMEOUT_S:.0f} s"
            raise KafkaUnavailable(reason)
        for letter in dead:
            DEAD_LETTERS_SENT.labels(letter.code).inc()
        EVENTS_MISROUTED.inc(len(misrouted))

    def _produce(self, topic: str, key: bytes, value: bytes, headers: Headers, partition: int = PICK_BY_KEY) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key, partition, headers=headers, on_delivery=self._delivered)
                return
            except BufferError:
                # The local queue is full: give delivery reports a moment to empty it.
                self._producer.poll(0.1)
            except KafkaException as error:
                if error.args[0].fatal():
                    # Only a new process has a working producer again.
                    raise SegueError(f"the Kafka producer failed for good: {error}") from error
                raise KafkaUnavailable(str(error)) from error

    def _delivered(self, error: KafkaError | None, _message: object) -> None:
        if error is not None:
            self._errors.append(error)


def _by_partition(events: Sequence[ListeningEvent], partitions: int) -> dict[int, list[ListeningEvent]]:
    grouped: dict[int, list[ListeningEvent]] = defaultdict(list)
    for event in events:
        grouped[partition_for(event.user_id, partitions)].append(event)
    return grouped


def _key(letter: DeadLetter) -> bytes:
    record = letter.record
    return f"{record.topic}/{record.partition}/{record.offset}/{letter.position}".encode()


def _headers(letter: DeadLetter) -> Headers:
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
    original: Headers = [("segue-key", record.key)] if record.key is not None else []
    own: Headers = [(name, text.encode("utf-8", "replace")) for name, text in described.items()]
    return own + original + [(f"original-{name}", value) for name, value in record.headers.items()]
