"""A listener's live row: one Redis hash of packed cells, and how it is named, packed and read.

    segue:{<bucket>}:guard:<partition>     the offset up to which this bucket holds the partition's events
    segue:{<bucket>}:listener:<user_id>    hash: 4 bytes track_no -> CELL, and b"m" -> META, present in a complete row only;
                                           b"b" -> what the listener shut out, MessagePack, absent without any
    segue:{<bucket>}:playing:<user_id>     metadata of what the listener is playing, as JSON; ends with it
    segue:{<bucket>}:recordings:<user_id>  sorted set, by time: MusicBrainz id, a space, id of the track that it was found to be

A row is complete or absent: cells are added only where META is, so a reader never takes a fragment for a history.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from segue.listeners import Blocks, Cell, ListenerState
from segue.partitioning import partition_for

META_FIELD = b"m"
BLOCKS_FIELD = b"b"
_blocks_encoder = msgspec.msgpack.Encoder()
_blocks_decoder = msgspec.msgpack.Decoder(Blocks)
_TRACK = struct.Struct("<I")
_CELL = struct.Struct("<dIHhbI")
_META = struct.Struct("<IQdd")
CELL_BYTES = _CELL.size
CELL_DTYPE = np.dtype(
    [("weight", "<f8"), ("plays", "<u4"), ("skips", "<u2"), ("saves", "<i2"), ("stance", "i1"), ("last_at_s", "<u4")]
)
"""One packed cell; `weight` is forward-decayed (see segue.taste)."""


@dataclass(frozen=True)
class ListenerRow:
    """A listener's state of this moment.

    `track_nos`: int32 of shape (n,); `cells`: CELL_DTYPE of shape (n,), in the same order. Times in Unix seconds.
    """

    user_no: int
    events: int
    last_event_at_s: float
    written_at_s: float
    track_nos: npt.NDArray[np.int32]
    cells: npt.NDArray[np.void]
    blocks: Blocks = field(default_factory=Blocks)


class RowMark(NamedTuple):
    """How far a live row is: whose it is, and how many of their events it holds."""

    user_no: int
    events: int


def bucket_of(user_id: str, buckets: int) -> int:
    """The bucket of a listener; Kafka's own hash, so that a partition's listeners share buckets."""
    return partition_for(user_id, buckets)


def guard_key(bucket: int, partition: int) -> str:
    """Key of the guard of one partition in one bucket."""
    return f"segue:{{{bucket}}}:guard:{partition}"


def row_key(user_id: str, buckets: int) -> str:
    """Key of a listener's row."""
    return f"segue:{{{bucket_of(user_id, buckets)}}}:listener:{user_id}"


def playing_key(user_id: str, buckets: int) -> str:
    """Key of what a listener is playing."""
    return f"segue:{{{bucket_of(user_id, buckets)}}}:playing:{user_id}"


def recordings_key(user_id: str, buckets: int) -> str:
    """Key of the ids by which a listener's players know recordings."""
    return f"segue:{{{bucket_of(user_id, buckets)}}}:recordings:{user_id}"


def row_key_pattern(bucket: int) -> str:
    """SCAN pattern of every row of a bucket."""
    return f"segue:{{{bucket}}}:listener:*"


def pack_meta(state: ListenerState, written_at_s: float) -> bytes:
    """The META field of a row."""
    return _META.pack(state.user_no, state.events, state.last_event_at_s, written_at_s)


def unpack_mark(meta: bytes) -> RowMark:
    """How far a row is, from its META field alone."""
    return RowMark(*_META.unpack(meta)[:2])


def pack_cells(cells: list[Cell]) -> bytes:
    """Fields and values of many cells, end to end, as the scripts take them: 4 + CELL_BYTES bytes each."""
    return b"".join(
        _TRACK.pack(c.track_no)
        + _CELL.pack(
            c.weight, c.plays, min(c.skips, 65_535), max(-32_768, min(c.saves, 32_767)), c.stance, max(0, int(c.last_at_s))
        )
        for c in cells
    )


def pack_blocks(blocks: Blocks | None) -> bytes:
    """The field of blocks as the scripts take it; empty for blocks that a write did not touch."""
    return b"" if blocks is None else _blocks_encoder.encode(blocks)


def unpack_row(stored: Mapping[bytes, bytes]) -> ListenerRow | None:
    """A row from HGETALL's answer, or None if there is none."""
    meta = stored.get(META_FIELD)
    if meta is None:
        return None
    fields = [name for name in stored if name not in (META_FIELD, BLOCKS_FIELD)]
    user_no, events, last_event_at_s, written_at_s = _META.unpack(meta)
    return ListenerRow(
        user_no,
        events,
        last_event_at_s,
        written_at_s,
        np.frombuffer(b"".join(fields), dtype="<u4").astype(np.int32),
        np.frombuffer(b"".join(stored[name] for name in fields), dtype=CELL_DTYPE),
        _blocks_decoder.decode(stored[BLOCKS_FIELD]) if BLOCKS_FIELD in stored else Blocks(),
    )


def row_of(state: ListenerState, written_at_s: float) -> ListenerRow:
    """The row of a state read from Postgres, in the form that Redis would have given."""
    packed = pack_cells(state.cells)
    width = _TRACK.size + CELL_BYTES
    chunks = [packed[at : at + width] for at in range(0, len(packed), width)]
    stored = {chunk[: _TRACK.size]: chunk[_TRACK.size :] for chunk in chunks}
    if state.blocks is not None:
        stored[BLOCKS_FIELD] = pack_blocks(state.blocks)
    row = unpack_row(stored | {META_FIELD: pack_meta(state, written_at_s)})
    assert row is not None  # noqa: S101 - META was just put there
    return row
