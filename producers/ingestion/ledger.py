"""What an import has done so far. Its position moves when a page is stored for good, and its counts with it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, TypeVar

import msgspec

from producers.ingestion.pages import Checked, by_code
from producers.ingestion.rejections import Rejections
from producers.simulator.clock import Clock
from segue.errors import PostgresUnavailable
from segue.ingest_jobs import Counts, Job, Jobs, Status
from segue.logs import fields

log = logging.getLogger(__name__)

RETRY_S = 0.5

T = TypeVar("T")


class Ledger(Protocol):
    """What the runner needs to know of and to tell."""

    @property
    def position(self) -> dict[str, Any] | None:
        """Where to go on."""
        ...

    @property
    def counts(self) -> Counts:
        """What became of everything that was settled."""
        ...

    def settle(self, page: Checked) -> None:
        """The page is stored for good."""
        ...

    def end(self, status: Status, reason: str | None = None, not_before: datetime | None = None) -> None:
        """How the run ended."""
        ...


class OneRun:
    """The ledger of a run that nobody goes on with: it begins at the start, and what it did is not remembered."""

    def __init__(self, rejections: Rejections) -> None:
        self.position, self.counts = None, Counts()
        self._rejections = rejections

    def settle(self, page: Checked) -> None:
        """Count the page."""
        self._rejections.add(page.rejected)
        self.counts = _counted(self.counts, page)

    def end(self, status: Status, reason: str | None = None, not_before: datetime | None = None) -> None:
        """Nothing is kept."""


class JobLedger:
    """The ledger of a job, saved after each page. Raises Fenced, and PostgresUnavailable after `patience_s`."""

    def __init__(self, jobs: Jobs, job: Job, rejections: Rejections, clock: Clock, patience_s: float) -> None:
        self.job = job
        self._jobs, self._rejections, self._clock, self._patience_s = jobs, rejections, clock, patience_s

    @property
    def position(self) -> dict[str, Any] | None:
        """Behind the last page that is stored."""
        return self.job.position

    @property
    def counts(self) -> Counts:
        """Of all runs of the job."""
        return self.job.counts

    def settle(self, page: Checked) -> None:
        """Save position and counts behind the page."""
        self._rejections.add(page.rejected)
        self._save(position=page.position, counts=_counted(self.job.counts, page))

    def end(self, status: Status, reason: str | None = None, not_before: datetime | None = None) -> None:
        """Save how the run ended."""
        self._save(status=status, reason=reason, not_before=not_before)

    def _save(self, **changes: object) -> None:
        self.job = msgspec.structs.replace(self.job, **changes)
        patiently(lambda: self._jobs.save(self.job), self._clock, self._patience_s)


def patiently(ask: Callable[[], T], clock: Clock, patience_s: float) -> T:
    """Try for `patience_s` seconds: a Postgres that restarts is back within them. Raises PostgresUnavailable."""
    deadline = clock.now_s() + patience_s
    while True:
        try:
            return ask()
        except PostgresUnavailable as error:
            if clock.now_s() >= deadline or clock.stopped():
                raise
            log.warning("waiting for Postgres", extra=fields(reason=error))
        clock.wait(RETRY_S)


def _counted(counts: Counts, page: Checked) -> Counts:
    return counts.plus(page.read, page.published, by_code(page.rejected), page.skipped)
