"""Zip archives from anybody: what they hold is checked before a byte of it is read, and read as a stream."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO

from producers.reading.bounds import Bounds
from producers.reading.streams import DAMAGE, Translated
from segue.errors import InvalidFile

ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
RATIO_FROM_BYTES = 16_000_000
"""What is smaller when it is unpacked is no bomb, however well it was packed."""
DIRECTORY_BYTES_PER_FILE = 256
"""An archive's directory is read whole, so its size is bounded before; a name seldom has more than a hundred characters."""

_ENCRYPTED = 0x1
_END = b"PK\x05\x06"
_END_BYTES = 22
_MAX_COMMENT = 65_535
_END_64 = b"PK\x06\x06"
_LOCATOR_64 = b"PK\x06\x07"
_LOCATOR_BYTES, _END_64_BYTES = 20, 56

RejectedMember = tuple[str, str, str]
"""Code, name, reason."""


@dataclass(frozen=True)
class ZipMember:
    """One file of an archive; `size` in bytes, unpacked: reading never yields more."""

    name: str
    size: int
    modified_at: datetime | None
    open: Callable[[], BinaryIO]


class Archives:
    """Opens archives, one at a time: their members are read one archive after the other."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._path: Path | None = None
        self._zip: zipfile.ZipFile | None = None

    def members(self, path: Path) -> tuple[list[ZipMember], list[RejectedMember]]:
        """The files of an archive in order of their names, and those that are not read. Raises InvalidFile."""
        infos = [info for info in self._opened(path).infolist() if not info.is_dir()]
        self._check_whole(path, infos)
        members, rejected = [], []
        for info in sorted(infos, key=lambda info: info.filename):
            problem = self._problem(info)
            if problem:
                rejected.append((problem[0], info.filename, problem[1]))
            else:
                members.append(self._member(path, info))
        return members, rejected

    def _opened(self, path: Path) -> zipfile.ZipFile:
        if self._zip is None or self._path != path:
            if self._zip is not None:
                self._zip.close()
            self._zip = None
            _check_directory(path, self._bounds)
            with _named_failures():
                self._zip = zipfile.ZipFile(path)
            self._path = path
        return self._zip

    def _member(self, path: Path, info: zipfile.ZipInfo) -> ZipMember:
        def opened() -> BinaryIO:
            with _named_failures():
                return Translated(self._opened(path).open(info))  # type: ignore[return-value]  # reads like any other

        return ZipMember(info.filename, info.file_size, _modified_at(info), opened)

    def _check_whole(self, path: Path, infos: list[zipfile.ZipInfo]) -> None:
        if len(infos) > self._bounds.files:
            raise _too_many_files(self._bounds)
        unpacked, packed = sum(info.file_size for info in infos), path.stat().st_size
        if unpacked > self._bounds.archive_bytes:
            raise InvalidFile(
                f"becomes {unpacked:,} bytes when it is unpacked: at most {self._bounds.archive_bytes:,} are read "
                "(SEGUE_INGEST_ARCHIVE_BYTES)",
                "zip_bomb",
            )
        # Members that share their bytes are each within the ratio, and together beyond it.
        self._check_ratio(unpacked, packed)

    def _check_ratio(self, unpacked: int, packed: int) -> None:
        if unpacked > RATIO_FROM_BYTES and unpacked > self._bounds.archive_ratio * max(packed, 1):
            raise InvalidFile(
                f"becomes {unpacked // max(packed, 1):,} times larger when it is unpacked: at most "
                f"{self._bounds.archive_ratio:,} times is read (SEGUE_INGEST_ARCHIVE_RATIO)",
                "zip_bomb",
            )

    def _problem(self, info: zipfile.ZipInfo) -> tuple[str, str] | None:
        if _leads_out(info.filename):
            return "path_traversal", "its name leads out of the archive: somebody made this archive to do harm"
        if stat.S_ISLNK(info.external_attr >> 16):
            return "symlink", "is a link, which is not followed"
        if info.flag_bits & _ENCRYPTED:
            return "encrypted", "is encrypted: unpack the archive with its password and give the folder"
        if info.filename.lower().endswith(".zip"):
            return "nested_zip", "is an archive in an archive: unpack the outer one and give the folder"
        try:
            self._check_ratio(info.file_size, info.compress_size)
        except InvalidFile as error:
            return error.code, str(error)
        return None


def _leads_out(name: str) -> bool:
    windows, posix = PureWindowsPath(name), PurePosixPath(name)
    return bool(windows.drive or windows.root or posix.is_absolute() or ".." in windows.parts or "\0" in name)


def _modified_at(info: zipfile.ZipInfo) -> datetime | None:
    """Archives hold no time zone, and 1980 where nobody said."""
    try:
        found = datetime(*info.date_time, tzinfo=UTC)
    except ValueError:
        return None
    return found if found.year > 1980 else None


def _check_directory(path: Path, bounds: Bounds) -> None:
    """Refuse a directory that would fill the memory: ZipFile reads the whole of it. Its end says how large it is."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _MAX_COMMENT - _END_BYTES - _LOCATOR_BYTES - _END_64_BYTES))
        tail = file.read()
    end = tail.rfind(_END)
    if end < 0 or len(tail) - end < _END_BYTES:
        raise InvalidFile("ends before its directory, as a download that broke off: download it again", "truncated_zip")
    directory = struct.unpack_from("<L", tail, end + 12)[0]
    record = end - _LOCATOR_BYTES - _END_64_BYTES
    if record >= 0 and tail.startswith(_LOCATOR_64, end - _LOCATOR_BYTES) and tail.startswith(_END_64, record):
        directory = struct.unpack_from("<Q", tail, record + 40)[0]
    if directory > bounds.files * DIRECTORY_BYTES_PER_FILE:
        raise _too_many_files(bounds)


def _too_many_files(bounds: Bounds) -> InvalidFile:
    return InvalidFile(f"has over {bounds.files:,} files, which no export has (SEGUE_INGEST_FILES)", "too_many_files")


@contextmanager
def _named_failures() -> Iterator[None]:
    try:
        yield
    except (*DAMAGE, RuntimeError) as error:
        raise InvalidFile(f"is a damaged archive ({error}): download it again", "damaged_zip") from error
