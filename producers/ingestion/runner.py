"""Running an import: read a page, have it stored, then move the position.

While a page is on its way to Kafka the next one is read. Killed anywhere, the import goes on behind the last saved position: a
page may be published twice, its items have the same ids, and so it counts once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from producers.ingestion.contract import Source
from producers.ingestion.ledger import Ledger
from producers.ingestion.pages import Checked, checked
from producers.ingestion.sinks import Sink
from segue.errors import Fenced, InvalidInput, NotFound, PostgresUnavailable, Postponed, SegueError
from segue.ingest_jobs import Status


class Watch(Protocol):
    """Somebody who looks on."""

    def page(self, page: Checked) -> None:
        """A page was read."""
        ...


@dataclass(frozen=True)
class Import:
    """One run. `stopped`: whether somebody has asked to end it; then it ends after the page."""

    source: Source
    sink: Sink
    ledger: Ledger
    watch: Watch
    stopped: Callable[[], bool]

    def run(self) -> Status:
        """`done`, or `stopped`. Raises what the source or the sink raises; the pages before count, and the ledger says why."""
        try:
            ended: Status = "done" if self._read_all() else "stopped"
            (self.sink.finish if ended == "done" else self.sink.abandon)()
        except (PostgresUnavailable, Fenced):
            # The ledger itself cannot be written.
            self.sink.abandon()
            raise
        except SegueError as error:
            self.sink.abandon()
            self.ledger.end(_status(error), str(error), error.not_before if isinstance(error, Postponed) else None)
            raise
        except BaseException:
            self.sink.abandon()
            raise
        self.ledger.end(ended)
        return ended

    def _read_all(self) -> bool:
        """Whether all pages were read and stored."""
        pages = self.source.pages(self.ledger.position)
        under_way: Checked | None = None
        while not self.stopped():
            try:
                page = next(pages, None)
            except SegueError:
                self._settle(under_way)
                raise
            self._settle(under_way)
            if page is None:
                return True
            under_way = checked(page, datetime.now(UTC))
            self.watch.page(under_way)
            self.sink.write(under_way)
        self._settle(under_way)
        return False

    def _settle(self, page: Checked | None) -> None:
        if page is not None:
            self.sink.settle()
            self.ledger.settle(page)


def _status(error: SegueError) -> Status:
    if isinstance(error, Postponed):
        return "waiting"
    return "failed" if isinstance(error, InvalidInput | NotFound) else "stopped"
