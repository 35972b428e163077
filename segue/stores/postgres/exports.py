"""Everything that Postgres holds of a user, as of one moment, in parts of bounded size."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, Literal

import msgspec
from psycopg2.extensions import cursor as PgCursor

from segue.errors import NotFound
from segue.events import LISTENING_TYPES, ListeningType, Time
from segue.ingest_jobs import Status
from segue.stores.postgres.database import Database

PART_ROWS = 500
"""About 130 kB of JSON, which the API's event loop compresses in 1 ms."""
PART_PLAYLISTS = 5
"""Each may have 10,000 tracks."""

Section = Literal["user", "events", "tracks", "blocks", "playlists", "keys", "imports"]
Part = tuple[Section, Sequence[msgspec.Struct]]


class ExportedUser(msgspec.Struct, frozen=True):
    """The profile and totals. `returned_at`: when somebody who had been deleted came back."""

    user_id: str
    display_name: str | None
    genres: tuple[str, ...]
    events: int
    last_event_at: Time | None
    created_at: Time
    returned_at: Time | None


class ExportedEvent(msgspec.Struct, frozen=True):
    """One event: plays, skips, feedback, impressions."""

    event_id: uuid.UUID
    type: ListeningType
    track_id: str
    name: str | None
    artists: tuple[str, ...]
    occurred_at: Time
    ms_played: int | None
    session_id: str | None
    rec_id: uuid.UUID | None
    position: int | None
    source: str | None


class ExportedTrack(msgspec.Struct, frozen=True):
    """What all events with one track add up to. `weight`: forward-decayed, see segue.taste. `stance`: what was said last."""

    track_id: str
    plays: int
    skips: int
    saves: int
    weight: float
    stance: Literal["liked", "disliked"] | None
    last_at: Time


class ExportedBlock(msgspec.Struct, frozen=True):
    """A track or an artist that was shut out. `active`: false once it was taken back. `until`: None for good."""

    track_id: str | None
    artist: str | None
    active: bool
    until: Time | None


class ExportedPlaylist(msgspec.Struct, frozen=True):
    """A playlist that the user owns. `public`: whether other listeners may see it."""

    playlist_id: str
    name: str
    public: bool
    source: str | None
    changed_at: Time
    track_ids: tuple[str, ...]


class ExportedKey(msgspec.Struct, frozen=True):
    """A key of the user's own, by the part of it that may be shown."""

    prefix: str
    name: str
    scopes: tuple[str, ...]
    created_at: Time
    expires_at: Time | None
    revoked_at: Time | None


class ExportedImport(msgspec.Struct, frozen=True):
    """An import of the user's history. `read`: items that were read so far; `finished_at`: None unless it came to its end."""

    source: str
    label: str
    status: Status
    read: int
    started_at: Time
    updated_at: Time
    finished_at: Time | None


_USER = """
select user_no, display_name, genres, events, last_event_at, created_at, returned_at
from users where user_id = %s and deleted_at is null
"""
_EVENTS = """
select l.event_id, l.type, t.track_id, t.name, t.artists, l.occurred_at, l.ms_played, l.session_id, l.rec_id, l.position, l.source
from listens l join tracks t using (track_no) where l.user_no = %(user_no)s order by l.occurred_at, l.event_id
"""
_TRACKS = """
select t.track_id, i.plays, i.skips, i.saves, i.weight, (i.statement & 3) - 1, i.last_at
from interactions i join tracks t using (track_no) where i.user_no = %(user_no)s order by t.track_id
"""
_BLOCKS = """
select t.track_id, nullif(b.said, ''), b.statement & 1 = 1, b.until
from blocks b left join tracks t using (track_no) where b.user_no = %(user_no)s order by b.track_no, b.artist
"""
_PLAYLISTS = """
select p.playlist_id, p.name, p.public, p.source, p.changed_at,
       array(select t.track_id from playlist_tracks m join tracks t using (track_no)
             where m.playlist_no = p.playlist_no order by m.position)
from playlists p where p.owner_id = %(user_id)s order by p.playlist_no
"""
_KEYS = """
select prefix, name, scopes, created_at, expires_at, revoked_at from api_keys where user_id = %(user_id)s order by created_at
"""
_IMPORTS = """
select source, label, status, coalesce((counts ->> 'read')::bigint, 0), started_at, updated_at, finished_at
from ingest_jobs where listener = %(user_id)s order by started_at, job_id
"""
_STANCES: dict[int, Literal["liked", "disliked"]] = {1: "liked", -1: "disliked"}


class ExportStore:
    """Reads for exports; each holds a connection while it lasts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def parts(self, user_id: str) -> Generator[Part, None, None]:
        """The user, then their rows section by section, all of one snapshot; a section without rows has no part.

        Close the generator if it is not read to its end. Raises NotFound, PostgresUnavailable.
        """
        with self._database.transaction("REPEATABLE READ", read_only=True) as cursor:
            user_no, user = _user(cursor, user_id)
            yield "user", (user,)
            about = {"user_no": user_no, "user_id": user_id}
            for section, query, row, most in _SECTIONS:
                for rows in _fetched(cursor, query, about, most):
                    yield section, [row(values) for values in rows]


def _user(cursor: PgCursor, user_id: str) -> tuple[int, ExportedUser]:
    cursor.execute(_USER, (user_id,))
    row = cursor.fetchone()
    if row is None:
        raise NotFound(f"user {user_id!r} is not known: there is nothing to export")
    user_no, display_name, genres, *more = row
    return user_no, ExportedUser(user_id, display_name, tuple(genres), *more)


def _fetched(cursor: PgCursor, query: str, about: dict[str, object], most: int) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a query, as many at once as are to be in memory. By hand, since psycopg2's named cursors keep no deadline."""
    cursor.execute(f"declare export no scroll cursor for {query}", about)
    while True:
        cursor.execute(f"fetch {most} from export")
        some = cursor.fetchall()
        if not some:
            break
        yield some
    cursor.execute("close export")


def _event(row: tuple[Any, ...]) -> ExportedEvent:
    event_id, kind, track_id, name, artists, *more = row
    return ExportedEvent(event_id, LISTENING_TYPES[kind], track_id, name, tuple(artists), *more)


def _track(row: tuple[Any, ...]) -> ExportedTrack:
    track_id, plays, skips, saves, weight, stance, last_at = row
    return ExportedTrack(track_id, plays, skips, saves, weight, _STANCES.get(stance), last_at)


def _playlist(row: tuple[Any, ...]) -> ExportedPlaylist:
    playlist_id, name, public, source, changed_at, track_ids = row
    return ExportedPlaylist(playlist_id, name, public, source, changed_at, tuple(track_ids))


def _key(row: tuple[Any, ...]) -> ExportedKey:
    prefix, name, scopes, *times = row
    return ExportedKey(prefix, name, tuple(scopes), *times)


_SECTIONS: tuple[tuple[Section, str, Callable[[tuple[Any, ...]], msgspec.Struct], int], ...] = (
    ("events", _EVENTS, _event, PART_ROWS),
    ("tracks", _TRACKS, _track, PART_ROWS),
    ("blocks", _BLOCKS, lambda row: ExportedBlock(*row), PART_ROWS),
    ("playlists", _PLAYLISTS, _playlist, PART_PLAYLISTS),
    ("keys", _KEYS, _key, PART_ROWS),
    ("imports", _IMPORTS, lambda row: ExportedImport(*row), PART_ROWS),
)
