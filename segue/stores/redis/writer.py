"""Writing live rows: one call per bucket and batch, guarded by compare-and-set on the partition's offset."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis
import redis.exceptions

from segue.errors import Fenced, RedisUnavailable
from segue.listeners import ListenerState
from segue.stores.redis.rows import (
    bucket_of,
    guard_key,
    pack_blocks,
    pack_cells,
    pack_meta,
    playing_key,
    recordings_key,
    row_key,
    row_key_pattern,
)
from segue.stores.redis.scripts import BURY, FILL_IF_ABSENT, FILL_ROWS, WRITE_BATCH

ABSENT = -1
"""Offset of a guard that is not there: this Redis is new or was flushed."""
TIMEOUT_S = 5.0
UNREACHABLE = (
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ClusterDownError,
    OSError,
)
"""What passes by itself or by an operator's hand: waited out, not a bug."""
TOMBSTONE_S = 3_600
"""Longer than any batch can be in flight."""


@dataclass(frozen=True)
class Behind:
    """Redis holds the partition only up to `offset` (ABSENT: nothing at all): writes were lost and must be repaired."""

    offset: int


class LiveRowWriter:
    """One worker's access to the live rows. States are keyed by user_id here, since rows are."""

    def __init__(self, url: str, buckets: int, max_cells: int, ttl_days: int) -> None:
        self._redis = redis.Redis.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)
        self._write_batch = self._redis.register_script(WRITE_BATCH)
        self._fill_rows = self._redis.register_script(FILL_ROWS)
        self._fill_if_absent = self._redis.register_script(FILL_IF_ABSENT)
        self._bury = self._redis.register_script(BURY)
        self._buckets, self._max_cells, self._ttl_s = buckets, max_cells, ttl_days * 86_400
        self.trimmed = 0
        """Cells dropped because a row was over its bound."""

    def guards(self, partition: int, partitions: int) -> dict[int, int]:
        """The offset of the partition's guard in each of its buckets; ABSENT where it is missing."""
        buckets = self._buckets_of(partition, partitions)
        with _translated():
            # One by one: in a Redis Cluster each is in a slot of its own.
            found = [self._redis.get(guard_key(bucket, partition)) for bucket in buckets]
        return {bucket: ABSENT if value is None else int(value) for bucket, value in zip(buckets, found, strict=True)}

    def write(
        self, partition: int, partitions: int, states: Mapping[str, ListenerState], expected: int, next_offset: int
    ) -> list[str] | Behind:
        """Write the touched cells of one partition's batch and move its guards from `expected` to `next_offset`.

        Returns the ids of listeners that have no row here: write those with `fill`. Returns Behind if writes before
        `expected` are missing: nothing was written to that bucket. Raises Fenced if Redis is already past `expected`.
        """
        absent: list[str] = []
        for bucket, user_ids in self._by_bucket(partition, partitions, states).items():
            written = self.write_bucket(
                bucket, partition, {user_id: states[user_id] for user_id in user_ids}, expected, next_offset
            )
            if isinstance(written, Behind):
                return written
            absent += written
        return absent

    def write_bucket(
        self, bucket: int, partition: int, states: Mapping[str, ListenerState], expected: int, next_offset: int
    ) -> list[str] | Behind:
        """`write` for the listeners of one bucket."""
        now_s = time.time()
        user_ids = list(states)
        keys = [guard_key(bucket, partition), *(row_key(user_id, self._buckets) for user_id in user_ids)]
        args: list[Any] = [expected, next_offset, self._max_cells, self._ttl_s]
        for state in states.values():
            args += ["1" if state.is_new else "0", pack_meta(state, now_s), pack_cells(state.cells), pack_blocks(state.blocks)]
        with _translated():
            status, offset, trimmed, *missing = self._write_batch(keys=keys, args=args)
        if status == b"ahead" and offset != next_offset:
            raise Fenced(f"partition {partition}: Redis is at offset {offset}, this batch starts at {expected}")
        if status == b"behind":
            return Behind(offset)
        self.trimmed += trimmed
        return [user_ids[index] for index in missing]

    def bucket_of(self, user_id: str) -> int:
        """The bucket of a listener's row."""
        return bucket_of(user_id, self._buckets)

    def fill(self, partition: int, partitions: int, states: Mapping[str, ListenerState], at_offset: int) -> bool:
        """Replace whole rows; False, and nothing written to that bucket, if a guard is not at `at_offset`.

        Call it inside the transaction that read the states under the deletion lock, or a deleted listener may return.
        """
        now_s = time.time()
        for bucket, user_ids in self._by_bucket(partition, partitions, states).items():
            keys = [guard_key(bucket, partition), *(row_key(user_id, self._buckets) for user_id in user_ids)]
            args: list[Any] = [at_offset, self._ttl_s]
            for user_id in user_ids:
                state = states[user_id]
                args += [pack_meta(state, now_s), pack_cells(state.cells), pack_blocks(state.blocks)]
            with _translated():
                if not self._fill_rows(keys=keys, args=args):
                    return False
        return True

    def fill_absent(self, states: Mapping[str, ListenerState]) -> int:
        """Write whole rows where there are none; returns how many. A row that is there was written later, so it stays."""
        now_s = time.time()
        with _translated(), self._redis.pipeline(transaction=False) as pipeline:
            for user_id, state in states.items():
                args: list[Any] = [self._ttl_s, pack_meta(state, now_s), pack_cells(state.cells), pack_blocks(state.blocks)]
                self._fill_if_absent(keys=[row_key(user_id, self._buckets)], args=args, client=pipeline)
            return sum(map(int, pipeline.execute()))

    def drop(self, user_ids: Iterable[str]) -> None:
        """Remove rows, to be rebuilt; tombstones too."""
        keys = [row_key(user_id, self._buckets) for user_id in user_ids]
        with _translated():
            if keys:
                self._redis.delete(*keys)

    def claim_guard(self, bucket: int, partition: int, offset: int) -> int:
        """Set a guard that is missing, and drop the bucket's rows, since nothing says how old they are. Returns how many went.

        A guard that another worker set meanwhile stays, and so do its rows.
        """
        with _translated():
            if self._redis.get(guard_key(bucket, partition)) is not None:
                return 0
            dropped = self._drop_rows(bucket)
            self._redis.set(guard_key(bucket, partition), offset, nx=True)
        return dropped

    def discard(self, bucket: int, partition: int, offset: int) -> int:
        """Drop every row of a bucket and set its guard: Postgres holds less than Redis. Returns how many rows went."""
        with _translated():
            dropped = self._drop_rows(bucket)
            self._redis.set(guard_key(bucket, partition), offset)
        return dropped

    def _drop_rows(self, bucket: int) -> int:
        return sum(int(self._redis.delete(key)) for key in self._redis.scan_iter(row_key_pattern(bucket), count=1000))

    def bury(self, user_ids: Sequence[str]) -> None:
        """Replace listeners' rows by tombstones, and forget what their players said. Call it inside the deletion's transaction,
        while writers are locked out.
        """
        with _translated():
            for user_id in user_ids:
                self._bury(keys=[row_key(user_id, self._buckets)], args=[TOMBSTONE_S])
                self._redis.delete(playing_key(user_id, self._buckets), recordings_key(user_id, self._buckets))

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _buckets_of(self, partition: int, partitions: int) -> range:
        return range(partition, self._buckets, partitions)

    def _by_bucket(self, partition: int, partitions: int, states: Mapping[str, ListenerState]) -> dict[int, list[str]]:
        """Every bucket of the partition, the empty ones too: their guards must move along."""
        grouped: dict[int, list[str]] = {bucket: [] for bucket in self._buckets_of(partition, partitions)}
        for user_id in states:
            grouped[bucket_of(user_id, self._buckets)].append(user_id)
        return grouped


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except UNREACHABLE as error:
        raise RedisUnavailable(str(error)) from error
