"""Imports in files of the state directory, where no Postgres is configured: one JSON document each, replaced as a whole."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from segue.errors import ConfigurationError, Fenced, JobBusy
from segue.ingest_jobs import Counts, Job, JobKey


class JobFiles:
    """Jobs of one machine, in `folder`. Raises ConfigurationError where it cannot be written or holds what is no job."""

    def __init__(self, folder: Path, kept: int) -> None:
        self._folder, self._kept = folder, kept
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"{folder} cannot be made ({error.strerror}): set SEGUE_STATE_DIR") from error

    @contextmanager
    def hold(self, job_id: str) -> Iterator[None]:
        """Nobody else on this machine holds the job within the block; the lock ends with this process. Raises JobBusy."""
        with (self._folder / f"{job_id}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise JobBusy(f"another run of the import {job_id} is under way: wait for it, or end it first") from None
            yield

    def begin(self, key: JobKey, label: str, command: str, restart: bool) -> Job:
        """The job, made if it is new, as running once more; `restart` forgets its position and counts."""
        known, now = self.find(key.job_id), datetime.now(UTC)
        kept = None if restart else known
        begun = Job(
            key.job_id, key.source, label, key.listener, key.fingerprint, command,
            position=kept.position if kept else None, status="running", counts=kept.counts if kept else Counts(),
            attempts=known.attempts + 1 if known else 1, not_before=None, reason=None,
            started_at=kept.started_at if kept else now, updated_at=now, finished_at=None,
        )  # fmt: skip
        self._write(begun)
        self._forget_oldest()
        return begun

    def save(self, job: Job) -> None:
        """Write position, counts, status and reason. Raises Fenced if another run has begun since."""
        known = self.find(job.job_id)
        if known is None or known.attempts != job.attempts:
            raise Fenced(f"another run of the import {job.job_id} has begun, or it was deleted: this one ends")
        now = datetime.now(UTC)
        self._write(msgspec.structs.replace(job, updated_at=now, finished_at=now if job.status == "done" else None))

    def find(self, job_id: str) -> Job | None:
        """The job, or None."""
        path = self._path(job_id)
        try:
            return msgspec.json.decode(path.read_bytes(), type=Job)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            raise ConfigurationError(f"{path} is no import's state ({error}): delete it, and the import starts anew") from error

    def newest(self) -> list[Job]:
        """All jobs, the last one changed first; one that was killed is `stopped`."""
        found = [job for path in self._folder.glob("*.job.json") if (job := self.find(path.name.split(".")[0]))]
        return sorted(map(self._as_it_is, found), key=lambda job: job.updated_at, reverse=True)

    def forget(self, sources: Collection[str], before: datetime | None = None) -> None:
        """Remove the jobs of these sources, last changed before a time if one is given; a run that is under way is Fenced."""
        for job in self.newest():
            if job.source in sources and (before is None or job.updated_at < before):
                self._path(job.job_id).unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing is open between calls."""

    def _as_it_is(self, job: Job) -> Job:
        if job.status != "running":
            return job
        try:
            with self.hold(job.job_id):
                return msgspec.structs.replace(job, status="stopped")
        except JobBusy:
            return job

    def _path(self, job_id: str) -> Path:
        return self._folder / f"{job_id}.job.json"

    def _write(self, job: Job) -> None:
        path = self._path(job.job_id)
        part = path.with_suffix(".part")
        try:
            with part.open("wb") as file:
                file.write(msgspec.json.encode(job))
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be written ({error.strerror}): make room, or set SEGUE_STATE_DIR") from error

    def _forget_oldest(self) -> None:
        found = [job for path in self._folder.glob("*.job.json") if (job := self.find(path.name.split(".")[0]))]
        found.sort(key=lambda job: job.updated_at, reverse=True)
        for job in found[self._kept :]:
            if job.status != "running":
                self._path(job.job_id).unlink(missing_ok=True)
