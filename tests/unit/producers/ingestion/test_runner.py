"""Running an import: what is published, what is remembered, and what happens when it ends early."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from producers.ingestion.job_files import JobFiles
from producers.ingestion.ledger import JobLedger, patiently
from producers.ingestion.rejections import Rejections
from producers.ingestion.runner import Import
from segue.errors import Fenced, InvalidInput, KafkaUnavailable, PostgresUnavailable, Postponed
from segue.ingest_jobs import Counts, Job, JobKey
from tests.unit.producers.ingestion.fakes import ListSink, ListSource, Looks, StillClock, failing, ids

KEY = JobKey("list", "f")


@pytest.fixture
def jobs(tmp_path: Path) -> JobFiles:
    return JobFiles(tmp_path / "ingest", kept=10)


def ledger(jobs: JobFiles, tmp_path: Path) -> JobLedger:
    job = jobs.begin(KEY, "a list", "segue ingest list", restart=False)
    rejections = Rejections(tmp_path / "rejected.jsonl", sum(job.counts.rejected.values()), 100)
    return JobLedger(jobs, job, rejections, StillClock(), 60)


def run(jobs: JobFiles, tmp_path: Path, source: ListSource, sink: ListSink, watch: Looks | None = None) -> str:
    looks = watch or Looks()
    return Import(source, sink, ledger(jobs, tmp_path), looks, looks.stopped).run()


def saved(jobs: JobFiles) -> Job:
    job = jobs.find(KEY.job_id)
    assert job is not None
    return job


def test_everything_is_published_in_order_and_counted(jobs: JobFiles, tmp_path: Path) -> None:
    sink = ListSink()
    assert run(jobs, tmp_path, ListSource(5), sink) == "done"
    assert sink.settled == ids(range(5))
    assert saved(jobs).counts == Counts(5, {"tracks": 5}, {"no_title": 3}, {"podcast": 3})
    assert (saved(jobs).status, saved(jobs).position, sink.ended) == ("done", {"row": 6}, ["finished"])


def test_an_empty_source_is_done(jobs: JobFiles, tmp_path: Path) -> None:
    assert run(jobs, tmp_path, ListSource(0), ListSink()) == "done"
    assert saved(jobs).counts == Counts()


def test_a_page_that_was_not_stored_is_read_again(jobs: JobFiles, tmp_path: Path) -> None:
    with pytest.raises(KafkaUnavailable):
        run(jobs, tmp_path, ListSource(8), ListSink(fails_at_settle=3))
    assert (saved(jobs).position, saved(jobs).status, saved(jobs).counts.read) == ({"row": 4}, "stopped", 4)
    source, sink = ListSource(8), ListSink()
    run(jobs, tmp_path, source, sink)
    assert source.asked_from == [{"row": 4}]
    assert sink.settled == ids(range(4, 8))
    assert saved(jobs).counts == Counts(8, {"tracks": 8}, {"no_title": 4}, {"podcast": 4})


@pytest.mark.parametrize("write", [1, 2, 3, 4])
def test_wherever_the_sink_fails_what_is_stored_and_what_is_read_again_are_everything(
    jobs: JobFiles, tmp_path: Path, write: int
) -> None:
    first, second = ListSink(fails_at_write=write), ListSink()
    with pytest.raises(KafkaUnavailable):
        run(jobs, tmp_path, ListSource(8), first)
    run(jobs, tmp_path, ListSource(8), second)
    assert first.settled + second.settled == ids(range(8))


def test_rejected_rows_are_listed_once_however_often_a_page_is_read(jobs: JobFiles, tmp_path: Path) -> None:
    with pytest.raises(KafkaUnavailable):
        run(jobs, tmp_path, ListSource(8), ListSink(fails_at_settle=2))
    run(jobs, tmp_path, ListSource(8), ListSink())
    lines = (tmp_path / "rejected.jsonl").read_text().splitlines()
    assert [line.split('"')[7] for line in lines] == ["row 0", "row 2", "row 4", "row 6"]


def test_what_was_read_before_the_input_broke_counts(jobs: JobFiles, tmp_path: Path) -> None:
    sink = ListSink()
    with pytest.raises(InvalidInput):
        run(jobs, tmp_path, ListSource(8, breaks=(2, InvalidInput("truncated after row 4"))), sink)
    assert sink.settled == ids(range(4))
    assert (saved(jobs).status, saved(jobs).reason, saved(jobs).position) == ("failed", "truncated after row 4", {"row": 4})


def test_a_service_that_names_a_time_is_waited_for(jobs: JobFiles, tmp_path: Path) -> None:
    later = datetime(2026, 11, 27, tzinfo=UTC)
    with pytest.raises(Postponed):
        run(jobs, tmp_path, ListSource(8, breaks=(1, Postponed("quota", later))), ListSink())
    assert (saved(jobs).status, saved(jobs).not_before, saved(jobs).position) == ("waiting", later, {"row": 2})


def test_a_signal_ends_it_after_the_page(jobs: JobFiles, tmp_path: Path) -> None:
    sink = ListSink()
    assert run(jobs, tmp_path, ListSource(8), sink, Looks(stops_after=2)) == "stopped"
    assert (sink.settled, sink.ended) == (ids(range(4)), ["abandoned"])
    assert (saved(jobs).status, saved(jobs).position) == ("stopped", {"row": 4})


def test_a_run_that_was_overtaken_ends(jobs: JobFiles, tmp_path: Path) -> None:
    overtaken, sink, looks = ledger(jobs, tmp_path), ListSink(), Looks()
    ledger(jobs, tmp_path)
    with pytest.raises(Fenced):
        Import(ListSource(4), sink, overtaken, looks, looks.stopped).run()
    assert (saved(jobs).position, saved(jobs).status, sink.ended) == (None, "running", ["abandoned"])


def test_a_postgres_that_comes_back_in_time_is_waited_for() -> None:
    clock, done = StillClock(), list[bool]()
    patiently(failing(3, lambda: done.append(True)), clock, patience_s=60)
    assert (done, clock.now) == ([True], 1.5)


def test_a_postgres_that_stays_away_is_an_error() -> None:
    with pytest.raises(PostgresUnavailable):
        patiently(failing(1_000, lambda: None), StillClock(), patience_s=60)
