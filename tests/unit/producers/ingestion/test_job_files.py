"""Imports remembered in files, for machines without Postgres."""

from __future__ import annotations

from pathlib import Path

import pytest

from producers.ingestion.job_files import JobFiles
from segue.errors import ConfigurationError
from segue.ingest_jobs import Jobs
from tests.jobs_contract import KEY, JobsContract, begin


class TestJobFiles(JobsContract):
    @pytest.fixture
    def jobs(self, tmp_path: Path) -> Jobs:
        return JobFiles(tmp_path / "ingest", kept=3)


def test_a_file_that_holds_no_job_is_named(tmp_path: Path) -> None:
    jobs = JobFiles(tmp_path, kept=3)
    (tmp_path / f"{KEY.job_id}.job.json").write_bytes(b'{"job_id": ')
    with pytest.raises(ConfigurationError, match=rf"{KEY.job_id}\.job\.json is no import's state .*: delete it"):
        begin(jobs)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="set SEGUE_STATE_DIR"):
        JobFiles(tmp_path / "file" / "ingest", kept=3)
