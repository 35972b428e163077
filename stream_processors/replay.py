"""Rebuilding the state from the log beside the live one, through the same code that writes the live one."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any

from confluent_kafka import Message

from segue.errors import InvalidInput
from segue.log_reader import LogReader, Offsets, headers_of
from segue.settings import Settings
from segue.stores.commands import state_facts
from segue.stores.postgres.database import Database
from segue.stores.postgres.marks import Mark, read_mark
from segue.stores.postgres.migrations import migrate
from segue.stores.postgres.verification import Lives, begin_replay, note_logs, note_replay, read_lives
from segue.stores.redis.writer import LiveRowWriter
from segue.taste import TasteWeights
from segue.topics import LISTENING_EVENTS, TOPICS
from stream_processors.listening_batch import ListeningBatch, listening_batches
from stream_processors.listening_writer import ListeningWriter
from stream_processors.log_identity import Logs
from stream_processors.marks import Marks
from stream_processors.records import Record, cut
from stream_processors.refusals import REFUSALS, divide, divide_table
from stream_processors.table_writer import TableBatch, TableWriter, read_batch, tables

CHUNK_RECORDS = 1_000
CHUNK_BYTES = 32 * 2**20
_LAST = re.compile(r"last=(\d+)(s|m|h|d)\Z")
_TS = re.compile(r"ts=(\d+(?:\.\d+)?)\Z")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class _ReplayMarks(Marks):
    """Marks of the replayed schema; there is no Redis behind it to repair."""

    def repair(self, partition: int) -> Mark:
        """The mark alone."""
        with self._database.transaction(read_only=True) as cursor:
            return read_mark(cursor, LISTENING_EVENTS, partition)


def replay(settings: Settings, start: str, schema: str, progress: Callable[[int, int], None]) -> int:
    """Replay the log as it stands now into a new `schema`; returns how many listening records were read.

    `start` (earliest, latest, ts=UNIX_SECONDS, last=90m) says where listening events begin; the compacted topics are always read
    whole. A schema of an earlier replay is replaced, any other is left alone. `progress` hears (records read, records in all).
    Raises InvalidInput for a wrong `start` or a schema that is not a replay's.
    """
    live = Database(settings.require_postgres())
    target = Database(settings.require_postgres(), schema=schema)
    # Before anything is dropped, and before the tables are read: the last hour is that before the command.
    from_s = time_of(start)
    begin_replay(target)
    migrate(target, state_facts(settings))
    rows = LiveRowWriter(settings.require_redis(), settings.redis_buckets, settings.listener_row_tracks, 1)
    marks = _ReplayMarks(target, rows, settings.kafka_partitions)
    lives = read_lives(live)
    ids = Logs(settings.require_kafka()).ids([topic.name for topic in TOPICS])
    with closing(LogReader(settings)) as reader:
        for table in tables(lambda _: None):
            table_writer = TableWriter(table, target, marks)
            for records in _chunks(_records(reader, *reader.bounds([table.topic]))):
                _store_table(table_writer, marks, _of_present_lives(read_batch(table, records), lives))
        starts, ends = _window(reader, start, from_s)
        total = sum(end - starts[where] for where, end in ends.items())
        done = 0
        writer = ListeningWriter(
            target, rows, marks, settings.kafka_partitions, TasteWeights(half_life_days=settings.half_life_days),
            settings.id_cache_entries, settings.listener_row_tracks,
        )  # fmt: skip
        for records in _chunks(_records(reader, starts, ends)):
            _store(writer, marks, records, settings, lives)
            done += len(records)
            progress(done, total)
    note_logs(target, ids)
    note_replay(target, start)
    return done


def _store(writer: ListeningWriter, marks: Marks, records: list[Record], settings: Settings, lives: Lives) -> None:
    for batch in listening_batches(records, lambda _: False, settings.kafka_partitions, settings.batch_events):
        batch.accepted = [(r, event) for r, event in batch.accepted if lives.counts(event.user_id, r.timestamp_s)]
        _store_batch(writer, marks, batch)


def _of_present_lives(batch: TableBatch[Any], lives: Lives) -> TableBatch[Any]:
    """Without playlists that their owner's deletion removed: the compacted log may not tell of it any more."""
    for key, row in list(batch.upserts.items()):
        owner_id = getattr(row, "owner_id", None)
        if owner_id is not None and not lives.counts(owner_id, batch.arrived_at_s[key]):
            del batch.upserts[key]
    return batch


def _store_batch(writer: ListeningWriter, marks: Marks, batch: ListeningBatch) -> None:
    try:
        writer.store(batch)
    except REFUSALS as refusal:
        for part in divide(batch, refusal, writer.rehearse):
            _store_batch(writer, marks, part)
    else:
        _note(marks, batch.records)


def _store_table(writer: TableWriter[Any], marks: Marks, batch: TableBatch[Any]) -> None:
    try:
        writer.store(batch)
    except REFUSALS as refusal:
        for part in divide_table(writer, batch, refusal):
            _store_table(writer, marks, part)
    else:
        _note(marks, batch.records)


def _note(marks: Marks, records: Iterable[Record]) -> None:
    for record in records:
        marks.set(record.topic, record.partition, record.offset + 1)


def _window(reader: LogReader, start: str, from_s: float | None) -> tuple[Offsets, Offsets]:
    starts, ends = reader.bounds([LISTENING_EVENTS])
    if start == "latest":
        return ends, ends
    return starts if from_s is None else reader.offsets_at(starts, from_s), ends


def time_of(start: str) -> float | None:
    """The Unix time that `start` names; None for the words. Raises InvalidInput."""
    if start in ("earliest", "latest"):
        return None
    if match := _LAST.match(start):
        return time.time() - int(match[1]) * _UNIT_S[match[2]]
    if match := _TS.match(start):
        return float(match[1])
    raise InvalidInput(f"--from {start}: use earliest, latest, ts=UNIX_SECONDS or last=90m (s, m, h, d)")


def _records(reader: LogReader, starts: Offsets, ends: Offsets) -> Iterator[Record]:
    return map(_record, reader.read(starts, ends))


def _record(message: Message) -> Record:
    key, value = message.key(), message.value()
    _, timestamp_ms = message.timestamp()
    return Record(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        key.encode() if isinstance(key, str) else key,
        value.encode() if isinstance(value, str) else value,
        timestamp_ms / 1000,
        headers_of(message),
    )


def _chunks(records: Iterable[Record]) -> Iterator[list[Record]]:
    return cut(records, CHUNK_RECORDS, CHUNK_BYTES)
