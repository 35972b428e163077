"""Reading the dead letters, and sending them back after a fix."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from confluent_kafka import KafkaError, Message, Producer

from segue.errors import KafkaUnavailable
from segue.kafka import producer_config
from segue.settings import Settings
from segue.topics import DEAD_LETTERS
from stream_processors.log_reader import LogReader

FLUSH_EVERY = 1_000
FLUSH_TIMEOUT_S = 35.0
_ORIGINAL = "original-"


@dataclass(frozen=True)
class Letter:
    """One dead letter. `id` is topic/partition/offset/position of what could not be processed."""

    id: str
    topic: str
    error: str
    message: str
    first_seen_s: float
    raw: bytes
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...]


def read_letters(settings: Settings) -> list[Letter]:
    """Every dead letter that the topic still keeps, oldest first; one that was sent twice (a crash in between) stands once."""
    with closing(LogReader(settings)) as reader:
        letters = {letter.id: letter for letter in map(_letter, reader.read(*reader.bounds([DEAD_LETTERS])))}
    return sorted(letters.values(), key=lambda letter: (letter.first_seen_s, letter.id))


def redrive(settings: Settings, error: str | None, again: bool) -> int:
    """Send dead letters (of one error, or all) back to where they came from; returns how many.

    Each is sent once: how far this came is kept in Kafka, for each error apart, unless `again` starts over. An event counts
    once however often it is sent, by its event_id; what is still broken comes back as a new dead letter.
    """
    group = f"{settings.kafka_group}-redrive-{error or 'all'}"
    producer = Producer(producer_config(settings))
    with closing(LogReader(settings, group)) as reader:
        first, ends = reader.bounds([DEAD_LETTERS])
        starts = first if again else reader.committed(first)
        letters = {letter.id: letter for letter in map(_letter, reader.read(starts, ends)) if error in (None, letter.error)}
        failed: list[KafkaError] = []

        def delivered(problem: KafkaError | None, _message: object) -> None:
            if problem is not None:
                failed.append(problem)

        for number, letter in enumerate(letters.values(), start=1):
            producer.produce(letter.topic, letter.raw, letter.key, headers=list(letter.headers), on_delivery=delivered)
            if number % FLUSH_EVERY == 0:
                _flush(producer, failed)
        _flush(producer, failed)
        # Only now: a letter that was not delivered must be found again by the next run.
        reader.commit(ends)
    return len(letters)


def _flush(producer: Producer, failed: list[KafkaError]) -> None:
    unsent = producer.flush(FLUSH_TIMEOUT_S) + len(failed)
    if unsent:
        reason = failed[0].str() if failed else "no answer"
        raise KafkaUnavailable(f"{unsent} dead letters could not be sent back ({reason}); run the command again")


def _letter(message: Message) -> Letter:
    pairs: list[tuple[str, str | bytes | None]] = list(message.headers() or [])  # type: ignore[arg-type]
    headers = {name: _bytes(value) for name, value in pairs}
    text = {name: value.decode("utf-8", "replace") for name, value in headers.items() if name.startswith("segue-")}
    return Letter(
        id=_bytes(message.key()).decode("utf-8", "replace"),
        topic=text["segue-topic"],
        error=text["segue-error"],
        message=text["segue-message"],
        first_seen_s=float(text["segue-first-seen"]),
        raw=_bytes(message.value()),
        key=headers.get("segue-key"),
        headers=tuple((name.removeprefix(_ORIGINAL), value) for name, value in headers.items() if name.startswith(_ORIGINAL)),
    )


def _bytes(value: str | bytes | None) -> bytes:
    return value.encode() if isinstance(value, str) else value or b""
