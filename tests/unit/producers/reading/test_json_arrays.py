"""Elements of JSON arrays, and where a text stops being one."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.reading.json_arrays import json_elements, json_parts
from producers.reading.streams import Text
from segue.errors import InvalidFile


def elements(data: bytes, prefix: str = "item", max_bytes: int = 100_000) -> tuple[list[Any], str | None]:
    """What was read, and the code of the error that ended it."""
    read: list[Any] = []
    try:
        read.extend(json_elements(Text(io.BytesIO(data)), prefix, max_bytes))
    except InvalidFile as error:
        return read, error.code
    return read, None


def test_elements_are_read_one_by_one() -> None:
    assert elements(b'[{"a": 1}, [2], "x", null]') == ([{"a": 1}, [2], "x", None], None)
    assert elements(b'{"n": "me", "scrobbles": [1, 2]}', "scrobbles.item") == ([1, 2], None)
    assert elements(b"[]") == ([], None)


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b'[{"a": 1}, {"a": 2}, {"a":', [{"a": 1}, {"a": 2}]),
        (b'[{"a": 1}, {"a" 2}, {"a": 3}]', [{"a": 1}]),
        (b'[{"a": 1}] and more', [{"a": 1}]),
        (b'[{"a": 1}, {"a": "\xff"}]', [{"a": 1}]),
        (b"[1, " + b"9" * 5_000 + b"]", [1]),
        (b"[1, 1e99999999999999999999]", [1]),
        (b"", []),
    ],
)
def test_what_comes_before_damage_is_read(data: bytes, read: list[Any]) -> None:
    # Padded so that the damage lies past the head, by which the encoding is told.
    assert elements(b" " * 70_000 + data) == (read, "bad_json")


def test_damage_is_told_with_its_place_and_without_the_text() -> None:
    text = Text(io.BytesIO(b'[{"ip": "10.0.0.1"}, {"ip": 10.0.0.1}]'))
    with pytest.raises(InvalidFile, match="is no JSON after element 1, before byte 38: what comes before was read") as caught:
        list(json_elements(text, "item", 1_000))
    assert "10.0" not in str(caught.value)


def test_an_element_over_the_bound_ends_the_reading() -> None:
    assert elements(b'[1, "' + b"x" * 500_000 + b'"]') == ([1], "too_long_element")


def test_an_array_may_be_far_longer_than_an_element() -> None:
    read, code = elements(json.dumps(["x" * 1_000] * 1_000).encode())
    assert (len(read), code) == (1_000, None)


def test_values_in_each_other_without_end_are_refused() -> None:
    assert elements(b"[" * 1_000_000) == ([], "too_deep")


def test_unbalanced_brackets_in_titles_are_no_depth() -> None:
    titles = [{"title": "[{" * 3, 'quoted "': "\\"} for _ in range(5_000)]
    assert elements(json.dumps(titles).encode()) == (titles, None)


def test_parts_come_with_their_places_in_order() -> None:
    data = b'{"playlists": [{"name": "a", "items": [{"x": 1}, {"x": [2]}]}, {"name": "b", "items": []}]}'
    parts = json_parts(Text(io.BytesIO(data)), ("playlists.item.name", "playlists.item.items.item"), ("playlists.item",), 1_000)
    assert list(parts) == [
        ("playlists.item.name", "a"),
        ("playlists.item.items.item", {"x": 1}),
        ("playlists.item.items.item", {"x": [2]}),
        ("playlists.item", None),
        ("playlists.item.name", "b"),
        ("playlists.item", None),
    ]


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_the_named_error(data: bytes) -> None:
    elements(data)
    elements(b"[" + data)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3),
    max_leaves=10,
)


@given(st.lists(VALUES, max_size=5))
def test_elements_are_those_of_the_array(values: list[Any]) -> None:
    assert elements(json.dumps(values).encode()) == (values, None)
