"""Receipts of deletions in Postgres, and how long Kafka keeps what it holds."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from segue.events import TYPE_CODES, PlaylistRecord, UserRecord
from segue.kafka import kept_s
from segue.settings import Settings
from segue.stores.postgres.catalogue import resolve_tracks
from segue.stores.postgres.database import Database
from segue.stores.postgres.deletions import DeletionStore, Found, Remains
from segue.stores.postgres.keys import KeyStore
from segue.stores.postgres.listens import Listen, lock_out_deletions, write_listens
from segue.stores.postgres.playlists import upsert_playlists
from segue.stores.postgres.users import delete_users, resolve_users, upsert_users

pytestmark = pytest.mark.stack

NOW = datetime(2026, 11, 24, tzinfo=UTC)
REMAINS = (Remains("dead letters", "kept as they came", NOW), Remains("the user id", "to refuse late events"))
NOTHING = Found(profile=False, events=0, tracks=0, blocks=0, playlists=0, keys=0)


def live(database: Database, user_id: str) -> None:
    """Someone with a profile, three plays of two tracks, two playlists and a key."""
    with database.transaction() as cursor:
        lock_out_deletions(cursor)
        upsert_users(cursor, [UserRecord(user_id=user_id, display_name="Ann")], {user_id: 0.0})
        user_no = resolve_users(cursor, [user_id]).numbers[user_id]
        tracks = resolve_tracks(cursor, ["a", "b"])
        code = TYPE_CODES["play"]
        write_listens(cursor, [Listen(uuid.uuid4(), user_no, tracks[one], 0, 1, NOW, 1.0, None, code) for one in "aab"])
        lists = [PlaylistRecord(playlist_id=f"{user_id}-{n}", name="P", track_ids=("a",), owner_id=user_id) for n in range(2)]
        upsert_playlists(cursor, lists, {one.playlist_id: 0.0 for one in lists}, {one.playlist_id: 1 for one in lists})
    KeyStore(database).create("phone", frozenset({"read"}), None, user_id)


def delete(database: Database, *user_ids: str) -> None:
    """What a processor does with a deletion."""
    with database.transaction() as cursor:
        delete_users(cursor, user_ids)


def test_a_receipt_counts_what_there_was_and_is_done_with_the_deletion(own_database: Database) -> None:
    store = DeletionStore(own_database)
    live(own_database, "ann")
    receipt, playlists = store.begin("ann", REMAINS)
    assert playlists == ["ann-0", "ann-1"]
    assert receipt.found == Found(profile=True, events=3, tracks=2, blocks=0, playlists=2, keys=1)
    assert (receipt.remains, receipt.done_at) == (REMAINS, None)
    delete(own_database, "bob", "ann")
    done = store.get("ann", receipt.receipt_id)
    assert done is not None
    assert done.done_at is not None
    assert (done.requested_at, done.found) == (receipt.requested_at, receipt.found)


def test_of_many_requests_at_once_comes_one_receipt_and_a_later_one_gets_its_own(own_database: Database) -> None:
    store = DeletionStore(own_database)
    live(own_database, "ann")
    with ThreadPoolExecutor(5) as pool:
        first = {receipt.receipt_id for receipt, _ in pool.map(lambda _: store.begin("ann", REMAINS), range(20))}
    assert len(first) == 1
    delete(own_database, "ann")
    second, playlists = store.begin("ann", REMAINS)
    assert second.receipt_id not in first
    assert (second.found, playlists) == (NOTHING, [])


def test_the_deletion_of_nobody_is_done_too(own_database: Database) -> None:
    store = DeletionStore(own_database)
    receipt, _ = store.begin("nobody", REMAINS)
    other, _ = store.begin("else", REMAINS)
    delete(own_database, "nobody")
    done, pending = store.get("nobody", receipt.receipt_id), store.get("else", other.receipt_id)
    assert done is not None
    assert pending is not None
    assert (done.found, done.done_at is not None, pending.done_at) == (NOTHING, True, None)


def test_a_receipt_names_nobody_and_opens_to_who_knows_the_name(own_database: Database) -> None:
    store = DeletionStore(own_database)
    live(own_database, "ann-of-green-gables")
    receipt, _ = store.begin("ann-of-green-gables", REMAINS)
    with own_database.transaction(read_only=True) as cursor:
        cursor.execute("select d::text, octet_length(digest) from deletions d")
        ((stored, digest_bytes),) = cursor.fetchall()
    assert "gables" not in stored
    assert digest_bytes == 32
    assert store.get("ann", receipt.receipt_id) is None
    assert store.get("ann-of-green-gables", uuid.uuid4()) is None


def test_how_long_kafka_keeps_what_is_past(settings: Settings) -> None:
    day_s = 24 * 3600
    assert kept_s(settings.require_kafka()) == {
        "listening-events": None,
        "catalogue": 7 * day_s,
        "playlists": 7 * day_s,
        "users": 7 * day_s,
        # Retention, and the week after which Kafka begins a new segment.
        "dead-letters": 37 * day_s,
    }
