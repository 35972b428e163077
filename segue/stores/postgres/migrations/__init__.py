"""Numbered SQL files, applied once each in order, under a lock, so that any number of processes may start at once."""

from __future__ import annotations

from importlib.resources import files

from psycopg2.extensions import cursor as PgCursor

from segue.errors import ConfigurationError
from segue.stores.postgres.database import Database
from segue.taste import LANDMARK_S

_LOCK = 0x5E60E


def migrate(database: Database, facts: dict[str, str]) -> list[str]:
    """Bring the schema to the newest version and check the state's facts; returns the names of the files applied.

    `facts` are settings that stored rows depend on (`half_life_days`, `redis_buckets`). Raises ConfigurationError when the
    state was created with other values.
    """
    with database.transaction() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        cursor.execute(f"create schema if not exists {database.schema}")
        cursor.execute("create table if not exists migrations (name text primary key, applied_at timestamptz default now())")
        cursor.execute("select name from migrations")
        done = {name for (name,) in cursor.fetchall()}
        pending = sorted(file.name for file in files(__name__).iterdir() if file.name.endswith(".sql") and file.name not in done)
        for name in pending:
            cursor.execute(files(__name__).joinpath(name).read_text())
            cursor.execute("insert into migrations (name) values (%s)", (name,))
        check_facts(cursor, facts | {"landmark_s": str(LANDMARK_S)})
        return pending


def check_facts(cursor: PgCursor, facts: dict[str, str]) -> None:
    """Store each fact the first time; afterwards refuse a different value."""
    for name, value in sorted(facts.items()):
        cursor.execute("insert into state_facts values (%s, %s) on conflict do nothing", (name, value))
        cursor.execute("select value from state_facts where name = %s", (name,))
        row = cursor.fetchone()
        stored = row[0] if row else None
        if stored != value:
            raise ConfigurationError(
                f"this state was created with {name}={stored}, the settings say {value}: set SEGUE_{name.upper()}={stored}, "
                "or rebuild the state from the log"
            )
