"""Storing a batch of listening events: one Postgres transaction, then one guarded call to Redis per partition.

The order is the promise: Postgres first (truth and mark together), Redis second, Kafka's offset last and elsewhere. A crash
between any two of them is mended by `Marks.repair` on the next assignment.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TypeVar

from psycopg2.extensions import cursor as PgCursor

from segue.errors import Fenced
from segue.events import TYPE_CODES, ListeningEvent
from segue.ids import TrackNo, UserNo
from segue.listeners import ListenerState
from segue.logs import fields
from segue.stores.postgres.blocks import block_statement
from segue.stores.postgres.catalogue import resolve_tracks
from segue.stores.postgres.database import Database
from segue.stores.postgres.listens import Listen, UserDeleted, lock_out_deletions, read_states, write_listens
from segue.stores.postgres.marks import move_mark
from segue.stores.postgres.users import resolve_users
from segue.stores.redis.writer import Behind, LiveRowWriter
from segue.taste import TasteWeights, confidence, forward_factor, stance_of
from segue.topics import LISTENING_EVENTS
from segue.tracing import Attributes, span
from stream_processors.ids import IdCache
from stream_processors.listening_batch import ListeningBatch
from stream_processors.marks import Marks
from stream_processors.metrics import (
    BATCH_EVENTS,
    CACHED_IDS,
    CELLS_TRIMMED,
    EVENT_TO_STATE_SECONDS,
    EVENTS_DUPLICATE,
    EVENTS_REFUSED,
    EVENTS_WRITTEN,
    ROWS_FILLED,
    STAGE_SECONDS,
)
from stream_processors.records import Record

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class ListeningWriter:
    """Writes batches of one worker; not safe for several threads. Call `store`, then `publish`, each again until it succeeds."""

    def __init__(
        self,
        database: Database,
        rows: LiveRowWriter,
        marks: Marks,
        partitions: int,
        weights: TasteWeights,
        id_cache: int,
        max_cells: int,
    ) -> None:
        self._database, self._rows, self._marks = database, rows, marks
        self._partitions, self._weights, self._max_cells = partitions, weights, max_cells
        self._user_nos: IdCache[UserNo] = IdCache(id_cache)
        self._track_nos: IdCache[TrackNo] = IdCache(id_cache)
        self._returned_at_s: dict[str, float] = {}
        self._most_returned = id_cache

    def store(self, batch: ListeningBatch) -> dict[str, ListenerState]:
        """Write the batch to Postgres and move the marks. Returns the touched listeners' states for `publish`.

        Raises Fenced (drop what the marks say is written, and try the rest), PostgresUnavailable (nothing is written),
        RefusedByStore (some event is at fault; nothing is written).
        """
        with span("postgres merge", "client", {"db.system.name": "postgresql", "segue.events": len(batch.accepted)}):
            return self._with_present_users(batch, self._store_once)

    def rehearse(self, batch: ListeningBatch) -> None:
        """Write the batch's events and take everything back: raises what `store` would raise because of an event."""
        with span("postgres rehearsal", "client", {"db.system.name": "postgresql", "segue.events": len(batch.accepted)}):
            self._with_present_users(batch, self._rehearse_once)

    def _with_present_users(self, batch: ListeningBatch, attempt: Callable[[ListeningBatch], Result]) -> Result:
        while True:
            try:
                return attempt(batch)
            except UserDeleted as gone:
                # Someone deleted these listeners after their numbers were cached; look all of them up anew.
                self._user_nos.forget({event.user_id for _, event in batch.accepted})
                log.info("listeners were deleted meanwhile", extra=fields(listeners=len(gone.user_nos)))

    def _rehearse_once(self, batch: ListeningBatch) -> None:
        with self._database.rehearsal() as cursor:
            lock_out_deletions(cursor)
            users, _, tracks, _ = self._resolve(cursor, batch)
            write_listens(cursor, self._listens(batch, users, tracks))

    def _store_once(self, batch: ListeningBatch) -> dict[str, ListenerState]:
        started = time.perf_counter()
        with self._database.transaction() as cursor:
            lock_out_deletions(cursor)
            users, new_users, tracks, new_tracks = self._resolve(cursor, batch)
            listens = self._listens(batch, users, tracks)
            states, written = write_listens(cursor, listens) if listens else ({}, 0)
            for partition, sequence in batch.next_sequences().items():
                expected = self._marks.get(LISTENING_EVENTS, partition)
                move_mark(cursor, LISTENING_EVENTS, partition, expected, sequence)
        STAGE_SECONDS.labels("postgres").observe(time.perf_counter() - started)
        self._user_nos.remember(new_users)
        if len(self._returned_at_s) > self._most_returned:
            self._user_nos.forget(self._returned_at_s)
            self._returned_at_s.clear()
        self._track_nos.remember(new_tracks)
        self._count(batch, len(listens), written)
        ids = {number: user_id for user_id, number in users.items()}
        return {ids[number]: state for number, state in states.items()}

    def _resolve(
        self, cursor: PgCursor, batch: ListeningBatch
    ) -> tuple[dict[str, UserNo], dict[str, UserNo], dict[str, TrackNo], dict[str, TrackNo]]:
        users = self._user_nos.lookup({e.user_id for _, e in batch.accepted}, lambda ids: self._numbers_of(cursor, ids))
        kept = {e.track_id for _, e in batch.accepted if e.user_id in users[0]}
        tracks = self._track_nos.lookup(kept, lambda ids: resolve_tracks(cursor, ids))
        return *users, *tracks

    def _numbers_of(self, cursor: PgCursor, user_ids: list[str]) -> dict[str, UserNo]:
        resolved = resolve_users(cursor, user_ids)
        self._returned_at_s |= resolved.returned_at_s
        return resolved.numbers

    def _listens(self, batch: ListeningBatch, users: Mapping[str, UserNo], tracks: Mapping[str, TrackNo]) -> list[Listen]:
        return [self._listen(r, e, users, tracks) for r, e in batch.accepted if self._counts(r, e, users)]

    def _counts(self, record: Record, event: ListeningEvent, users: Mapping[str, UserNo]) -> bool:
        """Not if the user is deleted, nor if the event came before a deleted user returned."""
        return event.user_id in users and record.timestamp_s >= self._returned_at_s.get(event.user_id, 0.0)

    def _listen(self, record: Record, e: ListeningEvent, users: Mapping[str, UserNo], tracks: Mapping[str, TrackNo]) -> Listen:
        at_s = e.occurred_at.timestamp()
        stance = stance_of(e)
        gain = confidence(e, self._weights)
        return Listen(
            event_id=e.event_id,
            user_no=users[e.user_id],
            track_no=tracks[e.track_id],
            kafka_partition=record.partition,
            sequence=record.sequence,
            occurred_at=e.occurred_at,
            weight=gain * forward_factor(at_s, self._weights) if gain else 0.0,
            statement=None if stance is None else round(at_s * 1e6) * 4 + stance + 1,
            type=TYPE_CODES[e.type],
            ms_played=e.ms_played,
            position=e.position,
            session_id=e.session_id,
            rec_id=e.rec_id,
            source=e.source,
            block=block_statement(e, tracks[e.track_id]),
        )

    def skip(self, partition: int, mark: int, sequence: int) -> None:
        """Move the mark over records that are gone; `Marks.repair` moves Redis's guards. Raises Fenced, PostgresUnavailable."""
        with self._database.transaction() as cursor:
            move_mark(cursor, LISTENING_EVENTS, partition, mark, sequence)

    def publish(self, batch: ListeningBatch, before: Mapping[int, int], states: Mapping[str, ListenerState]) -> None:
        """Write the stored batch to Redis. `before` is each partition's mark before the batch. Raises RedisUnavailable.

        A partition that meanwhile belongs to another worker is left alone: that worker writes rows at least as new.
        """
        started = time.perf_counter()
        by_partition: dict[int, dict[str, ListenerState]] = defaultdict(dict)
        for record, event in batch.accepted:
            if event.user_id in states:
                by_partition[record.partition][event.user_id] = states[event.user_id]
        for partition, sequence in batch.next_sequences().items():
            touched = by_partition[partition]
            attributes: Attributes = {
                "db.system.name": "redis",
                "segue.partition": partition,
                "segue.listeners": len(touched),
            }
            try:
                with span("redis write", "client", attributes):
                    self._publish_partition(partition, touched, before[partition], sequence)
            except Fenced as error:
                log.warning("partition was taken over", extra=fields(partition=partition, reason=error))
                self._marks.forget(LISTENING_EVENTS, partition)
        STAGE_SECONDS.labels("redis").observe(time.perf_counter() - started)
        now_s = time.time()
        for record in batch.records:
            EVENT_TO_STATE_SECONDS.observe(max(0.0, now_s - record.timestamp_s))

    def _publish_partition(self, partition: int, states: Mapping[str, ListenerState], before: int, sequence: int) -> None:
        trimmed = self._rows.trimmed
        written = self._rows.write(partition, self._partitions, states, before, sequence)
        CELLS_TRIMMED.inc(self._rows.trimmed - trimmed)
        if isinstance(written, Behind):
            # Redis lost writes since the last batch: bring it to Postgres's mark, which includes this batch.
            self._marks.repair(partition)
        elif written:
            self._fill(partition, {user_id: states[user_id].user_no for user_id in written}, sequence)

    def _fill(self, partition: int, user_nos: Mapping[str, UserNo], at: int) -> None:
        with self._database.transaction() as cursor:
            lock_out_deletions(cursor)
            states = read_states(cursor, list(user_nos.values()), self._max_cells)
            rows = {user_id: states[number] for user_id, number in user_nos.items() if number in states}
            if self._rows.fill(partition, self._partitions, rows, at):
                ROWS_FILLED.inc(len(rows))

    def _count(self, batch: ListeningBatch, listens: int, written: int) -> None:
        BATCH_EVENTS.observe(len(batch.accepted))
        EVENTS_WRITTEN.labels(LISTENING_EVENTS).inc(written)
        EVENTS_DUPLICATE.inc(listens - written)
        EVENTS_REFUSED.inc(len(batch.accepted) - listens)
        CACHED_IDS.labels("user").set(len(self._user_nos))
        CACHED_IDS.labels("track").set(len(self._track_nos))
