"""Elements of arrays in a JSON text of any size, one at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import ijson
import numpy as np

from producers.reading.streams import CHUNK_BYTES, Text
from segue.errors import InvalidFile

MAX_DEPTH = 256
"""Arrays and objects within each other: the parser's cost of a value grows with how deep it lies."""

_KEPT = "what comes before was read"
_BEGINS, _ENDS = frozenset({"start_map", "start_array", "map_key"}), frozenset({"end_map", "end_array"})
_UNREADABLE = (ijson.JSONError, ValueError, ArithmeticError, RecursionError)
"""The last three are for numbers and texts that are JSON's and not Python's, such as a number of ten thousand digits."""


def json_elements(text: Text, prefix: str, max_bytes: int) -> Iterator[Any]:
    """The elements of the array at `prefix` (`item`, `scrobbles.item`; see ijson), in order.

    Raises InvalidFile where the text is no JSON from some place on, or an element is longer than `max_bytes` or too deep.
    """
    guarded = _Guarded(text, max_bytes)
    with _named_failures(guarded):
        for element in ijson.items(guarded, prefix, buf_size=CHUNK_BYTES):
            guarded.note_element()
            yield element


def json_parts(text: Text, wanted: Collection[str], ends: Collection[str], max_bytes: int) -> Iterator[tuple[str, Any]]:
    """The values at several prefixes as they come, each with its prefix, and the ends of others, with None.

    Slower than `json_elements`, and raises the same.
    """
    guarded = _Guarded(text, max_bytes)
    building: tuple[str, ijson.ObjectBuilder] | None = None
    with _named_failures(guarded):
        for prefix, event, value in ijson.parse(guarded, buf_size=CHUNK_BYTES):
            if building is None and prefix in wanted and event != "map_key":
                building = prefix, ijson.ObjectBuilder()
            if building is not None:
                building[1].event(event, value)
                if prefix == building[0] and event not in _BEGINS:
                    guarded.note_element()
                    yield prefix, building[1].value
                    building = None
            elif prefix in ends and event in _ENDS:
                guarded.note_element()
                yield prefix, None


class _Guarded:
    """What ijson reads from: it would keep an element of any size in memory."""

    def __init__(self, text: Text, max_bytes: int) -> None:
        self._text, self._max_bytes = text, max_bytes
        self.elements = self._since_element = 0

    def note_element(self) -> None:
        self.elements += 1
        self._since_element = 0

    @property
    def place(self) -> str:
        """How far one came."""
        return f"after element {self.elements:,}, before byte {self._text.taken:,}"

    def read(self, size: int) -> bytes:
        chunk = self._text.read(size)
        self._since_element += len(chunk)
        if self._since_element > self._max_bytes + len(chunk):
            raise InvalidFile(
                f"has an element of over {self._max_bytes:,} bytes (SEGUE_INGEST_MAX_LINE_BYTES) {self.place}: {_KEPT}",
                "too_long_element",
            )
        if _steepest(chunk) > MAX_DEPTH:
            raise InvalidFile(f"has arrays over {MAX_DEPTH} deep {self.place}: {_KEPT}", "too_deep")
        return chunk


@contextmanager
def _named_failures(guarded: _Guarded) -> Iterator[None]:
    try:
        yield
    except _UNREADABLE as error:
        raise InvalidFile(f"is no JSON {guarded.place}: {_KEPT}; {_said(error)}", "bad_json") from error


def _steepest(chunk: bytes) -> int:
    """How many more brackets were opened than closed at the most, wherever one begins to count: also those in texts."""
    codes = np.frombuffer(chunk, np.uint8) & 0xDF  # [ and {, ] and } differ in this bit only
    steps = (codes == ord("[")).astype(np.int32) - (codes == ord("]"))
    heights = np.concatenate(([0], np.cumsum(steps)))
    return int((heights - np.minimum.accumulate(heights)).max())


def _said(error: Exception) -> str:
    """The parser's first line: the further ones quote the text, which may hold what is nobody's business."""
    return str(error).split("\n", 1)[0].strip()[:200]
