"""`segue ingest jobs`: what was imported and what to run next."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from producers.commands import ingest
from producers.ingestion.job_files import JobFiles
from segue.ingest_jobs import Counts, Job, JobKey


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobFiles:
    monkeypatch.setenv("SEGUE_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("SEGUE_POSTGRES_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    return JobFiles(tmp_path / "ingest", kept=10)


def begun(jobs: JobFiles, **changes: object) -> Job:
    job = jobs.begin(JobKey("table", "f", "alice"), "[played].csv", "segue ingest table '[played].csv'", restart=False)
    changed = msgspec.structs.replace(job, **changes)
    jobs.save(changed)
    return changed


def said(*arguments: str) -> str:
    result = CliRunner().invoke(ingest, ["jobs", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_without_imports_it_says_how_to_begin(jobs: JobFiles) -> None:
    assert "no imports yet: `segue ingest --help`" in said()


def test_one_that_stopped_says_how_far_it_came_and_what_to_run(jobs: JobFiles) -> None:
    job = begun(jobs, status="stopped", counts=Counts(1_200, {"listens": 1_100}, {"bad_time": 100}), reason="Kafka is away")
    output = said()
    assert f"{job.job_id} │ table │ [played].csv │ alice │ stopped │ 1,200 │ 1,100 │ 100" in output
    assert f"{job.job_id}: stopped (Kafka is away); to go on: segue ingest table '[played].csv'" in output


def test_one_that_a_service_put_off_says_from_when_on(jobs: JobFiles) -> None:
    begun(jobs, status="waiting", reason="quota", not_before=datetime(2026, 11, 27, 3, tzinfo=UTC))
    assert "waiting (quota); to go on from 2026-11-27 03:00:00 UTC on: segue ingest" in said()


def test_one_whose_input_broke_says_to_correct_it(jobs: JobFiles) -> None:
    begun(jobs, status="failed", reason="truncated")
    assert "failed (truncated); correct the input, then: segue ingest" in said()


def test_one_that_is_done_needs_nothing(jobs: JobFiles) -> None:
    begun(jobs, status="done")
    assert "to go on" not in said()


def test_scripts_get_json(jobs: JobFiles) -> None:
    begun(jobs, status="done", counts=Counts(7))
    (job,) = json.loads(said("--json"))
    assert (job["status"], job["counts"]["read"], job["listener"]) == ("done", 7, "alice")
