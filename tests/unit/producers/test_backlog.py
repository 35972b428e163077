"""A simulated history is reproducible, valid, in order, and looks like listening."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest

from producers.simulator.backlog import backlog_events, make_backlog
from producers.simulator.listeners import make_listener
from producers.simulator.tracks import TrackTable, track_table
from producers.sources.synthetic import synthetic_catalogue
from segue.errors import InvalidInput
from segue.events import ListeningEvent, check_listening_event
from tests.unit.producers.catalogue import stored

FIRST_DAY = date(2026, 10, 1)
DAYS = 14
UNTIL = datetime(2026, 10, 14, 12, tzinfo=UTC)
TRACKS = stored(synthetic_catalogue(400, 60, seed=1).tracks)


def history(seed: int = 5, listeners: int = 20, until: datetime = UNTIL, table: TrackTable | None = None) -> list[ListeningEvent]:
    tracks = table or track_table(TRACKS)
    people = [make_listener(number, tracks, seed) for number in range(1, listeners + 1)]
    return list(backlog_events(make_backlog(people, tracks, FIRST_DAY, DAYS, until, seed), people, tracks))


@pytest.fixture(scope="module")
def events() -> list[ListeningEvent]:
    return history()


def test_the_same_seed_gives_the_same_events(events: list[ListeningEvent]) -> None:
    assert history() == events


def test_another_seed_gives_other_events(events: list[ListeningEvent]) -> None:
    assert not {e.event_id for e in history(seed=6)} & {e.event_id for e in events}


def test_the_order_in_which_the_catalogue_is_stored_does_not_matter(events: list[ListeningEvent]) -> None:
    assert history(table=track_table(TRACKS[::-1])) == events


def test_more_listeners_leave_the_others_as_they_are(events: list[ListeningEvent]) -> None:
    assert [e for e in history(listeners=25) if e.user_id <= "listener-00020"] == events


def test_a_later_run_repeats_the_earlier_one_and_goes_on(events: list[ListeningEvent]) -> None:
    later = history(until=UNTIL + timedelta(hours=10))
    assert later[: len(events)] == events
    assert len(later) > len(events)


def test_every_event_is_valid_and_its_id_unique(events: list[ListeningEvent]) -> None:
    for event in events:
        check_listening_event(event, UNTIL)
    assert len({event.event_id for event in events}) == len(events) > 1_000


def test_every_id_is_a_uuid7_of_the_events_time(events: list[ListeningEvent]) -> None:
    assert {event.event_id.version for event in events} == {7}
    assert all(event.event_id.int >> 80 == round(event.occurred_at.timestamp() * 1000) for event in events)


def test_events_are_in_order_of_time_and_within_the_history(events: list[ListeningEvent]) -> None:
    times = [event.occurred_at for event in events]
    assert times == sorted(times)
    assert times[0] >= datetime(2026, 10, 1, tzinfo=UTC)
    assert times[-1] <= UNTIL


def test_nobody_plays_two_tracks_at_once(events: list[ListeningEvent]) -> None:
    ended: dict[str, datetime] = {}
    for event in events:
        if event.ms_played is not None:
            began = event.occurred_at - timedelta(milliseconds=event.ms_played)
            assert began >= ended.get(event.user_id, began)
            ended[event.user_id] = event.occurred_at


def test_skips_end_within_half_a_minute(events: list[ListeningEvent]) -> None:
    assert all(event.ms_played is not None and event.ms_played < 30_000 for event in events if event.type == "skip")


def test_plays_outnumber_skips_and_reactions_are_rare(events: list[ListeningEvent]) -> None:
    kinds = Counter(event.type for event in events)
    assert kinds["play"] > 2 * kinds["skip"] > 0
    assert 0 < kinds["like"] + kinds["dislike"] + kinds["playlist_add"] < len(events) * 0.1


def test_nobody_likes_a_track_twice(events: list[ListeningEvent]) -> None:
    likes = Counter((event.user_id, event.track_id) for event in events if event.type == "like")
    assert set(likes.values()) == {1}


def test_listeners_stay_close_to_their_genres() -> None:
    tracks = track_table(TRACKS)
    genres_of = {track.track_id: set(track.genres) for track in TRACKS}
    favourites = {one.user_id: set(one.genres) for one in (make_listener(n, tracks, 5) for n in range(1, 21))}
    plays = [event for event in history() if event.type == "play"]
    chosen = sum(bool(genres_of[e.track_id] & favourites[e.user_id]) for e in plays) / len(plays)
    chance = sum(bool(genres & favourites[e.user_id]) for e in plays[:50] for genres in genres_of.values()) / (50 * len(TRACKS))
    assert chosen > 1.5 * chance


def test_some_listen_far_more_than_others() -> None:
    counts = Counter(event.user_id for event in history(listeners=40))
    assert max(counts.values()) > 5 * sorted(counts.values())[len(counts) // 4]


def test_people_sleep(events: list[ListeningEvent]) -> None:
    by_hour: dict[int, int] = defaultdict(int)
    for event in events:
        by_hour[event.occurred_at.hour] += 1
    assert sum(by_hour[hour] for hour in (2, 3, 4)) < 0.3 * sum(by_hour[hour] for hour in (18, 19, 20))


def test_a_catalogue_without_tracks_says_what_to_do() -> None:
    with pytest.raises(InvalidInput, match="run `segue ingest catalogue`"):
        track_table([])


def test_tracks_of_which_little_is_known_are_played_too() -> None:
    bare = [t.__class__(t.track_no, t.track_id, t.name, (), None, None, None, None, None, (), None) for t in TRACKS[:3]]
    assert {event.track_id for event in history(table=track_table(bare))} == {t.track_id for t in bare}
