"""How times are written: found out from values, and held against all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.sources.tables.times import TimeForm, time_form, zone_of
from segue.errors import InvalidInput
from segue.events import EARLIEST

NOW = datetime(2026, 11, 26, tzinfo=UTC)
HEARD = datetime(2024, 5, 9, 15, 48, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2024-05-09T15:48:14Z", "ISO 8601"),
        ("2024-05-09T17:48:14+02:00", "ISO 8601"),
        ("2024-05-09 15:48:14", "ISO 8601, UTC where no zone is said"),
        (HEARD, "ISO 8601"),
        (HEARD.replace(tzinfo=None), "ISO 8601, UTC where no zone is said"),
        ("1715269694", "Unix seconds"),
        (1_715_269_694, "Unix seconds"),
        (1_715_269_694.0, "Unix seconds"),
        ("1715269694000", "Unix milliseconds"),
        (1_715_269_694_000_000, "Unix microseconds"),
        ("1715269694000000000", "Unix nanoseconds"),
    ],
)
def test_a_form_is_found_out_and_said(value: Any, said: str) -> None:
    form = time_form([value] * 3, NOW)
    assert form is not None
    assert (str(form), form.read(value)) == (said, HEARD)


@given(st.datetimes(EARLIEST.replace(tzinfo=None), NOW.replace(tzinfo=None)), st.sampled_from([1, 1_000, 1_000_000]))
def test_any_unix_time_is_read_in_its_own_unit(at: datetime, per_second: int) -> None:
    at = at.replace(tzinfo=UTC, microsecond=0)
    value = int((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1)) * per_second
    form = time_form([str(value)], NOW)
    assert form is not None
    assert form.read(str(value)) == at


@pytest.mark.parametrize(
    "values",
    [[], ["Waltz"], ["12", "13"], ["3.5"], ["2027-05-09"], ["09/05/2024 15:48"], [True], ["nan"], ["inf"], ["9" * 5_000]],
)
def test_what_is_no_time_has_no_form(values: list[Any]) -> None:
    assert time_form(values, NOW) is None


def test_times_without_a_zone_are_those_of_the_zone_that_is_said() -> None:
    berlin = zone_of("Europe/Berlin")
    form = time_form(["2024-05-09 17:48:14", "2024-05-09T15:48:14Z"], NOW, berlin)
    assert form is not None
    assert (form.read("2024-05-09 17:48:14"), form.read("2024-05-09T15:48:14Z")) == (HEARD, HEARD)
    assert str(form) == "ISO 8601, Europe/Berlin where no zone is said"


@pytest.mark.parametrize("name", ["Berlin", "../etc/passwd", "/etc/passwd", "", "Europe", "a\x00b"])
def test_a_zone_that_is_not_known_is_named(name: str) -> None:
    with pytest.raises(InvalidInput, match="Europe/Berlin"):
        zone_of(name)


def test_a_few_wrong_values_do_not_change_the_form() -> None:
    form = time_form(["1715269694000"] * 8 + ["never", "1715269694"], NOW)
    assert form == TimeForm("milliseconds")


@pytest.mark.parametrize("value", ["1e400", "nan", "-1e30", "x", True, None, [], "9" * 5_000])
def test_what_cannot_be_read_is_a_value_error(value: Any) -> None:
    with pytest.raises(ValueError):
        TimeForm("seconds").read(value)
