"""Nesting told without parsing agrees with a parser."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.json_depth import nests_deeper

leaves = st.none() | st.booleans() | st.integers() | st.text(alphabet='[]{}"\\a\u00e9') | st.floats(allow_nan=False)
documents = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('[{"\\'), inner, max_size=3))


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@given(documents, st.integers(4, 10), st.integers(0, 8))
def test_it_is_what_a_parser_finds(value: Any, most: int, wrapped: int) -> None:
    for _ in range(wrapped):
        value = [value]
    assert nests_deeper(json.dumps(value, ensure_ascii=False).encode(), most) == (depth(value) > most)


@pytest.mark.parametrize("body", [b"[" * 1_000_000, b"[" * 500_000 + b"]" * 500_000, b'{"a":' * 1_000 + b"1" + b"}" * 1_000])
def test_deep_bodies_are_deep(body: bytes) -> None:
    assert nests_deeper(body, 32)


def test_closing_brackets_in_strings_hide_nothing() -> None:
    assert nests_deeper(b'["]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",' + b"[" * 33 + b"]" * 34, 32)
