"""A Kafka transport for Faust that hands over runs of records: what one fetch brought of one partition is one message.

Faust's cost is per message (two tasks, a dozen calls), whatever is in it; single-event records made that the wall. A run costs
as much as a record did, so the cost per record falls to aiokafka's parsing (figures: docs/decisions/0007-runs.md).

Acknowledging a run commits the offset behind it. That is right because a partition's runs are taken, stored and acknowledged in
the order in which they came; what must come again is not acknowledged but sought.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

import faust
from aiokafka.structs import ConsumerRecord
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from stream_processors.records import Record, cut, size_of

KafkaRecord: TypeAlias = "ConsumerRecord[bytes, bytes]"


class RunMessage(ConsumerMessage):
    """A Faust message without a value of its own.

    `offset` is that of its last record, `size` the bytes of all values, `base` what its log's offsets are counted on from.
    """

    run: Sequence[KafkaRecord] = ()
    size: int = 0
    base: int = 0

    def records(self) -> list[Record]:
        """The records, free of Faust and aiokafka."""
        return [
            Record(r.topic, r.partition, r.offset, r.key, r.value, r.timestamp / 1000, tuple(r.headers or ()), self.base)
            for r in self.run
        ]


class CommittedThread(driver.AIOKafkaConsumerThread):
    """Reads only what transactions committed, as every other reader of Segue does; Faust would deliver what was taken back."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        return consumer

    def highwater(self, tp: TP) -> Any:
        """Where what can be read ends: behind it stands a transaction that has not ended."""
        return self._ensure_consumer().last_stable_offset(tp)


class RunConsumer(driver.Consumer):
    """Faust's consumer, with runs in place of records and one committable offset for each partition."""

    transport: RunTransport

    def _new_consumer_thread(self) -> CommittedThread:
        return CommittedThread(self, loop=self.loop, beacon=self.beacon)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._done: dict[TP, int] = {}

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Mapping[TP, list[Any]]:  # noqa: ASYNC109 - Faust's signature
        found = await super()._getmany(active_partitions, timeout)
        return {tp: list(cut(records, self.transport.most_records, self.transport.most_bytes)) for tp, records in found.items()}

    def _to_message(self, tp: TP, record: Any) -> RunMessage:
        last: KafkaRecord = record[-1]
        message = RunMessage(
            tp.topic, tp.partition, last.offset, last.timestamp / 1000, last.timestamp_type, None, None, None, None,
            tp=tp, generation_id=self.app.consumer_generation_id,
        )  # fmt: skip
        message.run = record
        message.size = sum(map(size_of, record))
        return message

    def ack(self, message: Any) -> bool:
        """Note the offset behind the run; Faust's timer commits it."""
        if message.acked:
            return False
        message.acked = True
        self._done[message.tp] = message.offset + 1
        return True

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Faust fills gaps so that its list of single offsets has no holes; there is no such list here."""

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return iter([tp for tp in self._done if topics is None or tp in topics or tp.topic in topics])

    def _new_offset(self, tp: TP) -> int | None:
        return self._done.pop(tp, None)


class RunTransport(driver.Transport):
    """Faust's Kafka transport, whose consumer makes runs of at most `most_records` records and about `most_bytes` bytes.

    Assign it to `app.transport` before anything asks for the app's topics.
    """

    Consumer: ClassVar[type[RunConsumer]] = RunConsumer

    def __init__(self, app: faust.App, most_records: int, most_bytes: int) -> None:
        super().__init__(app.conf.broker_consumer, app)
        self.most_records, self.most_bytes = most_records, most_bytes
