"""The Kafka publisher, against librdkafka's own broker in memory and against none."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import msgspec
import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, Producer, TopicPartition
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from api.event_publisher import MAX_RECORD_BYTES, RECORDS_AT_ONCE, KafkaEventPublisher, records_of
from segue.errors import InvalidInput, KafkaUnavailable
from segue.events import ListeningEvent, PlaylistRecord, Rejected, UserRecord, decode_listening_record
from segue.kafka import producer_config
from segue.partitioning import partition_for
from segue.settings import Settings
from segue.topics import LISTENING_EVENTS, PLAYLISTS, USERS
from tests.traces import Traces, traceparent_of

pytestmark = pytest.mark.anyio

NOWHERE = Settings(kafka_bootstrap="127.0.0.1:1")


def event(user_id: str, track_id: str = "t1") -> ListeningEvent:
    return ListeningEvent(event_id=uuid.uuid4(), type="play", user_id=user_id, track_id=track_id, occurred_at=datetime.now(UTC))


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    """A broker in memory with the topic, kept alive by the client that carries it."""
    carrier = Producer({"bootstrap.servers": "unused", "test.mock.num.brokers": 1, "log_level": 0})
    (broker,) = carrier.list_topics(LISTENING_EVENTS, timeout=5.0).brokers.values()
    yield f"{broker.host}:{broker.port}"
    carrier.flush(0)


@pytest.fixture
async def publisher(bootstrap: str) -> AsyncIterator[KafkaEventPublisher]:
    opened = KafkaEventPublisher(producer_config(Settings(kafka_bootstrap=bootstrap)), max_queued_records=100)
    opened.start()
    yield opened
    await opened.close()


def messages(bootstrap: str, topic: str, partition: int) -> list[Message]:
    """Every record of a partition."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "test", "enable.partition.eof": True, "check.crcs": True})
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
    found: list[Message] = []
    while (message := consumer.poll(10.0)) is not None and message.error() is None:
        found.append(message)
    consumer.close()
    return found


def stored(bootstrap: str, partition: int) -> list[ListeningEvent | Rejected]:
    """Every event of a partition."""
    found = messages(bootstrap, LISTENING_EVENTS, partition)
    return [event for message in found for event in decode_listening_record(message.value() or b"")]


def partitions_of(bootstrap: str, topic: str) -> int:
    return len(Producer({"bootstrap.servers": bootstrap}).list_topics(topic, timeout=5.0).topics[topic].partitions)


def test_events_of_one_partition_share_a_record_in_order() -> None:
    events = [event("ann", "t1"), event("bob", "t2"), event("ann", "t3")]
    assert partition_for("ann", 8) != partition_for("bob", 8)
    first, second = records_of(events, 8)
    assert (first.partition, first.positions, first.key) == (partition_for("ann", 8), (0, 2), None)
    assert [e.track_id for e in decode_listening_record(first.value or b"") if isinstance(e, ListeningEvent)] == ["t1", "t3"]
    assert (second.partition, second.positions, second.key) == (partition_for("bob", 8), (1,), b"bob")
    assert msgspec.json.decode(second.value or b"")["track_id"] == "t2"


def test_a_record_holds_a_bounded_number_of_events() -> None:
    sizes = [len(record.positions) for record in records_of([event("ann") for _ in range(1_001)], 8)]
    assert sizes == [500, 500, 1]


async def test_events_are_in_kafka_when_publish_returns(publisher: KafkaEventPublisher, bootstrap: str) -> None:
    events = [event("ann", f"t{number}") for number in range(20)]
    assert await publisher.publish(events) == [None] * 20
    assert stored(bootstrap, partition_for("ann", partitions_of(bootstrap, LISTENING_EVENTS))) == events


async def test_records_are_in_kafka_where_publish_records_says(publisher: KafkaEventPublisher, bootstrap: str) -> None:
    mix = PlaylistRecord(playlist_id="mix", name="Mix", track_ids=("t1", "t2"), owner_id="ann")
    first = await publisher.publish_records(PLAYLISTS, {"mix": mix})
    second = await publisher.publish_records(PLAYLISTS, {"mix": None})
    partition = partition_for("mix", partitions_of(bootstrap, PLAYLISTS))
    found = {m.offset(): (m.key(), m.value()) for m in messages(bootstrap, PLAYLISTS, partition)}
    assert (first["mix"].partition, second["mix"].partition) == (partition, partition)
    assert found[first["mix"].offset] == (b"mix", msgspec.json.encode(mix))
    assert found[second["mix"].offset] == (b"mix", None)
    assert first["mix"].offset < second["mix"].offset


