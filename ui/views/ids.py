"""Ids that visitors type, or that stand in an address."""

from __future__ import annotations

from segue.errors import InvalidEvent
from segue.events import check_id


def is_id(text: str) -> bool:
    """Whether it can be an id at all, and part of the path of a question."""
    try:
        check_id("id", text)
    except InvalidEvent:
        return False
    return text not in (".", "..")
