"""A person's history as a source of imports."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from producers.ingestion.contract import Page
from producers.ingestion.songs import Songs
from producers.reading.bounds import Bounds
from producers.reading.members import printable
from producers.sources.histories.kinds import Service
from producers.sources.histories.recognising import fingerprint_of, recognise
from producers.sources.histories.run import Run
from segue.errors import InvalidInput


class HistorySource:
    """One listener's history. `now`: with a time zone; what is said to have happened after it is rejected."""

    def __init__(
        self, path: Path, listener: str, songs: Songs, bounds: Bounds, *, service: Service | None = None, now: datetime
    ) -> None:
        self.label = printable(path.name or str(path))
        self.recognition = recognise(path, bounds, service)
        self.name = self.recognition.name
        self.fingerprint = fingerprint_of(self.recognition, listener)
        self._listener, self._songs, self._bounds, self._now = listener, songs, bounds, now

    def total(self) -> int:
        """Bytes of all files, unpacked."""
        return sum(one.member.size for one in self.recognition.files)

    def pages(self, position: dict[str, Any] | None) -> Iterator[Page]:
        """The pages after a position. Raises InvalidInput for one of something else, Unavailable when the catalogue does.

        What lies before it is read again, though not identified: whether a listen, a song or a recording came up there decides
        what becomes of later ones.
        """
        done = _rows_of(position)
        return Run(self._listener, self._songs, self._bounds, self._now, self.recognition).pages(done)


def _rows_of(position: dict[str, Any] | None) -> int:
    if position is None:
        return 0
    rows = position.get("rows")
    if not isinstance(rows, int) or rows < 0:
        raise InvalidInput("the position is none of a history: import it from the start with --restart", "invalid_position")
    return rows
