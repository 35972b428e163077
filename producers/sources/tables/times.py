"""How a column writes times: found out from some of its values, then held against all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from segue.errors import InvalidInput
from segue.events import EARLIEST, MAX_CLOCK_SKEW

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PER_SECOND = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000, "nanoseconds": 1_000_000_000}
ISO = "ISO 8601"
MOST = 0.5
"""Of the values, more than this share has to be times of one form."""


@dataclass(frozen=True)
class TimeForm:
    """`unit`: of Unix time, or `ISO 8601`. `zoneless`: whether there are times without a zone; these are of `zone`."""

    unit: str
    zoneless: bool = False
    zone: tzinfo = UTC

    def read(self, value: Any) -> datetime:
        """The time, with a zone. Raises ValueError for what is not of this form."""
        if isinstance(value, datetime):
            return self._zoned(value)
        if self.unit == ISO:
            return self._zoned(datetime.fromisoformat(str(value)))
        return _since_epoch(value, _PER_SECOND[self.unit])

    def __str__(self) -> str:
        """For people."""
        form = self.unit if self.unit == ISO else f"Unix {self.unit}"
        return f"{form}, {self.zone} where no zone is said" if self.zoneless else form

    def _zoned(self, time: datetime) -> datetime:
        return time if time.tzinfo else time.replace(tzinfo=self.zone)


def zone_of(name: str) -> tzinfo:
    """`Europe/Berlin`, `UTC`. Raises InvalidInput."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise InvalidInput(f"--timezone {name!r} is not known here: write one such as Europe/Berlin", "invalid_zone") from None


def time_form(values: Sequence[Any], now: datetime, zone: tzinfo = UTC) -> TimeForm | None:
    """The form of most of these values, that are not empty; None if they are no times. `now`: with a zone."""
    forms = [ISO, *_PER_SECOND]
    counts = {unit: sum(_fits(TimeForm(unit), value, now) for value in values) for unit in forms}
    best = max(forms, key=lambda unit: counts[unit])
    if not values or counts[best] <= MOST * len(values):
        return None
    return TimeForm(best, best == ISO and any(_is_zoneless(value) for value in values), zone)


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


def _is_zoneless(value: Any) -> bool:
    if isinstance(value, datetime):
        return value.tzinfo is None
    try:
        return datetime.fromisoformat(str(value)).tzinfo is None
    except ValueError:
        return False
