"""Imports remembered in Postgres."""

from __future__ import annotations

import pytest

from segue.ingest_jobs import JobKey, Jobs
from segue.stores.postgres.database import Database
from segue.stores.postgres.ingest_jobs import IngestJobStore
from segue.stores.postgres.users import delete_users
from tests.jobs_contract import JobsContract, begin

pytestmark = pytest.mark.stack


class TestIngestJobStore(JobsContract):
    @pytest.fixture
    def jobs(self, own_database: Database) -> Jobs:
        return IngestJobStore(own_database, kept=3)


def test_with_a_listener_go_their_imports(own_database: Database) -> None:
    jobs = IngestJobStore(own_database, kept=3)
    begin(jobs, JobKey("lastfm", "f1", "alice"))
    begin(jobs, JobKey("lastfm", "f1", "bob"))
    with own_database.transaction() as cursor:
        delete_users(cursor, ["alice"])
    assert [job.listener for job in jobs.newest()] == ["bob"]
