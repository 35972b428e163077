"""How a column writes times: found out from some of its values, then held against all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from segue.events import EARLIEST, MAX_CLOCK_SKEW

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PER_SECOND = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000, "nanoseconds": 1_000_000_000}
ISO = "ISO 8601"
MOST = 0.5
"""Of the values, more than this share has to be times of one form."""


@dataclass(frozen=True)
class TimeForm:
    """`unit`: of Unix time, or `ISO 8601`. `zoneless`: whether there are times without a zone, which are taken for UTC."""

    unit: str
    zoneless: bool = False

    def read(self, value: Any) -> datetime:
        """The time, with a zone. Raises ValueError for what is not of this form."""
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=UTC)
        if self.unit == ISO:
            return _zoned(datetime.fromisoformat(str(value)))
        return _since_epoch(value, _PER_SECOND[self.unit])

    def __str__(self) -> str:
        """For people."""
        form = self.unit if self.unit == ISO else f"Unix {self.unit}"
        return f"{form}, UTC where no zone is said" if self.zoneless else form


def time_form(values: Sequence[Any], now: datetime) -> TimeForm | None:
    """The form of most of these values, that are not empty; None if they are no times. `now`: with a zone."""
    forms = [ISO, *_PER_SECOND]
    counts = {unit: sum(_fits(TimeForm(unit), value, now) for value in values) for unit in forms}
    best = max(forms, key=lambda unit: counts[unit])
    if not values or counts[best] <= MOST * len(values):
        return None
    return TimeForm(best, best == ISO and any(_is_zoneless(value) for value in values))


def _fits(form: TimeForm, value: Any, now: datetime) -> bool:
    """Unix times of different units lie so far apart that no value is a time of two of them."""
    if isinstance(value, datetime):
        return form.unit == ISO
    try:
        return EARLIEST <= form.read(value) <= now + MAX_CLOCK_SKEW
    except (ValueError, OverflowError):
        return False


def _since_epoch(value: Any, per_second: int) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("no number")
    try:
        number: int | float = int(value)
    except ValueError:
        number = float(value)
    try:
        return _EPOCH + timedelta(microseconds=number * 1_000_000 // per_second)
    except OverflowError as error:
        raise ValueError("out of range") from error


def _zoned(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _is_zoneless(value: Any) -> bool:
    if isinstance(value, datetime):
        return value.tzinfo is None
    try:
        return datetime.fromisoformat(str(value)).tzinfo is None
    except ValueError:
        return False
