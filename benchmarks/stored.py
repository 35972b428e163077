"""A state of a given size, made by the database itself: what an ingest finds when a service is no longer new."""

from __future__ import annotations

from infra.local.stack import LocalStack
from segue.stores.postgres.database import Database

_FILL = """
insert into users (user_id, events, last_event_at)
select 'user-' || u, {stored} / {users}, now() from generate_series(0, {users} - 1) u;
insert into tracks (track_id) select 'track-' || lpad(t::text, 18, '0') from generate_series(0, {tracks} - 1) t;
insert into interactions (user_no, track_no, weight, plays, skips, saves, statement, last_at)
select 1 + n % {users}, 1 + (n / {users} * 119 + n % {users} * 31) % {tracks}, 1, 1, 0, 0, 1, now()
from generate_series(0, {stored} - 1) n;
insert into listens (event_id, user_no, track_no, kafka_offset, occurred_at, weight, ms_played, kafka_partition, type, session_id)
select lpad(to_hex(n), 32, '0')::uuid, user_no, track_no, 0, last_at, 1, 180000, 0, 0, 'session-' || n / 20
from (select row_number() over () as n, * from interactions) i;
"""


def store(stack: LocalStack, database: Database, stored: int, users: int, tracks: int) -> None:
    """Store one listen of `stored` pairs, the same number for each of `users`; both stores hold them, nothing is left to tidy."""
    with database.transaction() as cursor:
        cursor.execute(_FILL.format(stored=stored, users=users, tracks=tracks))
    database.maintain()
    stack.run_segue("events", "rebuild")
