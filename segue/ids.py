"""Ids: text outside, dense integers inside; the two never mix."""

from __future__ import annotations

import os
import time
import uuid
from hashlib import blake2b
from typing import NewType

UserNo = NewType("UserNo", int)
"""Dense number of a user, assigned by Postgres."""

TrackNo = NewType("TrackNo", int)
"""Dense number of a track, assigned by Postgres. Row of a track in every model's matrix is *not* this number:
a snapshot stores its own `track_nos` array."""

MAX_ID_BYTES = 128
"""Longest user, track or playlist id in UTF-8 bytes. Spotify's are 22; a MusicBrainz id is 36."""

_RANDOM_BITS = 74
_NODE_BITS = 62


def uuid7(now_ms: int | None = None) -> uuid.UUID:
    """A UUID in time order (RFC 9562, version 7): 48 bits of milliseconds, then randomness.

    Time order keeps the unique index on event ids local, so inserts touch the index's last pages only.
    """
    ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    random = int.from_bytes(os.urandom(10), "big") & ((1 << _RANDOM_BITS) - 1)
    return uuid7_from(ms, random)


def uuid7_of(ms: int, *parts: str) -> uuid.UUID:
    """The UUIDv7 of a time in milliseconds and of what these parts say: the same each time, for what is sent again."""
    digest = blake2b("\0".join(parts).encode(), digest_size=10).digest()
    return uuid7_from(ms, int.from_bytes(digest) & ((1 << _RANDOM_BITS) - 1))


def uuid7_from(ms: int, random: int) -> uuid.UUID:
    """The UUIDv7 of a time in milliseconds and 74 given bits, for reproducible simulations."""
    high, low = random >> _NODE_BITS, random & ((1 << _NODE_BITS) - 1)
    value = (ms & ((1 << 48) - 1)) << 80 | 0x7 << 76 | (high & 0xFFF) << 64 | 0b10 << 62 | low
    return uuid.UUID(int=value)
