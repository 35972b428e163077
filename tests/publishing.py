"""Publishing listening events to the session's broker, as any producer would."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from confluent_kafka import Producer

from segue.events import ARTIST_TYPES, LISTENING_TYPES, ListeningEvent, encode, encode_envelope
from segue.kafka import producer_config
from segue.partitioning import partition_for
from segue.settings import Settings
from segue.topics import LISTENING_EVENTS


def random_events(count: int, seed: int, prefix: str, users: int = 200, tracks: int = 300) -> list[ListeningEvent]:
    """Events of every type over `users` listeners named after `prefix`, in the last month."""
    # By the prefix too: two tests with one seed must not make the same event ids.
    rng = random.Random(f"{prefix} {seed}")
    now = datetime.now(UTC)
    kinds = rng.choices(LISTENING_TYPES, weights=(60, 20, 4, 1, 2, 1, 4, 1, 7, 2, 1, 2, 1), k=count)
    return [
        ListeningEvent(
            event_id=uuid.UUID(int=rng.getrandbits(128)),
            type=kind,
            user_id=f"{prefix}-{rng.randrange(users)}",
            track_id=f"{prefix}-track-{rng.randrange(tracks)}",
            occurred_at=now - timedelta(seconds=rng.randrange(30 * 86_400), microseconds=rng.randrange(1_000_000)),
            ms_played=rng.choice([None, 5_000, 200_000]),
            artist=f"{prefix} Artist {rng.randrange(20)}" if kind in ARTIST_TYPES else None,
        )
        for kind in kinds
    ]


def publish(settings: Settings, events: Iterable[ListeningEvent], per_record: int = 1) -> None:
    """Publish in order; `per_record` over 1 makes envelopes. Returns when the broker has everything."""
    producer = Producer(producer_config(settings))
    waiting: dict[int, list[ListeningEvent]] = {}
    for event in events:
        partition = partition_for(event.user_id, settings.kafka_partitions)
        group = waiting.setdefault(partition, [])
        group.append(event)
        if len(group) == per_record:
            _produce(producer, partition, waiting.pop(partition))
    for partition, group in waiting.items():
        _produce(producer, partition, group)
    assert producer.flush(60) == 0


def publish_raw(
    settings: Settings, values: Sequence[bytes | None], key: bytes | None = None, topic: str = LISTENING_EVENTS
) -> None:
    """Publish bytes as they are; None deletes the key."""
    producer = Producer(producer_config(settings))
    for value in values:
        producer.produce(topic, value, key)
    assert producer.flush(60) == 0


def _produce(producer: Producer, partition: int, group: list[ListeningEvent]) -> None:
    value = encode(group[0]) if len(group) == 1 else encode_envelope(group)
    producer.produce(LISTENING_EVENTS, value, partition=partition)
    producer.poll(0)
