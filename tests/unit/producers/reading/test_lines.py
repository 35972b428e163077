"""Lines of bounded length."""

from __future__ import annotations

import io
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from producers.reading.lines import bounded_lines
from producers.reading.streams import Text


def lines(data: bytes, max_bytes: int = 1_000) -> list[bytes | None]:
    return list(bounded_lines(Text(io.BytesIO(data)), max_bytes))


def test_lines_end_with_or_without_carriage_return_and_the_last_without_an_end() -> None:
    assert lines(b"a\nb\r\n\nc") == [b"a", b"b", b"", b"c"]


def test_a_longer_line_leaves_a_gap_and_the_next_one_is_read() -> None:
    assert lines(b"a\n" + b"x" * 11 + b"\nb\n" + b"y" * 200_000 + b"\nc", 10) == [b"a", None, b"b", None, b"c"]


def test_a_longer_last_line_leaves_a_gap() -> None:
    assert lines(b"a\n" + b"x" * 200_000, 10) == [b"a", None]


@given(st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"").replace(b"\r", b"")), max_size=20))
def test_lines_are_those_that_were_joined(expected: list[bytes]) -> None:
    data = b"[" + b"\n".join(expected)  # begins as no byte order mark does
    try:
        data.decode()
    except UnicodeDecodeError:
        data = data.decode("latin-1").encode()
        expected = [line.decode("latin-1").encode() for line in expected]
    if b"\0" in data:
        return
    found = lines(data + b"\n")
    assert found == [b"[" + (expected or [b""])[0], *expected[1:]]


def test_a_line_of_any_length_takes_no_memory() -> None:
    class Endless(io.RawIOBase):
        left = 300

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            self.left -= 1
            if self.left < 0:
                return 0
            buffer[:] = b"x" * len(buffer)
            return len(buffer)

    text = Text(Endless())  # type: ignore[arg-type]
    tracemalloc.start()
    try:
        assert list(bounded_lines(text, 100_000)) == [None]
        assert text.taken > 15_000_000
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
