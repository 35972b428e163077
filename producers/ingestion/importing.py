"""One import from its options to its exit code: where it goes, where it is remembered, what is said of it."""

from __future__ import annotations

import shlex
import sys
import time
from contextlib import closing
from functools import partial
from pathlib import Path

from producers.console import err, out
from producers.ingestion.contract import Source
from producers.ingestion.job_files import JobFiles
from producers.ingestion.ledger import JobLedger, Ledger, OneRun
from producers.ingestion.listeners import bring_back
from producers.ingestion.options import Asked
from producers.ingestion.progress import shown
from producers.ingestion.rejections import Rejections
from producers.ingestion.runner import Import
from producers.ingestion.sinks import Sink
from producers.ingestion.sinks.dry_run import DryRunSink
from producers.ingestion.sinks.kafka import KafkaSink
from producers.ingestion.stopping import StoppableClock
from producers.ingestion.summary import EXIT_AGAIN, EXIT_DONE, exit_code, show, show_examples, show_rejected
from producers.publisher import Publisher, open_publisher
from segue.errors import ConfigurationError, JobBusy, Postponed, Unavailable
from segue.ingest_jobs import JobKey, Jobs, Status
from segue.kafka import ensure_topics
from segue.logs import redacted
from segue.settings import Settings
from segue.stores.postgres.database import Database
from segue.stores.postgres.ingest_jobs import IngestJobStore


def import_from(
    source: Source, asked: Asked, settings: Settings, remembered: bool = True, clock: StoppableClock | None = None
) -> int:
    """Run the import, say what became of it, and return the exit code.

    `remembered` False: an input that has to be read from its start each time; `clock`: one that the source waits by too. Raises
    SegueError, but for what another try later may get over: that is exit code 75.
    """
    check(asked)
    clock = clock or StoppableClock()
    try:
        with clock.signals():
            return _Session(source, asked, settings, clock).run(remembered)
    except (Unavailable, JobBusy) as error:
        return not_now(error)


def not_now(error: Unavailable | JobBusy) -> int:
    """Say when to come back, and return the exit code that says it too."""
    err.print(f"not now: {error}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    when = f", not before {error.not_before:%Y-%m-%d %H:%M:%S} UTC" if isinstance(error, Postponed) else ""
    err.print(f"run the same command again{when}: it goes on where it was", markup=False, highlight=False)
    return EXIT_AGAIN


def check(asked: Asked) -> None:
    """Raises ConfigurationError for options that contradict each other."""
    if asked.dry_run and asked.out:
        raise ConfigurationError("--dry-run writes nothing and --out writes files: leave one of them out")


def open_jobs(settings: Settings) -> Jobs:
    """Where imports are remembered: in Postgres if there is one, else in the state directory."""
    if settings.postgres_url is None:
        return JobFiles(settings.state_dir / "ingest", settings.ingest_jobs_kept)
    return IngestJobStore(Database(settings.require_postgres()), settings.ingest_jobs_kept)


class _Session:
    """The parts of one run of a command."""

    def __init__(self, source: Source, asked: Asked, settings: Settings, clock: StoppableClock) -> None:
        self._source, self._asked, self._settings, self._clock = source, asked, settings, clock
        self._key = JobKey(source.name, source.fingerprint, asked.listener)
        self._began = time.monotonic()

    def run(self, remembered: bool) -> int:
        if self._asked.dry_run:
            return self._describe()
        if self._asked.out:
            return self._write(self._asked.out)
        return self._publish_remembered() if remembered else self._publish(self._one_run())

    def _describe(self) -> int:
        sink, rejections = DryRunSink(), Rejections(None, 0, 1)
        ledger = OneRun(rejections)
        status = self._carry_out(sink, ledger, rejections, "would be published")
        show_examples(out, sink, ledger.counts)
        return exit_code(status, ledger.counts)

    def _write(self, folder: Path) -> int:
        from producers.ingestion.sinks.files import FilesSink  # loads Arrow

        ledger, rejections = self._one_run()
        status = self._carry_out(FilesSink(folder, self._asked.out_format), ledger, rejections, "written")
        if status == "done":
            out.print(f"files: {folder}/*.{self._asked.out_format}; a later run writes them anew", markup=False, highlight=False)
        else:
            out.print("stopped: no file was written; the next run begins at the start")
        return exit_code(status, ledger.counts)

    def _publish_remembered(self) -> int:
        with closing(open_jobs(self._settings)) as jobs, jobs.hold(self._key.job_id):
            known = jobs.find(self._key.job_id)
            if known and known.status == "done" and not (self._asked.restart or self._asked.again):
                when = f"{known.finished_at:%Y-%m-%d %H:%M} UTC" if known.finished_at else "before"
                out.print(f"{self._source.label} was imported {when}: nothing to do. To read it again: --restart", markup=False)
                return EXIT_DONE
            restart = self._asked.restart or (known is not None and known.status == "done")
            job = jobs.begin(self._key, self._source.label, _command(), restart)
            if job.position is not None:
                err.print(f"going on after {job.counts.read:,} that an earlier run read", highlight=False)
            rejections = self._rejections(sum(job.counts.rejected.values()))
            ledger = JobLedger(jobs, job, rejections, self._clock, self._settings.ingest_patience_s)
            return self._publish((ledger, rejections))

    def _publish(self, book: tuple[Ledger, Rejections]) -> int:
        settings, (ledger, rejections) = self._settings, book
        with open_publisher(settings, record_timeout_s=settings.ingest_patience_s) as publisher:
            sink = KafkaSink(publisher, settings.ingest_patience_s, partial(self._prepare, publisher))
            status = self._carry_out(sink, ledger, rejections, "published")
        if status == "stopped":
            out.print("stopped: the same command goes on where it was", highlight=False)
        return exit_code(status, ledger.counts)

    def _prepare(self, publisher: Publisher) -> None:
        ensure_topics(self._settings.require_kafka(), self._settings.kafka_partitions)
        if self._asked.listener is not None:
            bring_back(self._asked.listener, publisher, self._settings, self._clock)

    def _carry_out(self, sink: Sink, ledger: Ledger, rejections: Rejections, verb: str) -> Status:
        try:
            with shown(err, self._source.label, self._source.total(), ledger.counts.read) as watch:
                return Import(self._source, sink, ledger, watch, self._clock.stopped).run()
        finally:
            show(out, f"{self._source.name}: {self._source.label}", ledger.counts, time.monotonic() - self._began, verb)
            show_rejected(err, rejections)

    def _one_run(self) -> tuple[OneRun, Rejections]:
        rejections = self._rejections(0)
        return OneRun(rejections), rejections

    def _rejections(self, known: int) -> Rejections:
        default = self._settings.state_dir / "ingest" / f"{self._key.job_id}-rejected.jsonl"
        return Rejections(self._asked.rejected or default, known, self._settings.ingest_rejected_kept)


def _command() -> str:
    """How this process was started, for people who want to go on with it."""
    return redacted(shlex.join(["segue", *sys.argv[1:]]))
