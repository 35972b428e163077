"""Byte streams that name what goes wrong, count what was read, and are UTF-8 whatever the file is."""

from __future__ import annotations

import codecs
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, BinaryIO

from segue.errors import InvalidFile

CHUNK_BYTES = 65_536
DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, OSError, struct.error, UnicodeError,
    ValueError, OverflowError, MemoryError,
)  # fmt: skip
"""What zipfile raises over bytes that are not what they say; RuntimeError too, for a password."""

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_NUL_SHARE = 0.3
"""Of every second byte of UTF-16: a name in Cyrillic has none, the quotes and digits around it have."""


class Translated(io.RawIOBase):
    """A member of an archive; `source` is closed with it. Raises InvalidFile where it is damaged."""

    def __init__(self, source: IO[bytes]) -> None:
        super().__init__()
        self._source = source

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what io passes is a memoryview
        """As RawIOBase has it."""
        try:
            # read1 gives what one step of unpacking gave, so that damage behind it costs nothing before it.
            chunk = self._source.read1(len(buffer))  # type: ignore[attr-defined]  # ZipExtFile has it
        except (*DAMAGE, RuntimeError) as error:
            raise InvalidFile(f"is damaged from here on ({error}): download it again", "damaged_zip") from error
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        """Close the member too."""
        if not self.closed:
            self._source.close()
        super().close()


class Text:
    """The bytes of a text file as UTF-8, without its byte order mark. `taken`: how many bytes of the file were read."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.taken = 0
        self._waiting = self._take(CHUNK_BYTES)
        while 0 < len(self._waiting) < CHUNK_BYTES and (more := self._take(CHUNK_BYTES - len(self._waiting))):
            self._waiting += more
        self.encoding, bom = encoding_of(self._waiting)
        self._waiting = self._waiting[bom:]
        self._convert: Callable[[bytes, bool], bytes] = _converter(self.encoding)

    def read(self, size: int = CHUNK_BYTES) -> bytes:
        """About `size` bytes; none at the end. Raises InvalidFile."""
        if size == 0:  # ijson asks so whether these are bytes
            return b""
        chunk, self._waiting = self._waiting or self._take(size), b""
        while True:
            converted = self._convert(chunk, not chunk)
            if converted or not chunk:
                return converted
            chunk = self._take(size)

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def _take(self, size: int) -> bytes:
        try:
            chunk = self._source.read(size) or b""
        except OSError as error:
            raise InvalidFile(f"cannot be read further: {error.strerror or error}", "unreadable") from error
        self.taken += len(chunk)
        return chunk


def encoding_of(head: bytes) -> tuple[str, int]:
    """The encoding of a text that begins so, and the length of its byte order mark.

    What is not UTF-8 and has no NULs is taken for Windows-1252, of which Latin-1 is a part.
    """
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding, len(bom)
    for encoding, at in (("utf-16-le", 1), ("utf-16-be", 0)):
        if head[at::2].count(0) > _NUL_SHARE * (len(head) / 2) and head[1 - at :: 2].count(0) == 0:
            return encoding, 0
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "windows-1252", 0
    return "utf-8", 0


def _converter(encoding: str) -> Callable[[bytes, bool], bytes]:
    if encoding == "utf-8":
        return lambda chunk, _: chunk
    decoder = codecs.getincrementaldecoder(encoding)()

    def convert(chunk: bytes, final: bool) -> bytes:
        try:
            return decoder.decode(chunk, final).encode()
        except UnicodeError as error:
            raise InvalidFile(f"is not the {encoding} that it began as: save it as UTF-8", "bad_encoding") from error

    return convert
