"""Sending dead letters back to where they came from, after a fix."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, Producer

from segue.dead_letters import Letter, Progress, key_of, letters_between
from segue.errors import KafkaUnavailable
from segue.kafka import producer_config
from segue.log_reader import LogReader, Offsets
from segue.settings import Settings
from segue.stores.postgres.database import Database
from segue.stores.postgres.marks import read_marks
from segue.topics import DEAD_LETTERS, TOPICS
from stream_processors.deliveries import Deliveries

COMMIT_LETTERS = 1_000
COMMIT_BYTES = 32 * 2**20
"""After this many letters, or bytes, what was sent is made sure of and noted: what an interrupted run may send once more."""
SOURCES = frozenset(topic.name for topic in TOPICS) - {DEAD_LETTERS}
COMPACTED = frozenset(topic.name for topic in TOPICS if topic.compacted)


@dataclass
class Redriven:
    """What became of the letters."""

    sent: int = 0
    superseded: int = 0
    """Records of a compacted topic whose key has a newer record: sent back, they would undo it."""
    cut: int = 0
    """Too large to be kept whole, or no letters at all: these must be published again from their source."""


def redrive(settings: Settings, error: str | None, again: bool, progress: Progress) -> Redriven:
    """Send dead letters (of one error, or all) back; those that arrive meanwhile are left for the next run.

    Each is sent once: how far this came is kept in Kafka as it goes, for each error apart, unless `again` starts over. An
    interrupted run goes on from there. An event counts once however often it is sent, by its event_id; what is still broken
    comes back as a new dead letter. Raises KafkaUnavailable: what was not delivered is found again by the next run.
    """
    with closing(LogReader(settings, f"{settings.kafka_group}-redrive-{error or 'all'}")) as reader:
        first, ends = reader.bounds([DEAD_LETTERS])
        starts = first if again else reader.committed(first)
        with closing(_Sender(settings, reader, starts)) as sender:
            for letter in letters_between(reader, starts, ends, error, progress):
                sender.take(letter)
        reader.commit(ends)
    return sender.done


class _Sender:
    """Sends letters, and notes now and then how far everything has been delivered. Closing it settles what is under way."""

    def __init__(self, settings: Settings, reader: LogReader, starts: Offsets) -> None:
        self.done = Redriven()
        self._producer = Producer(producer_config(settings) | {"queue.buffering.max.kbytes": 2 * COMMIT_BYTES // 1024})
        self._settings, self._reader, self._positions = settings, reader, dict(starts)
        self._letters = self._bytes = 0
        self._deliveries = Deliveries(self._producer)
        self._newest: dict[str, dict[bytes, int]] = {}

    def take(self, letter: Letter) -> None:
        """Send a letter, or count why not."""
        if letter.cut_from is not None or letter.topic not in SOURCES:
            self.done.cut += 1
        elif self._is_superseded(letter):
            self.done.superseded += 1
        else:
            self._send(letter)
        self._positions[DEAD_LETTERS, letter.stands_at[0]] = letter.stands_at[1] + 1
        if self._letters >= COMMIT_LETTERS or self._bytes >= COMMIT_BYTES:
            self.close()

    def close(self) -> None:
        """Wait until everything is delivered and note it. Raises KafkaUnavailable: then nothing of it is noted."""
        if shortfall := self._deliveries.shortfall():
            letters, reason = shortfall
            raise KafkaUnavailable(f"{letters} dead letters could not be sent back ({reason}); run the command again")
        self._reader.commit(self._positions)
        self._letters = self._bytes = 0

    def _send(self, letter: Letter) -> None:
        try:
            self._producer.produce(
                letter.topic, letter.raw, letter.key, headers=list(letter.headers), on_delivery=self._deliveries.heard
            )
        except KafkaException as error:
            if error.args[0].code() != KafkaError.MSG_SIZE_TOO_LARGE:
                raise KafkaUnavailable(str(error)) from error
            self.done.cut += 1
            return
        self._producer.poll(0)
        self.done.sent += 1
        self._letters += 1
        self._bytes += letter.size

    def _is_superseded(self, letter: Letter) -> bool:
        topic, _, sequence = letter.origin
        if topic not in COMPACTED or letter.key is None:
            return False
        if topic not in self._newest:
            self._newest[topic] = newest_sequences(self._settings, topic)
        return self._newest[topic].get(letter.key, sequence) > sequence


def newest_sequences(settings: Settings, topic: str) -> dict[bytes, int]:
    """The sequence of each key's newest record in a compacted topic; a key is always in the same partition.

    Raises KafkaUnavailable, PostgresUnavailable.
    """
    with closing(Database(settings.require_postgres())) as database, database.transaction(read_only=True) as cursor:
        marks = read_marks(cursor)
    bases = {where: mark.base for where, mark in marks.items()}
    with closing(LogReader(settings)) as reader:
        return {
            key_of(message): bases.get((topic, message.partition() or 0), 0) + (message.offset() or 0)
            for message in reader.read(*reader.bounds([topic]))
        }
