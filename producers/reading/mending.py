"""Elements of a JSON array that is broken somewhere: what is whole is read, also behind the damage."""

from __future__ import annotations

import codecs
import json
from collections.abc import Collection, Iterator
from typing import Any, NoReturn

import msgspec

from producers.reading.json_arrays import json_elements
from producers.reading.streams import CHUNK_BYTES, Text
from segue.errors import InvalidFile

MAX_MISSES = 1_000
"""Brackets in a row at which no element begins, before the rest is given up: a text of brackets would take for ever."""

_MENDED = ("bad_json", "too_long_element", "too_deep")


class Broken(msgspec.Struct, frozen=True):
    """One place at which something was no element; `code` and `reason` as of InvalidFile."""

    code: str
    reason: str


def whole_elements(text: Text, prefix: str, max_bytes: int, fields: Collection[str]) -> Iterator[Any]:
    """As `json_elements`, but what is broken stands as `Broken` in its place, and then come the further objects with `fields`.

    That such an object is an element is sure: within a text its quotes would be escaped, and no other object has the fields.
    Raises InvalidFile where the file itself cannot be read further.
    """
    kept = _LastChunk(text)
    recent: list[Any] = []
    try:
        for element in json_elements(kept, prefix, max_bytes):
            if kept.changed:
                kept.changed = False
                recent.clear()
            recent.append(element)
            yield element
    except InvalidFile as error:
        if error.code not in _MENDED:
            raise
        yield Broken(error.code, f"{error}; what is whole behind it is read too")
        yield from _Rest(kept, max_bytes, frozenset(fields)).elements(recent)


class _LastChunk(Text):
    """A text whose last chunk can be read again."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self.last = b""
        self.changed = True

    @property
    def taken(self) -> int:  # type: ignore[override]  # counted by the text itself
        """As Text has it."""
        return self._text.taken

    def read(self, size: int = CHUNK_BYTES) -> bytes:
        """As Text has it."""
        chunk = self._text.read(size)
        if chunk:
            self.last, self.changed = chunk, True
        return chunk


class _Rest:
    """The objects from the last chunk on."""

    def __init__(self, text: _LastChunk, max_bytes: int, fields: frozenset[str]) -> None:
        self._text, self._max_chars, self._fields = text, max_bytes, fields
        # A chunk may begin within a character; bytes that are none are found when the names are checked.
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._window = self._decode(text.last)
        self._ended = False
        self._at = 0

    def elements(self, recent: list[Any]) -> Iterator[Any]:
        """All that are not among the `recent` ones, which the last chunk gave already."""
        misses, going_on = 0, False
        while self._find_bracket():
            element = self._object()
            if element is None:
                misses += 1
                if misses > MAX_MISSES:
                    yield Broken("bad_json", "has too much that is no JSON: what comes after it was not read")
                    return
                continue
            if going_on or element not in recent:
                if misses and going_on:
                    yield Broken("bad_json", "has something else that is no JSON: what is whole behind it is read too")
                going_on = True
                yield element
            misses = 0

    def _find_bracket(self) -> bool:
        """Go to the next bracket, with all of a longest element behind it in the window."""
        while True:
            at = self._window.find("{", self._at)
            self._at = len(self._window) if at < 0 else at
            if self._ended or (at >= 0 and len(self._window) - at >= self._max_chars):
                return at >= 0
            chunk = self._text.read(CHUNK_BYTES)
            self._ended = not chunk
            self._window = self._window[self._at :] + self._decode(chunk, self._ended)
            self._at = 0

    def _object(self) -> Any:
        """The element that begins here, and go behind it; or None, and go behind its bracket."""
        try:
            element, end = _decoder.raw_decode(self._window, self._at)
        except (ValueError, RecursionError):
            element, end = None, 0
        if isinstance(element, dict) and self._fields <= element.keys() and end - self._at <= self._max_chars:
            self._at = end
            return element
        self._at += 1
        return None


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_decoder = json.JSONDecoder(parse_constant=_refuse)
