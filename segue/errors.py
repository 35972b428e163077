"""The one exception tree.

    SegueError
    ├── ConfigurationError        a setting is missing or contradicts another; the message names it
    ├── InvalidInput              what a person or a client sent is wrong; the message says what to change
    │   ├── InvalidEvent          one listening event, catalogue, playlist or user record
    │   ├── InvalidCatalogue      a catalogue file as a whole (no such column, not a CSV)
    │   └── InvalidFile           a file to import, or one file of an archive, from some place on (damaged, encrypted, too large)
    ├── NotFound                  the named track, user, model is not known
    ├── Unavailable               a server cannot be reached now; trying later may help
    │   ├── KafkaUnavailable
    │   ├── PostgresUnavailable
    │   ├── RedisUnavailable
    │   └── Postponed             a service asks to come back later, and says when
    ├── JobBusy                   another run of the same import is under way
    ├── PlaylistBusy              another change of the playlist is under way; sending this one again helps
    ├── RefusedByStore            a store will never take a value of this batch; waiting does not help
    ├── Fenced                    another worker has moved this partition on; the batch must be dropped
    ├── Gap                       records are missing between the high-water mark and what came from the log
    └── CorruptSnapshot           a snapshot's files differ from its manifest

Library errors are translated once, in the adapter that calls the library.
"""

from __future__ import annotations

from datetime import datetime


class SegueError(Exception):
    """Base of everything Segue raises on purpose."""


class ConfigurationError(SegueError):
    """A setting is missing or wrong."""


class InvalidInput(SegueError):
    """Input was refused; `code` is stable, the message is for people."""

    code = "invalid_input"

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class InvalidEvent(InvalidInput):
    """One record was refused."""

    code = "invalid_event"


class InvalidCatalogue(InvalidInput):
    """A catalogue file was refused as a whole."""

    code = "invalid_catalogue"


class InvalidFile(InvalidInput):
    """A file cannot be read, or not further than to here."""

    code = "invalid_file"


class NotFound(SegueError):
    """The named thing is not known."""


class Unavailable(SegueError):
    """A server cannot be reached now."""

    service = "unknown"


class KafkaUnavailable(Unavailable):
    """No broker answers."""

    service = "kafka"


class PostgresUnavailable(Unavailable):
    """Postgres does not answer or is starting up."""

    service = "postgres"


class RedisUnavailable(Unavailable):
    """Redis does not answer or is loading its data."""

    service = "redis"


class Postponed(Unavailable):
    """A service wants no more requests before `not_before`."""

    def __init__(self, message: str, not_before: datetime) -> None:
        super().__init__(message)
        self.not_before = not_before


class JobBusy(SegueError):
    """Another run of the same import is under way."""


class PlaylistBusy(SegueError):
    """Another change of a playlist is under way."""


class RefusedByStore(SegueError):
    """A value is out of a column's range, breaks a constraint or is too large.

    The message may quote the value: it belongs where the data is (the dead letters), not into logs.
    """


class Fenced(SegueError):
    """Another worker has moved this partition's high-water mark; this batch must not be written."""


class Gap(SegueError):
    """The log was read from behind the high-water mark: Postgres lost writes, or records expired before they were stored.

    `starts` maps each such partition to (the first offset that is missing, the offset that came instead).
    """

    def __init__(self, starts: dict[int, tuple[int, int]]) -> None:
        super().__init__(f"records are missing before {starts}")
        self.starts = starts


class CorruptSnapshot(SegueError):
    """A snapshot's files do not match its manifest; it is not loaded."""
