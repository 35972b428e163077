"""Histories and playlists as Postgres answers them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from segue.events import LISTENING_TYPES, TYPE_CODES, ListeningType, PlaylistRecord
from segue.stores.postgres.catalogue import resolve_tracks
from segue.stores.postgres.database import Database
from segue.stores.postgres.history import HistoryStore, Moment, PastEvent
from segue.stores.postgres.listens import Listen, lock_out_deletions, write_listens
from segue.stores.postgres.playlists import PlaylistStore, upsert_playlists
from segue.stores.postgres.users import delete_users, resolve_users

pytestmark = pytest.mark.stack

START = datetime(2026, 11, 1, tzinfo=UTC)
ALL = LISTENING_TYPES


def store(database: Database, user_id: str, events: Sequence[tuple[int, float, ListeningType]]) -> None:
    """Events by number, seconds after START and type; each about a track of its own."""
    with database.transaction() as cursor:
        lock_out_deletions(cursor)
        user_no = resolve_users(cursor, [user_id]).numbers[user_id]
        tracks = resolve_tracks(cursor, [f"t{number}" for number, _, _ in events])
        listens = [
            Listen(
                uuid.UUID(int=number), user_no, tracks[f"t{number}"], 0, number, START + timedelta(seconds=at), 1.0, None,
                TYPE_CODES[kind],
            )
            for number, at, kind in events
        ]  # fmt: skip
        write_listens(cursor, listens)


def numbers(events: list[PastEvent] | None) -> list[int]:
    assert events is not None
    return [event.event_id.int for event in events]


def read_through(store: HistoryStore, user_id: str, limit: int) -> list[int]:
    seen: list[int] = []
    before: Moment | None = None
    while page := store.newest(user_id, limit, ALL, before):
        seen += numbers(page)
        before = Moment(page[-1].occurred_at, page[-1].event_id)
    return seen


def test_pages_cover_a_history_once_also_within_one_microsecond(own_database: Database) -> None:
    store(own_database, "ann", [(number, number // 7 / 1e6, "play") for number in range(1, 60)])
    assert read_through(HistoryStore(own_database), "ann", 4) == list(range(59, 0, -1))


def test_what_arrives_meanwhile_moves_nothing(own_database: Database) -> None:
    histories = HistoryStore(own_database)
    store(own_database, "ann", [(number, number * 10, "play") for number in range(1, 11)])
    first = histories.newest("ann", 4, ALL)
    assert first is not None
    store(own_database, "ann", [(100, 1_000, "play"), (101, 85, "play"), (102, 45, "play")])
    rest = histories.newest("ann", 100, ALL, Moment(first[-1].occurred_at, first[-1].event_id))
    assert numbers(first) == [10, 9, 8, 7]
    assert numbers(rest) == [6, 5, 102, 4, 3, 2, 1]


def test_types_and_times_bound_a_history(own_database: Database) -> None:
    histories = HistoryStore(own_database)
    store(own_database, "ann", [(1, 1, "play"), (2, 2, "skip"), (3, 3, "play"), (4, 4, "impression"), (5, 5, "play")])
    assert numbers(histories.newest("ann", 10, ["play"])) == [5, 3, 1]
    assert numbers(histories.newest("ann", 10, ["play"], since=START + timedelta(seconds=1))) == [5, 3]
    assert numbers(histories.oldest("ann", 2, ["play", "skip"], START)) == [1, 2]
    assert histories.count("ann", ["play"]) == 3
    assert histories.count("nobody", ["play"]) is None


def test_a_history_is_of_one_listener_and_goes_with_them(own_database: Database) -> None:
    histories = HistoryStore(own_database)
    store(own_database, "ann", [(1, 1, "play")])
    store(own_database, "bob", [(2, 1, "play")])
    assert numbers(histories.newest("ann", 10, ALL)) == [1]
    with own_database.transaction() as cursor:
        delete_users(cursor, ["ann"])
    assert histories.newest("ann", 10, ALL) is None
    assert numbers(histories.newest("bob", 10, ALL)) == [2]


def test_playlists_of_an_owner_in_pages(own_database: Database) -> None:
    playlists = PlaylistStore(own_database)
    records = [PlaylistRecord(playlist_id=f"p{n}", name=f"List {n}", track_ids=("b", "a", "b"), owner_id="ann") for n in range(5)]
    others = [
        PlaylistRecord(playlist_id="q", name="Of nobody", track_ids=()),
        PlaylistRecord(playlist_id="r", name="Of Bob", track_ids=(), owner_id="bob"),
    ]
    with own_database.transaction() as cursor:
        lock_out_deletions(cursor)
        everything = [*records, *others]
        upsert_playlists(
            cursor,
            everything,
            {record.playlist_id: 0.0 for record in everything},
            {record.playlist_id: 7 for record in everything},
        )
    first = playlists.owned("ann", 3)
    rest = playlists.owned("ann", 3, first[-1].playlist_no)
    assert [p.playlist_id for p in (*first, *rest)] == ["p0", "p1", "p2", "p3", "p4"]
    assert first[0].track_ids == ("b", "a", "b")
    found = playlists.get("q")
    assert found is not None
    assert (found.name, found.owner_id, found.track_ids, found.version) == ("Of nobody", None, (), 7)
    assert playlists.get("none") is None
