"""The file that lists what was rejected: JSON lines, the first ones of an import, each once however often it was interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from producers.ingestion.contract import Rejected
from segue.errors import ConfigurationError

SHOWN = 5
_BEGIN = b'{"code":'


class Rejections:
    """`path` None: no file. `known`: how many the import has counted before this run; `most`: lines that the file may have."""

    def __init__(self, path: Path | None, known: int, most: int) -> None:
        self.path, self.first = path, list[Rejected]()
        self._lines, self.most = min(known, most), most
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._cut(path)
        except OSError as error:
            raise _unwritable(path, error) from error

    @property
    def full(self) -> bool:
        """Whether the file has as many lines as it may."""
        return self._lines >= self.most

    def add(self, rejected: Sequence[Rejected]) -> None:
        """Append, as far as there is room. Raises ConfigurationError."""
        self.first += rejected[: SHOWN - len(self.first)]
        fitting = rejected[: self.most - self._lines]
        if not fitting or self.path is None:
            return
        try:
            with self.path.open("ab") as file:
                file.writelines(msgspec.json.encode(one) + b"\n" for one in fitting)
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self._lines += len(fitting)

    def _cut(self, path: Path) -> None:
        """Drop lines of a page that was read, but whose position was not saved: it is read again."""
        with path.open("ab+") as file:
            file.seek(0)
            if file.read(len(_BEGIN)) not in {b"", _BEGIN}:
                raise ConfigurationError(f"{path} is there and lists no rejected rows: choose another file with --rejected")
            file.seek(0)
            end = sum(len(line) for _, line in zip(range(self._lines), file, strict=False))
            file.truncate(end)


def _unwritable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"{path} cannot be written ({error.strerror}): choose another file with --rejected")
