"""Kafka for everybody: how producers are set up, how the topics are made, how far a consumer group is behind."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic  # type: ignore[attr-defined]

from segue.errors import ConfigurationError, KafkaUnavailable
from segue.settings import Settings
from segue.topics import DEAD_LETTERS, TOPICS, Topic

MAX_MESSAGE_BYTES = 4_194_304
"""Largest record of any topic; an envelope of many events is one record."""
MAX_DEAD_LETTER_BYTES = MAX_MESSAGE_BYTES + 262_144
"""A dead letter is the record that failed, with its headers and ours."""
TIMEOUT_S = 10.0
GROUP_TIMEOUT_S = 30.0
"""The first question about a group on a new broker makes it create the topic of the offsets."""
COORDINATOR_RETRY_S = 0.1
COORDINATOR_MOVING = (
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError._WAIT_COORD,
)
PROBE_TIMEOUT_S = 1.0
COMPACTED_WITHIN_MS = 7 * 24 * 3600 * 1000
NEVER_MS = 2**63 - 1
"""Kafka's default of max.compaction.lag.ms."""


def client_config(bootstrap: str) -> dict[str, Any]:
    """librdkafka settings of every client; transport security belongs here."""
    return {
        "bootstrap.servers": bootstrap,
        # The default waits up to 10 s between attempts, far longer than a broker needs to come back.
        "reconnect.backoff.max.ms": 1000,
        # What matters is raised; the rest is one line for each refused connection.
        "log_level": 2,
    }


def producer_config(settings: Settings) -> dict[str, Any]:
    """librdkafka settings of a producer that loses nothing, repeats nothing and picks partitions as Java clients do.

    Raises ConfigurationError when no broker is configured.
    """
    return client_config(settings.require_kafka()) | {
        "acks": "all",
        "enable.idempotence": True,
        "linger.ms": 2,
        "compression.type": "lz4",
        "partitioner": "murmur2_random",
        "message.timeout.ms": 30_000,
        "message.max.bytes": MAX_MESSAGE_BYTES,
    }


def check_broker(bootstrap: str) -> None:
    """Return when a broker answers within a second. Raises KafkaUnavailable."""
    try:
        AdminClient(client_config(bootstrap)).list_topics(timeout=PROBE_TIMEOUT_S)
    except KafkaException as error:
        raise _unavailable(bootstrap, error) from error


def ensure_topics(bootstrap: str, partitions: int) -> None:
    """Create the topics that do not exist yet, each with `partitions` partitions.

    Raises ConfigurationError if a topic exists with another number of partitions (keys would be in the wrong place),
    KafkaUnavailable if no broker answers.
    """
    admin = AdminClient(client_config(bootstrap))
    try:
        existing = admin.list_topics(timeout=TIMEOUT_S).topics
        _check_partitions({name: len(topic.partitions) for name, topic in existing.items()}, partitions)
        missing = [_new_topic(topic, partitions) for topic in TOPICS if topic.name not in existing]
        for future in admin.create_topics(missing, operation_timeout=TIMEOUT_S).values() if missing else ():
            _created(future)
    except KafkaException as error:
        raise _unavailable(bootstrap, error) from error


def kept_s(bootstrap: str) -> dict[str, float | None]:
    """For how many seconds a topic keeps, at most, a record that is past; None: for ever. Raises KafkaUnavailable.

    In a compacted topic that is one which a newer record of its key replaced or deleted.
    """
    resources = [ConfigResource(ConfigResource.Type.TOPIC, topic.name) for topic in TOPICS]
    # It must outlive its answers.
    admin = AdminClient(client_config(bootstrap))
    try:
        asked = admin.describe_configs(resources, request_timeout=TIMEOUT_S)
        configs = {resource.name: asked[resource].result() for resource in resources}
    except KafkaException as error:
        raise _unavailable(bootstrap, error) from error
    return {topic: _kept_s({name: one.value for name, one in config.items()}) for topic, config in configs.items()}


