"""An import as it is remembered: what is imported, how far it has come, and what became of what was read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal, Protocol

import msgspec

Status = Literal["running", "stopped", "waiting", "failed", "done"]
"""`stopped`: by a signal, or by a server that was away; `waiting`: a service named a time; `failed`: the input is at fault."""


class Counts(msgspec.Struct, frozen=True):
    """What became of what was read, by kind of item and by code."""

    read: int = 0
    published: dict[str, int] = {}
    rejected: dict[str, int] = {}
    skipped: dict[str, int] = {}

    def plus(self, read: int, published: Mapping[str, int], rejected: Mapping[str, int], skipped: Mapping[str, int]) -> Counts:
        """These and those of one more page."""
        return Counts(
            self.read + read, _sum(self.published, published), _sum(self.rejected, rejected), _sum(self.skipped, skipped)
        )


class JobKey(msgspec.Struct, frozen=True):
    """What makes two imports the same one. `listener`: whose listens these are, if anybody's."""

    source: str
    fingerprint: str
    listener: str | None = None

    @property
    def job_id(self) -> str:
        """Short, and the same each time."""
        parts = (self.source, self.fingerprint, self.listener or "")
        return blake2b("\0".join(parts).encode("utf-8", "surrogateescape"), digest_size=6).hexdigest()


class Job(msgspec.Struct, frozen=True):
    """One import. `position`: where to go on, None at the start. `command`: how it was started, for people."""

    job_id: str
    source: str
    label: str
    listener: str | None
    fingerprint: str
    command: str
    position: dict[str, Any] | None
    status: Status
    counts: Counts
    attempts: int
    """Runs so far. A run that saves under an older number was overtaken by another."""
    not_before: datetime | None
    reason: str | None
    """Why it did not end well."""
    started_at: datetime
    updated_at: datetime
    finished_at: datetime | None


class Jobs(Protocol):
    """Where imports are remembered."""

    def hold(self, job_id: str) -> AbstractContextManager[None]:
        """Nobody else holds the job within the block. Raises JobBusy."""
        ...

    def begin(self, key: JobKey, label: str, command: str, restart: bool) -> Job:
        """The job, made if it is new, as running once more; `restart` forgets its position and counts."""
        ...

    def save(self, job: Job) -> None:
        """Write position, counts, status and reason. Raises Fenced if another run has begun since."""
        ...

    def find(self, job_id: str) -> Job | None:
        """The job, or None."""
        ...

    def newest(self) -> list[Job]:
        """All jobs, the last one changed first. A job that says `running` and that nobody holds was killed: `stopped`."""
        ...

    def forget(self, sources: Collection[str], before: datetime | None = None) -> None:
        """Remove the jobs of these sources, last changed before a time if one is given; a run that is under way is Fenced."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


def _sum(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    return {name: a.get(name, 0) + b.get(name, 0) for name in sorted({*a, *b})}
