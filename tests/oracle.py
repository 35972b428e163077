"""An oracle that folds what was published by itself, in plain Python, and reads both stores to compare."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import redis

from segue.events import NOT_TASTE, CatalogueTrack, ListeningEvent, PlaylistRecord, UserRecord
from segue.stores.postgres.database import Database
from segue.stores.redis.rows import row_key, unpack_row
from segue.topics import CATALOGUE, PLAYLISTS, USERS

HALF_LIFE_S = 60 * 86_400
LANDMARK_S = 1_767_225_600


@dataclass
class Expected:
    """What one listener and one track must come to."""

    weight: float = 0.0
    plays: int = 0
    skips: int = 0
    saves: int = 0
    stance: int = 0
    stated_at: float = -math.inf


Matrix = dict[tuple[str, str], Expected]


@dataclass(frozen=True)
class Change:
    """A record of a compacted topic; None deletes."""

    topic: str
    key: str
    record: CatalogueTrack | PlaylistRecord | UserRecord | None


Rows = dict[tuple[str, str], tuple[object, ...]]
"""What is there, by (topic, key): the columns that a person would see."""


def fold(events: Iterable[ListeningEvent]) -> Matrix:
    """The matrix of these events; each event_id counts once, impressions and blocks do not count."""
    matrix: Matrix = {}
    for event in {event.event_id: event for event in events}.values():
        if event.type not in NOT_TASTE:
            _add(matrix.setdefault((event.user_id, event.track_id), Expected()), event)
    return matrix


def _add(cell: Expected, event: ListeningEvent) -> None:
    at_s = event.occurred_at.timestamp()
    decay = 2.0 ** ((at_s - LANDMARK_S) / HALF_LIFE_S)
    if event.type == "play":
        cell.plays += 1
        cell.weight += (0.25 if event.ms_played is not None and event.ms_played < 30_000 else 1.0) * decay
    elif event.type == "skip":
        cell.skips += 1
        cell.weight -= 0.5 * decay
    elif event.type in ("playlist_add", "playlist_remove"):
        cell.saves += 1 if event.type == "playlist_add" else -1
    elif at_s > cell.stated_at:
        cell.stated_at = at_s
        cell.stance = {"like": 1, "dislike": -1}.get(event.type, 0)


def in_postgres(database: Database) -> Matrix:
    """The matrix as Postgres has it."""
    with database.transaction(read_only=True) as cursor:
        cursor.execute(
            """select user_id, track_id, weight, plays, skips, saves, (statement & 3)::int - 1
               from interactions join users using (user_no) join tracks using (track_no)"""
        )
        return {(row[0], row[1]): Expected(*row[2:]) for row in cursor}


def in_redis(url: str, database: Database, buckets: int = 8) -> Matrix:
    """The matrix as Redis has it, for every listener that Postgres knows."""
    with database.transaction(read_only=True) as cursor:
        cursor.execute("select track_no, track_id from tracks")
        track_ids = dict(cursor.fetchall())
        cursor.execute("select user_id from users")
        user_ids = [user_id for (user_id,) in cursor]
    matrix: Matrix = {}
    with redis.Redis.from_url(url) as client:
        for user_id in user_ids:
            row = unpack_row(client.hgetall(row_key(user_id, buckets)))
            for number, cell in zip(row.track_nos, row.cells, strict=True) if row else ():
                matrix[user_id, track_ids[number]] = Expected(
                    float(cell["weight"]), int(cell["plays"]), int(cell["skips"]), int(cell["saves"]), int(cell["stance"])
                )
    return matrix


def differences(expected: Matrix, found: Matrix) -> list[str]:
    """What differs, a line each: counts to the unit, weights to 1e-9; empty if nothing does."""
    lines = [f"missing {key}" for key in expected.keys() - found.keys()] + [
        f"extra {key}" for key in found.keys() - expected.keys()
    ]
    for key in expected.keys() & found.keys():
        want, got = expected[key], found[key]
        counts_equal = (want.plays, want.skips, want.saves, want.stance) == (got.plays, got.skips, got.saves, got.stance)
        if not counts_equal or not math.isclose(want.weight, got.weight, rel_tol=1e-9, abs_tol=1e-9):
            lines.append(f"{key}: expected {want}, found {got}")
    return lines


def fold_changes(changes: Iterable[Change]) -> Rows:
    """What the last record of each key leaves."""
    rows: Rows = {}
    for change in changes:
        rows.pop((change.topic, change.key), None)
        if change.record is not None:
            rows[change.topic, change.key] = _columns(change.record)
    return rows


def _columns(record: CatalogueTrack | PlaylistRecord | UserRecord) -> tuple[object, ...]:
    if isinstance(record, CatalogueTrack):
        return record.name, record.artists, record.popularity, record.genres
    if isinstance(record, PlaylistRecord):
        return record.name, record.track_ids
    return record.display_name, record.genres


def rows_in_postgres(database: Database, prefix: str) -> Rows:
    """Tracks, playlists and profiles whose key begins with `prefix`; ids that were only ever named have no profile here."""
    queries = {
        CATALOGUE: """select track_id, name, artists, popularity, genres from tracks
                      where track_id like %s and name is not null and deleted_at is null""",
        PLAYLISTS: """select playlist_id, p.name, array_remove(array_agg(track_id order by position), null)
                      from playlists p left join playlist_tracks using (playlist_no) left join tracks using (track_no)
                      where playlist_id like %s group by playlist_id, p.name""",
        USERS: "select user_id, display_name, genres from users where user_id like %s and display_name is not null",
    }
    rows: Rows = {}
    with database.transaction(read_only=True) as cursor:
        for topic, query in queries.items():
            cursor.execute(query, (f"{prefix}%",))
            for key, *columns in cursor:
                rows[topic, key] = tuple(tuple(column) if isinstance(column, list) else column for column in columns)
    return rows
