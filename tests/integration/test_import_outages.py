"""An import while Kafka and Postgres crash and come back: it waits for them and ends as if nothing had been."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from infra.local.stack import LocalStack
from segue.errors import PostgresUnavailable
from segue.settings import Settings
from segue.stores.postgres.database import Database
from segue.stores.postgres.ingest_jobs import IngestJobStore
from segue.stores.postgres.users import UserStore

pytestmark = pytest.mark.stack

ROWS = 40_000
SERVERS = ("postgres", "kafka", "postgres")


def write_table(path: Path) -> Path:
    with path.open("w") as file:
        file.write("time,track,artist\n")
        file.writelines(f"{1_600_000_000 + 60 * number},Waltz {number % 3_000},Otters\n" for number in range(ROWS))
    return path


def test_an_import_outlasts_servers_that_crash(
    own_stack: LocalStack, own_settings: Settings, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    own_stack.start("process-1")
    command = [sys.executable, "-m", "producers.data_ingestor", "table", str(write_table(tmp_path / "outage.csv"))]
    with closing(Database(own_settings.require_postgres())) as database:
        jobs = IngestJobStore(database, 100)

        def read() -> int:
            try:
                return max((job.counts.read for job in jobs.newest()), default=0)
            except PostgresUnavailable:
                return 0

        def stored() -> bool:
            try:
                user = UserStore(database).by_id("outage-one")
            except PostgresUnavailable:
                return False
            return user is not None and user.events == ROWS

        with subprocess.Popen(
            [*command, "--listener", "outage-one"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            for number, server in enumerate(SERVERS):
                wait_until(lambda number=number: read() > number * ROWS // 4, 120, f"page behind outage {number}")
                own_stack.kill(server)
            output, _ = process.communicate(timeout=180)
        assert process.returncode == 0, output
        wait_until(stored, 120, "every listen, once")
        (job,) = jobs.newest()
        assert (job.status, job.counts.read, job.counts.published["listens"]) == ("done", ROWS, ROWS)