async def test_more_records_than_the_queue_takes_are_sent_one_part_after_the_other(bootstrap: str) -> None:
    publisher = KafkaEventPublisher(producer_config(Settings(kafka_bootstrap=bootstrap)), max_queued_records=RECORDS_AT_ONCE)
    publisher.start()
    users = {f"user-{number}": None for number in range(2 * RECORDS_AT_ONCE + 1)}
    assert list(await publisher.publish_records(USERS, users)) == list(users)
    await publisher.close()


async def test_a_record_that_was_not_taken_is_no_success(bootstrap: str) -> None:
    publisher = KafkaEventPublisher(producer_config(Settings(kafka_bootstrap=bootstrap)), max_queued_records=1)
    publisher.start()
    with pytest.raises(KafkaUnavailable, match=r"too many records wait.*send the request again"):
        await publisher.publish_records(USERS, {f"user-{number}": None for number in range(20)})
    await publisher.close()


async def test_a_record_that_kafka_would_refuse_for_its_size_is_the_senders_fault(publisher: KafkaEventPublisher) -> None:
    huge = UserRecord(user_id="ann", display_name="x" * MAX_RECORD_BYTES)
    with pytest.raises(InvalidInput, match="Kafka takes 4,190,208 in one record"):
        await publisher.publish_records(USERS, {"bob": None, "ann": huge})
    assert (await publisher.publish_records(USERS, {"bob": None}))["bob"].partition >= 0


async def test_each_record_names_the_span_that_sent_it(publisher: KafkaEventPublisher, bootstrap: str) -> None:
    traces = Traces()
    users = [f"traced-{number}" for number in range(9)]
    with traces.tracing.root("POST", "server"):
        await publisher.publish([event(user, "traced") for user in users])
    sending = traces.one("send listening-events")
    count = partitions_of(bootstrap, LISTENING_EVENTS)
    partitions = {partition_for(user, count) for user in users}
    written = [m for partition in partitions for m in messages(bootstrap, LISTENING_EVENTS, partition)]
    carried = [m.headers() for m in written if b'"traced"' in (m.value() or b"")]
    assert carried == [[("traceparent", traceparent_of(sending).encode())]] * len(partitions)
    assert (sending.attributes or {})["messaging.batch.message_count"] == len(partitions)


async def test_records_of_no_trace_carry_nothing(publisher: KafkaEventPublisher, bootstrap: str) -> None:
    traces = Traces(ALWAYS_OFF)
    with traces.tracing.root("POST", "server"):
        place = (await publisher.publish_records(USERS, {"untraced": None}))["untraced"]
    found = {message.offset(): message.headers() for message in messages(bootstrap, USERS, place.partition)}
    assert found[place.offset] is None


async def test_past_its_bound_the_queue_takes_no_more(bootstrap: str) -> None:
    publisher = KafkaEventPublisher(producer_config(Settings(kafka_bootstrap=bootstrap)), max_queued_records=1)
    publisher.start()
    reasons = await publisher.publish([event(f"user-{number}") for number in range(20)])
    assert "too many records wait for Kafka already" in reasons
    await publisher.close()


async def test_without_a_broker_the_answer_comes_within_three_seconds_and_then_at_once() -> None:
    publisher = KafkaEventPublisher(producer_config(NOWHERE), max_queued_records=100)
    publisher.start()
    started = time.monotonic()
    with pytest.raises(KafkaUnavailable, match="no Kafka broker answers"):
        await publisher.publish([event("ann")])
    assert time.monotonic() - started < 3.0
    started = time.monotonic()
    with pytest.raises(KafkaUnavailable, match="no Kafka broker answers"):
        await publisher.publish([event("ann")])
    with pytest.raises(KafkaUnavailable, match="no Kafka broker answers"):
        await publisher.publish_records(USERS, {"ann": None})
    assert time.monotonic() - started < 0.1
    await publisher.close()
