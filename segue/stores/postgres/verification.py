"""Comparing two states row by row, and what a replay must know of the live one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg2.extensions import cursor as PgCursor

from segue.errors import InvalidInput, NotFound
from segue.stores.postgres.database import Database

SAMPLES = 10
_REPLAYS = "made by segue events replay"
"""Comment of a schema that may be dropped."""
WEIGHT_TOLERANCE = 1e-9
"""Relative. Sums of floats depend on their order, and a replay cuts other batches than the live processors did."""

# What is deleted, and a track that was only ever named, counts as absent: Kafka's compaction forgets a deletion after a day, and
# a replay leaves out the events of deleted users, with the tracks that nobody else played.
_INTERACTIONS = """
select user_id, track_id, weight, plays, skips, saves, statement, last_at
from {0}.interactions join {0}.users using (user_no) join {0}.tracks using (track_no)
"""
_BLOCKS = """
select user_id, coalesce(track_id, 'artist ' || artist) as target, said, statement, until
from {0}.blocks join {0}.users using (user_no) left join {0}.tracks using (track_no)
"""
_COMPARISONS = {
    "interactions": """
        select coalesce(a.user_id, b.user_id) || ' ' || coalesce(a.track_id, b.track_id)
        from ({live_interactions}) a full join ({other_interactions}) b using (user_id, track_id)
        where (a.plays, a.skips, a.saves, a.statement, a.last_at) is distinct from
              (b.plays, b.skips, b.saves, b.statement, b.last_at)
           or not abs(a.weight - b.weight) <= {tolerance} * greatest(1, abs(a.weight))""",
    "blocks": """
        select coalesce(a.user_id, b.user_id) || ' ' || coalesce(a.target, b.target)
        from ({live_blocks}) a full join ({other_blocks}) b using (user_id, target)
        where (a.said, a.statement, a.until) is distinct from (b.said, b.statement, b.until)""",
    "listens": """
        select coalesce(a.event_id, b.event_id)::text from {live}.listens a full join {other}.listens b using (event_id)
        where a.event_id is null or b.event_id is null""",
    "users": """
        select coalesce(a.user_id, b.user_id)
        from (select * from {live}.users where deleted_at is null) a
        full join (select * from {other}.users where deleted_at is null) b using (user_id)
        where (a.user_no is null) <> (b.user_no is null)
           or (a.events, a.last_event_at, a.display_name, a.genres) is distinct from
              (b.events, b.last_event_at, b.display_name, b.genres)""",
    "tracks": """
        select coalesce(a.track_id, b.track_id)
        from (select * from {live}.tracks where deleted_at is null and name is not null) a
        full join (select * from {other}.tracks where deleted_at is null and name is not null) b using (track_id)
        where (a.name, a.artists, a.genres, a.features, a.features_source, a.popularity) is distinct from
              (b.name, b.artists, b.genres, b.features, b.features_source, b.popularity)""",
    "playlists": """
        select coalesce(a.playlist_id, b.playlist_id) from {live_playlists} a full join {other_playlists} b using (playlist_id)
        where (a.name, a.owner_id, a.public, a.track_ids) is distinct from (b.name, b.owner_id, b.public, b.track_ids)""",
}
_PLAYLISTS = """
(select playlist_id, p.name, p.owner_id, p.public, array_agg(track_id order by position) as track_ids
 from {0}.playlists p left join {0}.playlist_tracks using (playlist_no) left join {0}.tracks using (track_no)
 group by p.playlist_no)
"""


@dataclass(frozen=True)
class Comparison:
    """Rows of one table in the live state, and which of them differ."""

    table: str
    rows: int
    different: int
    samples: tuple[str, ...]


@dataclass(frozen=True)
class Lives:
    """Users of the live state that were deleted, and when those who came back did."""

    deleted: frozenset[str]
    returned_at_s: dict[str, float]

    def counts(self, user_id: str, arrived_at_s: float) -> bool:
        """Whether an event that arrived at a Unix time belongs to the user's present life."""
        return user_id not in self.deleted and arrived_at_s >= self.returned_at_s.get(user_id, 0.0)


def compare(database: Database, other_schema: str) -> list[Comparison]:
    """Compare the database's own schema with another, in one snapshot."""
    names = {"live": database.schema, "other": other_schema, "tolerance": WEIGHT_TOLERANCE}
    for side in ("live", "other"):
        names |= {f"{side}_interactions": _INTERACTIONS.format(names[side]), f"{side}_playlists": _PLAYLISTS.format(names[side])}
        names |= {f"{side}_blocks": _BLOCKS.format(names[side])}
    with database.transaction("REPEATABLE READ", read_only=True) as cursor:
        return [_compare_one(cursor, table, query.format(**names)) for table, query in _COMPARISONS.items()]


