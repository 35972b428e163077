"""How often a service is asked: one request at a time, about one a second, and so many within any 24 hours.

All commands of a state directory share one book of requests in a file under a lock: Spotify counts by account, not by process.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from producers.simulator.clock import Clock
from producers.spotify.private_files import read_private, write_private
from segue.errors import ConfigurationError, Postponed

DAY_S = 86_400.0
WORTHWHILE = 50
"""Requests that must be free again before a command that spent its budget is worth running again."""


class _Book(msgspec.Struct):
    """When requests were made in the last 24 hours, oldest first, and until when none may be made; Unix times."""

    at_s: list[float] = []
    not_before_s: float = 0.0


class Turn:
    """One request's turn: no other process makes one meanwhile."""

    def __init__(self, book: _Book, path: Path, now_s: float) -> None:
        self._book, self._path, self._now_s = book, path, now_s

    def pause(self, seconds: float) -> datetime:
        """No process of this state directory asks again before these seconds have passed; returns the time."""
        self._book.not_before_s = max(self._book.not_before_s, self._now_s + seconds)
        self.save()
        return _utc(self._book.not_before_s)

    def count(self, further: int) -> None:
        """The request was sent so many times more."""
        if further:
            self._book.at_s += [self._now_s] * further
            self.save()

    def oldest_leaves_in_s(self) -> float:
        """Seconds until the oldest request of the last 24 hours is older than that."""
        return self._book.at_s[0] + DAY_S - self._now_s

    def save(self) -> None:
        """Write the book."""
        write_private(self._path, msgspec.json.encode(self._book))


class Budget:
    """`per_day` requests within any 24 hours, `per_s` a second, pauses of up to `wait_max_s` waited out.

    `service` and `setting`, that of `per_day`, are for messages.
    """

    def __init__(
        self, folder: Path, per_day: int, per_s: float, wait_max_s: float, clock: Clock, service: str = "Spotify",
        setting: str = "SEGUE_SPOTIFY_REQUESTS_PER_DAY",
    ) -> None:  # fmt: skip
        self.service, self._setting = service, setting
        self._path, self._lock = folder / "requests.json", folder / "requests.lock"
        self._per_day, self._gap_s, self.wait_max_s, self._clock = per_day, 1 / per_s, wait_max_s, clock

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Wait for a turn and note the request; the block makes it. Raises Postponed instead of waiting for long."""
        while True:
            with self._locked():
                book = self._read()
                pause_s = book.not_before_s - self._clock.now_s()
                if pause_s <= 0:
                    yield self._begun(book)
                    return
            # Without the lock: another process that asks for the time must not wait too.
            if pause_s > self.wait_max_s or self._clock.stopped():
                raise Postponed(_told(f"{self.service} wants a pause", book.not_before_s), _utc(book.not_before_s))
            self._clock.wait(pause_s)

    def now(self) -> datetime:
        """The time, in UTC."""
        return _utc(self._clock.now_s())

    def used(self) -> int:
        """Requests within the last 24 hours."""
        with self._locked():
            return len(self._read().at_s)

    def _begun(self, book: _Book) -> Turn:
        self._refuse_when_spent(book)
        if book.at_s and (gap_s := book.at_s[-1] + self._gap_s - self._clock.now_s()) > 0:
            self._clock.wait(gap_s)
        now_s = self._clock.now_s()
        book.at_s.append(now_s)
        turn = Turn(book, self._path, now_s)
        # Before the request is made: one that is interrupted counted at Spotify too.
        turn.save()
        return turn

    def _refuse_when_spent(self, book: _Book) -> None:
        if len(book.at_s) < self._per_day:
            return
        to_leave = len(book.at_s) - self._per_day + min(WORTHWHILE, self._per_day)
        resume_s = book.at_s[to_leave - 1] + DAY_S
        spent = f"the {self._per_day:,} requests of 24 hours are spent ({self._setting})"
        raise Postponed(_told(spent, resume_s), _utc(resume_s))

    def _read(self) -> _Book:
        raw = read_private(self._path)
        try:
            book = _Book() if raw is None else msgspec.json.decode(raw, type=_Book)
        except msgspec.MsgspecError as error:
            raise ConfigurationError(f"{self._path} cannot be read ({error}): remove it, and wait a day to be safe") from error
        now_s = self._clock.now_s()
        # A clock that was set back leaves times in the future: they count as of now.
        book.at_s = [min(at_s, now_s) for at_s in book.at_s if at_s > now_s - DAY_S]
        return book

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _told(why: str, until_s: float) -> str:
    when = _utc(until_s).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"{why}: nothing is asked before {when}"


def _utc(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
