"""Lines of a bounded length."""

from __future__ import annotations

from collections.abc import Iterator

from producers.reading.streams import CHUNK_BYTES, Text


def bounded_lines(text: Text, max_bytes: int) -> Iterator[bytes | None]:
    """Each line without its end; None in the place of one that is longer. Raises InvalidFile.

    At most `max_bytes` and a chunk are in memory, however long a line is.
    """
    begun = b""
    too_long = False
    while chunk := text.read(CHUNK_BYTES):
        first, *rest = chunk.split(b"\n")
        begun = b"" if too_long else begun + first
        if len(begun) > max_bytes:
            begun, too_long = b"", True
        for following in rest:
            yield None if too_long else begun.removesuffix(b"\r")
            begun, too_long = following, len(following) > max_bytes
    if too_long or begun:
        yield None if too_long else begun.removesuffix(b"\r")
