"""Imports in Postgres: position and counts change together, and one run at a time has a job."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from typing import Any

import msgspec
from psycopg2.errors import LockNotAvailable
from psycopg2.extensions import cursor as PgCursor

from segue.errors import Fenced, JobBusy, PostgresUnavailable
from segue.ingest_jobs import Counts, Job, JobKey
from segue.stores.postgres.database import Database

_COLUMNS = ", ".join(Job.__struct_fields__)
LOCK_WAIT_MS = 2_000


class IngestJobStore:
    """`kept`: jobs that are remembered; the oldest that have ended go. Every call may raise PostgresUnavailable."""

    def __init__(self, database: Database, kept: int) -> None:
        self._database, self._kept = database, kept

    @contextmanager
    def hold(self, job_id: str) -> Iterator[None]:
        """Nobody else holds the job within the block; the lock ends with this process, however that ends. Raises JobBusy."""
        held = ExitStack()
        cursor = held.enter_context(self._database.transaction())
        try:
            self._take(cursor, job_id)
            yield
        finally:
            # A Postgres that restarted meanwhile has let go of it already.
            with suppress(PostgresUnavailable):
                held.close()

    def begin(self, key: JobKey, label: str, command: str, restart: bool) -> Job:
        """The job, made if it is new, as running once more; `restart` forgets its position and counts."""
        with self._database.transaction() as cursor:
            cursor.execute(
                f"""insert into ingest_jobs as j (job_id, source, label, listener, fingerprint, command, status, counts)
                    values (%(id)s, %(source)s, %(label)s, %(listener)s, %(fingerprint)s, %(command)s, 'running', %(none)s)
                    on conflict (job_id) do update set
                        label = excluded.label, command = excluded.command, status = 'running', attempts = j.attempts + 1,
                        position = case when %(restart)s then null else j.position end,
                        counts = case when %(restart)s then excluded.counts else j.counts end,
                        started_at = case when %(restart)s then now() else j.started_at end,
                        updated_at = clock_timestamp(), finished_at = null, not_before = null, reason = null
                    returning {_COLUMNS}""",
                {
                    "id": key.job_id, "source": key.source, "label": label, "listener": key.listener, "command": command,
                    "fingerprint": key.fingerprint, "restart": restart, "none": _json(Counts()),
                },
            )  # fmt: skip
            (begun,) = map(_job, cursor)
            self._forget_oldest(cursor)
        return begun

    def save(self, job: Job) -> None:
        """Write position, counts, status and reason. Raises Fenced if another run has begun since."""
        with self._database.transaction() as cursor:
            cursor.execute(
                """update ingest_jobs set position = %s, counts = %s, status = %s, not_before = %s, reason = %s,
                       updated_at = clock_timestamp(), finished_at = case when %s = 'done' then now() end
                   where job_id = %s and attempts = %s""",
                (
                    None if job.position is None else _json(job.position), _json(job.counts), job.status, job.not_before,
                    job.reason, job.status, job.job_id, job.attempts,
                ),
            )  # fmt: skip
            if cursor.rowcount == 0:
                raise Fenced(f"another run of the import {job.job_id} has begun, or it was deleted: this one ends")

    def find(self, job_id: str) -> Job | None:
        """The job, or None."""
        with self._database.transaction(read_only=True) as cursor:
            cursor.execute(f"select {_COLUMNS} from ingest_jobs where job_id = %s", (job_id,))
            return next(map(_job, cursor), None)

    def newest(self) -> list[Job]:
        """All jobs, the last one changed first; one that was killed is `stopped`."""
        with self._database.transaction() as cursor:
            cursor.execute(f"select {_COLUMNS} from ingest_jobs order by updated_at desc, job_id")
            jobs = [_job(row) for row in cursor]
            return [self._as_it_is(cursor, job) for job in jobs]

    def forget(self, sources: Collection[str], before: datetime | None = None) -> None:
        """Remove the jobs of these sources, last changed before a time if one is given; a run that is under way is Fenced."""
        with self._database.transaction() as cursor:
            cursor.execute(
                "delete from ingest_jobs where source = any(%s) and updated_at < coalesce(%s::timestamptz, 'infinity')",
                (list(sources), before),
            )

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    def _as_it_is(self, cursor: PgCursor, job: Job) -> Job:
        if job.status != "running":
            return job
        cursor.execute("select pg_try_advisory_xact_lock(hashtextextended(%s, 0))", (self._name(job.job_id),))
        (killed,) = cursor.fetchone() or (False,)
        return msgspec.structs.replace(job, status="stopped") if killed else job

    def _take(self, cursor: PgCursor, job_id: str) -> None:
        # Open and idle for as long as the import takes: it has no snapshot, so it keeps no dead rows.
        cursor.execute("set local idle_in_transaction_session_timeout = 0")
        # Postgres takes a moment to see that a process was killed.
        cursor.execute(f"set local lock_timeout = {LOCK_WAIT_MS}")
        try:
            cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (self._name(job_id),))
        except LockNotAvailable:
            raise JobBusy(f"another run of the import {job_id} is under way: wait for it, or end it first") from None

    def _name(self, job_id: str) -> str:
        return f"ingest {self._database.schema} {job_id}"

    def _forget_oldest(self, cursor: PgCursor) -> None:
        cursor.execute(
            """delete from ingest_jobs where status <> 'running' and job_id in
                   (select job_id from ingest_jobs order by updated_at desc offset %s)""",
            (self._kept,),
        )


def forget_jobs_of(cursor: PgCursor, user_ids: list[str]) -> None:
    """Remove what is remembered of these listeners' imports, in the transaction that deletes them."""
    cursor.execute("delete from ingest_jobs where listener = any(%s)", (user_ids,))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _job(row: tuple[Any, ...]) -> Job:
    return msgspec.convert(dict(zip(Job.__struct_fields__, row, strict=True)), Job)
