"""Names from the catalogue and from listeners, shown as the letters that they are."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_SEPARATORS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_DIRECTIONS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
JOINER = "\u2060"
"""Word joiner, without width: breaks what Streamlit makes of plain text after Markdown is done (links, emoji, arrows)."""
_MADE_LATER = re.compile(r"([:@<>\-]|www)", re.IGNORECASE)


def one_line(text: str) -> str:
    """Without line breaks, control characters, and signs that turn the direction of what stands beside."""
    return _DIRECTIONS.sub("", _SEPARATORS.sub(" ", text)).strip()


def plain(text: str) -> str:
    """The text for a label of Streamlit, which reads labels as Markdown."""
    kept_apart = _MADE_LATER.sub(lambda found: found.group() + JOINER, one_line(text))
    return _PUNCTUATION.sub(r"\\\1", kept_apart)


def by(artists: Sequence[str]) -> str:
    """Artists of a track for people."""
    return ", ".join(artists) or "unknown artist"


def duration(ms: int | None) -> str:
    """Minutes and seconds of a length in milliseconds."""
    if ms is None:
        return "unknown"
    minutes, seconds = divmod(round(ms / 1000), 60)
    return f"{minutes}:{seconds:02d}"


def percent(share: float) -> str:
    """A share of 0..1."""
    return f"{share:.0%}"
