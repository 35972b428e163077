"""The files of what somebody names: a file, a folder, or a zip archive, which is never unpacked to disk."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from producers.ingestion.contract import Rejected
from producers.reading.bounds import Bounds
from producers.reading.zips import ZIP_MAGIC, Archives
from segue.errors import InvalidFile, NotFound

MAX_NAME_CHARS = 200


@dataclass(frozen=True)
class Member:
    """One file. `name` is for people; `size` in bytes when it is unpacked."""

    name: str
    size: int
    modified_at: datetime | None
    open: Callable[[], BinaryIO]
    """Raises InvalidFile; so does reading what it returns."""


@dataclass(frozen=True)
class Found:
    """The members in a fixed order, and what is there but is not read."""

    members: list[Member] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


def find_members(path: Path, bounds: Bounds) -> Found:
    """What a path holds. Raises NotFound, or InvalidFile where it is nothing that can be read or holds too many files."""
    found, archives = Found(), Archives(bounds)
    if path.is_dir():
        for file in _walk(path, bounds, found):
            _add(file, str(file.relative_to(path)), archives, found)
    else:
        _add(path, path.name, archives, found, alone=True)
        if not found.members and found.rejected:
            first = found.rejected[0]
            raise InvalidFile(f"{first.where}: {first.reason}", first.code)
    return found


def printable(name: str) -> str:
    """A name from outside as one short line."""
    shown = "".join(c if c.isprintable() else "?" for c in name)
    return shown if len(shown) <= MAX_NAME_CHARS else f"{shown[:MAX_NAME_CHARS]}…"


def _walk(folder: Path, bounds: Bounds, found: Found) -> Iterator[Path]:
    """Regular files under a folder, in order of their names. Links are not followed: they may lead anywhere, or in a circle."""
    files = 0

    def note(error: OSError) -> None:
        where = printable(os.path.relpath(error.filename, folder))
        found.rejected.append(Rejected("unreadable", where, f"cannot be read: {error.strerror}"))

    for parent, folders, names in os.walk(folder, onerror=note):
        folders.sort()
        for name in sorted(names):
            files += 1
            if files > bounds.files:
                raise InvalidFile(
                    f"{folder} has over {bounds.files:,} files: give the folder of one export (or raise SEGUE_INGEST_FILES)",
                    "too_many_files",
                )
            path = Path(parent, name)
            if path.is_symlink():
                where = printable(str(path.relative_to(folder)))
                found.rejected.append(Rejected("symlink", where, "is a link, which is not followed: give the file that it names"))
            else:
                yield path


def _add(path: Path, name: str, archives: Archives, found: Found, alone: bool = False) -> None:
    where = printable(name)
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise InvalidFile("is no regular file: give a file, a folder or a zip archive", "not_a_file")
        if _is_zip(path):
            _add_archive(path, "" if alone else f"{where}/", archives, found)
        else:
            modified_at = datetime.fromtimestamp(facts.st_mtime, UTC)
            found.members.append(Member(where, facts.st_size, modified_at, lambda: _open(path)))
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}: check the path") from None
    except InvalidFile as error:
        found.rejected.append(Rejected(error.code, where, str(error)))
    except OSError as error:
        found.rejected.append(Rejected("unreadable", where, f"cannot be read: {error.strerror or error}"))


def _add_archive(path: Path, prefix: str, archives: Archives, found: Found) -> None:
    members, rejected = archives.members(path)
    for one in members:
        found.members.append(Member(prefix + printable(one.name), one.size, one.modified_at, one.open))
    found.rejected.extend(Rejected(code, prefix + printable(name), reason) for code, name, reason in rejected)


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(ZIP_MAGIC[0])) in ZIP_MAGIC


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb", buffering=0)
    except OSError as error:
        raise InvalidFile(f"cannot be read: {error.strerror or error}", "unreadable") from error
