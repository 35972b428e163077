"""Counts for charts as Postgres answers them."""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from segue.events import TYPE_CODES, ListeningType
from segue.stores.postgres.catalogue import resolve_tracks
from segue.stores.postgres.database import Database
from segue.stores.postgres.listens import Listen, lock_out_deletions, write_listens
from segue.stores.postgres.trending import TrendingStore
from segue.stores.postgres.users import delete_users, resolve_users
from segue.trending.windows import WINDOWS, Window

pytestmark = pytest.mark.stack

NOW = datetime(2026, 11, 24, 20, tzinfo=UTC)
HOUR, DAY = WINDOWS["1h"], WINDOWS["24h"]
MANY = 1_000


@dataclass(frozen=True)
class Did:
    """One event, so many seconds before NOW."""

    user: str
    track: str
    ago_s: float
    type: ListeningType = "play"
    ms_played: int | None = None


def store(database: Database, events: Iterable[Did]) -> dict[str, int]:
    """Write the events, numbered in their order; returns the tracks' numbers."""
    told = list(events)
    with database.transaction() as cursor:
        lock_out_deletions(cursor)
        users = resolve_users(cursor, [did.user for did in told]).numbers
        tracks = resolve_tracks(cursor, [did.track for did in told])
        listens = [
            Listen(
                uuid.UUID(int=number), users[did.user], tracks[did.track], 0, number, NOW - timedelta(seconds=did.ago_s), 1.0,
                None, TYPE_CODES[did.type], did.ms_played,
            )
            for number, did in enumerate(told)
        ]  # fmt: skip
        write_listens(cursor, listens)
        return {name: int(number) for name, number in tracks.items()}


def heard(database: Database, window: Window = HOUR, most: int = MANY) -> dict[int, int]:
    found = TrendingStore(database).heard(window, NOW, most)
    return dict(zip(found.track_no.tolist(), found.listeners.tolist(), strict=True))


def past(database: Database, window: Window = HOUR, most: int = MANY) -> dict[int, int]:
    found = TrendingStore(database).past(window, NOW, most)
    return dict(zip(found.track_no.tolist(), found.listeners.tolist(), strict=True))


def test_a_listener_who_plays_one_track_all_the_time_counts_once(own_database: Database) -> None:
    bot = [Did("bot", "spam", n % 3_600) for n in range(10_000)]
    track = store(own_database, [*bot, Did("ann", "song", 10), Did("bob", "song", 20)])
    assert heard(own_database) == {track["spam"]: 1, track["song"]: 2}
    found = TrendingStore(own_database).heard(HOUR, NOW, MANY)
    assert found.track_no[found.heat.argmax()] == track["song"]


def test_the_newest_play_decides_the_heat(own_database: Database) -> None:
    store(own_database, [Did("ann", "song", 0), Did("ann", "song", 3_599), Did("bob", "song", 1_800)])
    found = TrendingStore(own_database).heard(HOUR, NOW, MANY)
    assert found.heat.tolist() == pytest.approx([1 + 0.5])


@pytest.mark.parametrize(
    ("ago_s", "counts"),
    [(3_601, False), (3_600, False), (3_599, True), (0, True), (-240, True), (-600, False), (86_400 * 365, False)],
)
def test_only_what_occurred_within_the_window_counts(own_database: Database, ago_s: float, counts: bool) -> None:
    track = store(own_database, [Did("ann", "song", ago_s)])
    assert heard(own_database) == ({track["song"]: 1} if counts else {})


def test_only_listens_of_half_a_minute_count(own_database: Database) -> None:
    kinds: tuple[ListeningType, ...] = ("skip", "like", "playlist_add", "impression", "block", "dislike")
    others = [Did("ann", kind, 10, kind) for kind in kinds]
    plays = [Did("ann", "short", 10, ms_played=29_999), Did("ann", "long", 10, ms_played=30_000), Did("ann", "unsaid", 10)]
    track = store(own_database, [*others, *plays])
    assert heard(own_database) == {track["long"]: 1, track["unsaid"]: 1}


def test_an_imported_history_is_no_trend(own_database: Database) -> None:
    imported = [Did("collector", f"old-{n % 50}", 86_400 * 40 + n * 60) for n in range(5_000)]
    track = store(own_database, [*imported, Did("ann", "new", 60)])
    for window in WINDOWS.values():
        assert heard(own_database, window) == {track["new"]: 1}


def test_the_same_events_again_change_nothing(own_database: Database) -> None:
    events = [Did(f"user-{n % 7}", f"track-{n % 3}", n) for n in range(50)]
    store(own_database, events)
    once = heard(own_database), past(own_database, DAY)
    store(own_database, events)
    assert (heard(own_database), past(own_database, DAY)) == once


def test_a_deleted_listener_leaves_the_counts(own_database: Database) -> None:
    track = store(own_database, [Did("ann", "song", 10), Did("bob", "song", 10), Did("ann", "song", 4_000)])
    with own_database.transaction() as cursor:
        delete_users(cursor, ["ann"])
    assert heard(own_database) == {track["song"]: 1}
    assert past(own_database) == {}


def test_the_past_counts_a_listener_once_in_each_of_its_windows(own_database: Database) -> None:
    hours = [Did("ann", "song", 3_600 * n + 1) for n in (1, 1.2, 1.4, 2, 24)]
    track = store(own_database, [*hours, Did("ann", "song", 3_599), Did("ann", "song", 3_600 * 25 + 1)])
    assert past(own_database) == {track["song"]: 3}


def test_a_bound_is_told(own_database: Database) -> None:
    crowd = [Did(f"user-{n}", f"track-{track}", ago) for track in range(4) for n in range(track + 1) for ago in (60, 3_700)]
    track = store(own_database, crowd)
    counts = TrendingStore(own_database)
    now, before = counts.heard(HOUR, NOW, 2), counts.past(HOUR, NOW, 2)
    assert now.track_no.tolist() == before.track_no.tolist() == [track["track-3"], track["track-2"]]
    assert (now.total, before.total, before.unlisted) == (10, 10, 3)
    assert counts.past(HOUR, NOW, MANY).unlisted == 0


def test_an_empty_state_has_empty_counts(own_database: Database) -> None:
    counts = TrendingStore(own_database)
    now, before = counts.heard(HOUR, NOW, MANY), counts.past(HOUR, NOW, MANY)
    assert (now.track_no.tolist(), now.total, before.track_no.tolist(), before.total) == ([], 0, [], 0)
    assert counts.progress() == 0


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
def test_counts_are_those_of_a_plain_loop(own_database: Database, window: Window) -> None:
    rng = random.Random(window.seconds)
    span = window.seconds * (window.past + 1.2)
    events = [Did(f"user-{rng.randrange(8)}", f"track-{rng.randrange(12)}", rng.uniform(0, span)) for _ in range(600)]
    track = store(own_database, events)
    windows: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for did in events:
        windows[did.track].add((did.user, int(did.ago_s // window.seconds)))
    told = {track[name]: [number for _, number in seen] for name, seen in windows.items()}
    now = {name: numbers.count(0) for name, numbers in told.items() if 0 in numbers}
    before = {name: sum(1 <= number <= window.past for number in numbers) for name, numbers in told.items()}
    assert heard(own_database, window) == now
    assert past(own_database, window) == {name: count for name, count in before.items() if count}
