"""What operators ask the API about the stream, on real Kafka."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from api import operations
from api.operations import CONSUMED, KafkaOperations
from segue.errors import KafkaUnavailable
from segue.kafka import producer_config
from segue.settings import Settings
from segue.topics import LISTENING_EVENTS, USERS
from stream_processors.outbox import Outbox
from stream_processors.records import DeadLetter, Record
from tests.publishing import publish_raw

pytestmark = pytest.mark.stack


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


def test_the_lag_counts_what_nobody_has_processed(settings: Settings, executor: ThreadPoolExecutor) -> None:
    stranger = settings.model_copy(update={"kafka_group": f"nobody-{uuid.uuid4().hex}"})
    asked = KafkaOperations(stranger, executor)
    before = asyncio.run(asked.lag())
    assert set(before) == set(CONSUMED)
    publish_raw(settings, [b"{}"] * 3)
    after = asyncio.run(asked.lag())
    assert after[LISTENING_EVENTS] >= before[LISTENING_EVENTS] + 3


def test_the_newest_letter_comes_first_and_without_its_bytes(settings: Settings, executor: ThreadPoolExecutor) -> None:
    error, outbox = f"test_{uuid.uuid4().hex[:8]}", Outbox(producer_config(settings), settings.kafka_partitions)
    for number in range(2):
        record = Record(USERS, 0, 10**9 + number, b"k", b"bytes", 1_764_000_000.0 + number, ())
        outbox.send([DeadLetter(record, 0, record.value, error, f"letter {number}")])
    found = [one for one in asyncio.run(KafkaOperations(settings, executor).letters(20)) if one.error == error]
    assert [one.message for one in found] == ["letter 1", "letter 0"]
    assert {one.raw for one in found} == {None}


def test_who_waits_too_long_hears_that_kafka_is_away(
    settings: Settings, executor: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "PATIENCE_S", 0.01)
    nowhere = settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:9"})
    with pytest.raises(KafkaUnavailable, match=r"0\.01 s"):
        asyncio.run(KafkaOperations(nowhere, executor).lag())
