"""Bytes of any encoding as UTF-8."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.reading.streams import Text, encoding_of
from segue.errors import InvalidFile

TEXT = '[{"track": "Größe, Ñandú"}]'


def read(data: bytes, size: int = 65_536) -> bytes:
    text = Text(io.BytesIO(data))
    parts = []
    while part := text.read(size):
        parts.append(part)
    assert text.taken == len(data)
    return b"".join(parts)


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8"),
        (TEXT.encode("utf-16"), "utf-16-le"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("latin-1"), "windows-1252"),
    ],
)
def test_the_encoding_is_found_out(data: bytes, encoding: str) -> None:
    assert encoding_of(data)[0] == encoding
    assert read(data) == TEXT.encode()


def test_a_character_that_is_cut_by_the_end_of_the_head_is_still_utf8() -> None:
    data = b"a" * 65_535 + "é".encode() * 10
    assert encoding_of(data[:65_536])[0] == "utf-8"
    assert read(data) == data


@given(st.text(st.characters(codec="utf-16"), min_size=1), st.integers(1, 7))
def test_utf16_survives_any_size_of_chunks(text: str, size: int) -> None:
    assert read(b"\xff\xfe" + text.encode("utf-16-le"), size) == text.encode()


def test_half_a_character_at_the_end_is_named() -> None:
    with pytest.raises(InvalidFile, match="is not the utf-16-le that it began as: save it as UTF-8"):
        read("Größe".encode("utf-16") + b"x")
