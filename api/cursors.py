"""Cursors of paged answers: where a page ended, as text that clients hand back unchanged."""

from __future__ import annotations

import base64
import binascii
from typing import TypeVar

import msgspec

from api.problems import FieldError, invalid_fields

T = TypeVar("T")

MAX_CURSOR = 400
"""Characters; the longest that is made holds an id of 128 bytes."""


def encode_cursor(place: object) -> str:
    """A place (a struct or dataclass of plain values) as URL-safe text."""
    return base64.urlsafe_b64encode(msgspec.json.encode(msgspec.to_builtins(place))).decode().rstrip("=")


def decode_cursor(cursor: str | None, kind: type[T], field: str = "cursor") -> T | None:
    """The place in a cursor; None without one. Raises Problem 422 for text that is no such cursor."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        return msgspec.json.decode(raw, type=kind)
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        reason = "is no cursor of this route: take next_cursor of its last answer, or leave it out to begin anew"
        raise invalid_fields([FieldError(field, reason)]) from None
