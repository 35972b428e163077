"""What is whole of a broken array."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.reading.mending import Broken, whole_elements
from producers.reading.streams import Text
from segue.errors import InvalidFile


def elements(data: bytes, max_bytes: int = 100_000, prefix: str = "item") -> list[Any]:
    """The numbers of the elements that were read, and the codes of what is broken; what is no object is not shown."""
    read = whole_elements(Text(io.BytesIO(data)), prefix, max_bytes, {"n", "kind"})
    return [one.code if isinstance(one, Broken) else one["n"] for one in read if isinstance(one, Broken | dict)]


def row(n: int, **more: Any) -> str:
    return json.dumps({"n": n, "kind": "row", **more})


def rows(*texts: str) -> bytes:
    # Past the head, by which the encoding is told.
    return (" " * 70_000 + "[" + ", ".join(texts) + "]").encode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    "broken",
    [
        '{"n": 1x, "kind": "row"}',
        '{"n": 1, "kind": "row"',
        '{"n": 1, "kind": "row}',
        '"n": 1, "kind": "row"}',
        '{"n": 1 "kind": "row"}',
        '{"n": NaN, "kind": "row"}',
        "}{",
        "[[[",
    ],
)
def test_one_broken_element_costs_itself(broken: str) -> None:
    assert elements(rows(row(0), broken, row(2), row(3))) == [0, "bad_json", 2, 3]


def test_a_broken_byte_is_told_and_its_element_has_it_still() -> None:
    data = rows(row(0), row(1, x="?"), row(2)).replace(b"?", b"\xff")
    read = list(whole_elements(Text(io.BytesIO(data)), "item", 100_000, {"n", "kind"}))
    assert [isinstance(one, Broken) for one in read] == [False, True, False, False]
    assert read[2]["x"] == "\udcff"


def test_several_broken_places_are_told_each() -> None:
    assert elements(rows(row(0), "{x}", row(1), row(2), "{y}", row(3))) == [0, "bad_json", 1, 2, "bad_json", 3]


def test_objects_within_a_broken_element_are_none() -> None:
    inner = row(1, inner={"n": 7}).replace(': "row"', ' "row"')
    assert elements(rows(row(0), inner, row(2))) == [0, "bad_json", 2]


def test_texts_that_look_like_elements_are_none() -> None:
    assert elements(rows(row(0), "{x}", row(1, title='{"n": 9, "kind": "row"}'), row(2))) == [0, "bad_json", 1, 2]


def test_the_end_that_is_missing_is_told() -> None:
    assert elements(rows(row(0), row(1))[:-1]) == [0, 1, "bad_json"]


def test_far_behind_the_damage_everything_is_read() -> None:
    data = rows(row(0), "{x}", *(row(n) for n in range(1, 20_000)))
    assert elements(data) == [0, "bad_json", *range(1, 20_000)]


def test_damage_in_any_of_many_chunks_costs_nothing_else() -> None:
    texts = [row(n, title="é" * 50) for n in range(3_000)]
    for at in (0, 700, 1_500, 2_999):
        broken = [text.replace(":", ";", 1) if n == at else text for n, text in enumerate(texts)]
        found = elements(rows(*broken))
        assert [one for one in found if one != "bad_json"] == [n for n in range(3_000) if n != at]
        assert found.count("bad_json") == 1


def test_an_element_over_the_bound_costs_itself() -> None:
    assert elements(rows(row(0), row(1, x="x" * 300_000), row(2))) == [0, "too_long_element", 2]


def test_deep_values_cost_themselves() -> None:
    assert elements(rows(row(0), "[" * 100_000 + "]" * 100_000, row(2))) == ["too_deep", 0, 2]


def test_a_text_of_brackets_is_given_up() -> None:
    assert elements(rows(row(0), "{" * 500_000, row(2))) == ["too_deep", 0, "bad_json"]


def test_a_file_that_cannot_be_read_further_is_not_mended() -> None:
    class Gone(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() >= 65_536:
                raise OSError(5, "Input/output error")
            return super().read(size)

    read = whole_elements(Text(Gone(rows(row(0)))), "item", 100_000, {"n"})
    with pytest.raises(InvalidFile, match="cannot be read further"):
        list(read)


@settings(deadline=None)
@given(st.data())
def test_whatever_byte_is_flipped_no_element_is_made_up_and_few_are_lost(data: st.DataObject) -> None:
    count = 30
    content = bytearray(json.dumps([{"n": n, "kind": "row", "t": 'a"b\\{'} for n in range(count)], indent=1).encode())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    read = whole_elements(Text(io.BytesIO(bytes(content))), "item", 10_000, {"n", "kind"})
    found = [one for one in read if isinstance(one, dict)]
    whole = [one for one in found if one == {"n": one.get("n"), "kind": "row", "t": 'a"b\\{'}]
    assert len(found) - len(whole) <= 1
    assert len(whole) >= count - 2