def _kept_s(config: Mapping[str, str]) -> float | None:
    if "compact" in config["cleanup.policy"]:
        lag_ms = int(config["max.compaction.lag.ms"])
        return None if lag_ms >= NEVER_MS else lag_ms / 1000
    retention_ms = int(config["retention.ms"])
    # A segment goes as a whole, when its newest record is old enough.
    return None if retention_ms < 0 else (retention_ms + int(config["segment.ms"])) / 1000


def consumer_lag(bootstrap: str, group: str, topics: Iterable[str]) -> dict[tuple[str, int], int]:
    """Records that `group` has not acknowledged yet, by (topic, partition); all of them where it has never acknowledged any.

    Asks as a consumer that never joins the group: the admin client's calls for the same timed out twice, and a run that made
    them crashed once (confluent-kafka 2.16; the cause was not traced). Raises KafkaUnavailable.
    """
    consumer = Consumer(client_config(bootstrap) | {"group.id": group, "enable.auto.commit": False})
    try:
        known = consumer.list_topics(timeout=TIMEOUT_S).topics
        partitions = [TopicPartition(name, number) for name in topics if name in known for number in known[name].partitions]
        committed = committed_offsets(consumer, partitions)
        return {(tp.topic, tp.partition): _lag(consumer, tp) for tp in committed}
    except KafkaException as error:
        raise _unavailable(bootstrap, error) from error
    finally:
        consumer.close()


def committed_offsets(consumer: Consumer, partitions: list[TopicPartition]) -> list[TopicPartition]:
    """The group's acknowledged offsets, waiting for its coordinator if that is only starting. Raises KafkaException."""
    deadline = time.monotonic() + GROUP_TIMEOUT_S
    while True:
        try:
            return list(consumer.committed(partitions, timeout=TIMEOUT_S))
        except KafkaException as error:
            if error.args[0].code() not in COORDINATOR_MOVING or time.monotonic() > deadline:
                raise
            time.sleep(COORDINATOR_RETRY_S)


def _lag(consumer: Consumer, committed: TopicPartition) -> int:
    low, high = consumer.get_watermark_offsets(committed, timeout=TIMEOUT_S)
    # An offset behind the log's end was acknowledged of a log that was there before: nothing of this one was.
    return int(high - low) if committed.offset > high else int(high - max(committed.offset, low))


def topic_config(topic: Topic) -> dict[str, str]:
    """Kafka's configuration of the topic."""
    most = MAX_DEAD_LETTER_BYTES if topic.name == DEAD_LETTERS else MAX_MESSAGE_BYTES
    config = {"max.message.bytes": str(most), "retention.ms": str(topic.retention_ms)}
    # The broker's clock: whether an event lies in the future must not depend on what a producer says, nor on when it is replayed.
    config["message.timestamp.type"] = "LogAppendTime"
    if topic.compacted:
        config["cleanup.policy"] = "compact"
        # Without it nothing says when Kafka forgets a user who was deleted: it compacts when enough of a log is stale.
        config["max.compaction.lag.ms"] = str(COMPACTED_WITHIN_MS)
    return config


def _new_topic(topic: Topic, partitions: int) -> NewTopic:
    return NewTopic(topic.name, num_partitions=partitions, replication_factor=-1, config=topic_config(topic))


def _check_partitions(existing: dict[str, int], partitions: int) -> None:
    for topic in TOPICS:
        found = existing.get(topic.name, partitions)
        if found != partitions:
            raise ConfigurationError(
                f"topic {topic.name} has {found} partitions, SEGUE_KAFKA_PARTITIONS says {partitions}: "
                f"set SEGUE_KAFKA_PARTITIONS={found} (keys stay where they are)"
            )


def _created(future: Any) -> None:
    try:
        future.result()
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def _unavailable(bootstrap: str, error: KafkaException) -> KafkaUnavailable:
    reason = error.args[0]
    text = reason.str() if isinstance(reason, KafkaError) else str(reason)
    return KafkaUnavailable(f"Kafka at {bootstrap} does not answer ({text}): `segue status` says what runs, `segue up` starts it")