def _compare_one(cursor: PgCursor, table: str, query: str) -> Comparison:
    cursor.execute(f"select count(*) from {table}")
    (rows,) = cursor.fetchone() or (0,)
    cursor.execute(f"select count(*) over (), key from ({query}) as different(key) limit {SAMPLES}")
    found = cursor.fetchall()
    return Comparison(table, rows, found[0][0] if found else 0, tuple(key for _, key in found))


def unequal_marks(database: Database, other_schema: str) -> list[str]:
    """Partitions whose high-water marks differ, or speak of two logs: the two states are not of the same moment."""
    with database.transaction(read_only=True) as cursor:
        cursor.execute(
            f"""select * from (
                    select topic, partition, coalesce(a.next_offset - a.log_base, 0) as live, coalesce(b.next_offset, 0) as other,
                           coalesce(a.log_id <> b.log_id, false) as replaced
                    from partition_marks a full join {other_schema}.partition_marks b using (topic, partition)
                ) marks where live <> other or replaced order by topic, partition"""
        )
        return [
            f"{topic}[{partition}]: live at {live}, replayed to {other}{' of another log' if replaced else ''}"
            for topic, partition, live, other, replaced in cursor
        ]


def replaced_logs(database: Database) -> list[str]:
    """Topics whose log was replaced since the state began: it holds what the log does not any more."""
    with database.transaction(read_only=True) as cursor:
        cursor.execute("select distinct topic from partition_marks where log_base > 0 order by topic")
        return [topic for (topic,) in cursor]


def note_logs(database: Database, log_ids: Mapping[str, str]) -> None:
    """Keep in a replayed schema which logs were read; `log_ids` by topic."""
    with database.transaction() as cursor:
        for topic, log_id in log_ids.items():
            cursor.execute("update partition_marks set log_id = %s where topic = %s", (log_id, topic))


def read_lives(database: Database) -> Lives:
    """Which users are deleted or have returned."""
    with database.transaction(read_only=True) as cursor:
        cursor.execute(
            "select user_id, deleted_at, returned_at from users where deleted_at is not null or returned_at is not null"
        )
        rows: list[tuple[str, datetime | None, datetime | None]] = cursor.fetchall()
    deleted = frozenset(user_id for user_id, deleted_at, _ in rows if deleted_at)
    return Lives(deleted, {user_id: at.timestamp() for user_id, _, at in rows if at})


def note_replay(database: Database, started_from: str) -> None:
    """Keep in a replayed schema from where the log was read."""
    with database.transaction() as cursor:
        cursor.execute("insert into replayed values (%s)", (started_from,))


def replayed_from(database: Database) -> str | None:
    """From where the schema was replayed, or None if no replay finished there. Raises NotFound if it is no replay's."""
    with database.transaction(read_only=True) as cursor:
        if _schema(cursor, database.schema) != (True, _REPLAYS):
            raise NotFound(f"no replay is called {database.schema}: segue events replay --into {database.schema}")
        cursor.execute("select to_regclass('replayed')")
        if cursor.fetchone() == (None,):
            return None
        cursor.execute("select started_from from replayed order by finished_at desc limit 1")
        row = cursor.fetchone()
        return str(row[0]) if row else None


def begin_replay(database: Database) -> None:
    """Make the database's schema new and empty, and mark it as a replay's.

    Raises InvalidInput if the schema is somebody else's: only what a replay made is dropped.
    """
    drop_replay(database)
    with database.transaction() as cursor:
        cursor.execute(f"create schema {database.schema}")
        cursor.execute(f"comment on schema {database.schema} is %s", (_REPLAYS,))


def drop_replay(database: Database) -> None:
    """Remove a replay's schema and all in it; harmless if it is not there. Raises InvalidInput if it is somebody else's."""
    schema = database.schema
    if schema.startswith("pg_"):
        raise InvalidInput(f"{schema}: Postgres keeps names that begin with pg_ for itself, choose another")
    with database.transaction() as cursor:
        exists, comment = _schema(cursor, schema)
        if exists and comment != _REPLAYS:
            raise InvalidInput(
                f"the schema {schema} was not made by a replay and is left alone: choose another name, or drop it by hand"
            )
        cursor.execute(f"drop schema if exists {schema} cascade")


def _schema(cursor: PgCursor, schema: str) -> tuple[bool, str | None]:
    cursor.execute("select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = %s", (schema,))
    row = cursor.fetchone()
    return row is not None, row[0] if row else None
