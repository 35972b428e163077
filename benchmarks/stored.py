"""A state of a given size, made by the database itself: what an ingest finds when a service is no longer new."""

from __future__ import annotations

import psycopg2

from infra.local.stack import LocalStack
from segue.settings import Settings
from segue.stores.postgres.database import Database

_FILL = """
insert into users (user_id, events, last_event_at)
select 'user-' || u, ({stored} - u + {users} - 1) / {users}, now() from generate_series(0, {users} - 1) u;
insert into tracks (track_id) select 'track-' || lpad(t::text, 18, '0') from generate_series(0, {tracks} - 1) t;
insert into interactions (user_no, track_no, weight, plays, skips, saves, statement, last_at)
select 1 + n % {users}, 1 + (n / {users} * 119 + n % {users} * 31) % {tracks}, 1, 1, 0, 0, 1, now()
from generate_series(0, {stored} - 1) n;
insert into listens (event_id, user_no, track_no, kafka_offset, occurred_at, weight, ms_played, kafka_partition, type, session_id)
select lpad(to_hex(n), 32, '0')::uuid, user_no, track_no, 0, last_at, 1, 180000, 0, 0, 'session-' || n / 20
from (select row_number() over () as n, * from interactions) i;
"""


def store(stack: LocalStack, settings: Settings, stored: int, users: int, tracks: int) -> None:
    """Store one listen of `stored` pairs, spread evenly over `users`; both stores hold them, and Postgres has nothing to tidy."""
    with Database(settings.require_postgres()).transaction() as cursor:
        cursor.execute(_FILL.format(stored=stored, users=users, tracks=tracks))
    _tidy(settings.require_postgres())
    stack.run_segue("events", "rebuild")


def _tidy(url: str) -> None:
    """What Postgres does by itself after a while, now, so that it does not happen while something is measured."""
    opened = psycopg2.connect(url)
    try:
        # Neither works inside a transaction.
        opened.autocommit = True
        with opened.cursor() as cursor:
            cursor.execute("vacuum analyze")
            cursor.execute("checkpoint")
    finally:
        opened.close()
