"""librdkafka's own broker in memory, for tests of what a client writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, Producer, TopicPartition

from segue.topics import LISTENING_EVENTS

WITHIN_S = 10.0


@contextmanager
def broker() -> Iterator[str]:
    """Its address; it lives as long as the client that carries it. Topics are there when they are asked for."""
    carrier = Producer({"bootstrap.servers": "unused", "test.mock.num.brokers": 1, "log_level": 0})
    (found,) = carrier.list_topics(LISTENING_EVENTS, timeout=WITHIN_S).brokers.values()
    yield f"{found.host}:{found.port}"
    carrier.flush(0)


def written(bootstrap: str, topic: str) -> list[Message]:
    """Every record of a topic, partition by partition."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "test", "enable.partition.eof": True})
    partitions = consumer.list_topics(topic, timeout=WITHIN_S).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
    found: list[Message] = []
    ends = 0
    while ends < len(partitions):
        message = consumer.poll(WITHIN_S)
        assert message is not None, "the broker in memory does not answer"
        if message.error() is None:
            found.append(message)
        else:
            ends += 1
    consumer.close()
    return sorted(found, key=lambda message: (message.partition() or 0, message.offset() or 0))
