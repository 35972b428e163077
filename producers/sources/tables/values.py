"""Cells as values, or the reason why they are none."""

from __future__ import annotations

from typing import Any

import msgspec

from segue.errors import InvalidEvent
from segue.events import check_text

_TRUTH = {"true": True, "1": True, "yes": True, "t": True, "false": False, "0": False, "no": False, "f": False}


class BrokenRow(Exception):
    """A row that cannot be taken; `code` is stable."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def text_of(value: Any, column: str) -> str | None:
    """The text of a cell; None where there is none. Raises BrokenRow."""
    if value is None or isinstance(value, dict | list):
        return None
    text = value.strip() if isinstance(value, str) else str(value)
    try:
        check_text(column, text)
    except InvalidEvent as error:
        raise BrokenRow(error.code, str(error)) from None
    return text or None


def texts_of(value: Any, column: str) -> tuple[str, ...]:
    """The texts of a list, of a list written as JSON, or one text alone. Raises BrokenRow."""
    if isinstance(value, str) and value.startswith("["):
        try:
            value = msgspec.json.decode(value, type=list[str])
        except (msgspec.MsgspecError, UnicodeError):
            return (text_of(value, column) or "",)
    values = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(text for one in values if (text := text_of(one, column))))


def number_of(value: Any, column: str, most: float) -> float | None:
    """A number within 0..most; None where there is none. Raises BrokenRow."""
    if value in (None, ""):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise BrokenRow("bad_number", f"{column} is no number: {str(value)[:40]!r}") from None
    if not 0 <= number <= most:
        raise BrokenRow("bad_number", f"{column} must be within 0..{most:,.0f}, and is {str(value)[:40]}")
    return number


def whole_of(value: Any, column: str, most: int) -> int | None:
    """As `number_of`, rounded."""
    number = number_of(value, column, most)
    return None if number is None else round(number)


def truth_of(value: Any, column: str) -> bool | None:
    """True or false, as they are written in tables; None where there is none. Raises BrokenRow."""
    if value is None or isinstance(value, bool):
        return value
    truth = _TRUTH.get(str(value).strip().casefold().removesuffix(".0"))
    if truth is None:
        raise BrokenRow("bad_truth", f"{column} is neither true nor false: {str(value)[:40]!r}")
    return truth
