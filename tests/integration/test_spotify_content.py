"""What Spotify's API brought, in a real Postgres: left out of training, found by age, emptied when it is deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from segue.events import TYPE_CODES, CatalogueTrack
from segue.stores.postgres.catalogue import CatalogueStore, delete_tracks, upsert_tracks
from segue.stores.postgres.database import Database
from segue.stores.postgres.models import ModelRegistry
from segue.stores.postgres.spotify_content import SpotifyContentStore, SpotifyListens
from segue.stores.postgres.training import TrainingStore
from segue.stores.snapshots import SnapshotStore
from segue.taste import TasteWeights
from trainer.refit import Stores, refit

pytestmark = pytest.mark.stack

NOW = datetime(2026, 11, 26, tzinfo=UTC)
PLAY, LIKE, ADD = TYPE_CODES["play"], TYPE_CODES["like"], TYPE_CODES["playlist_add"]
# Listener 1: track 1 by both sources, 2 by Spotify's API only, 3 by another only. A like from Spotify is the newest statement.
_LISTENS = f"""
insert into users (user_id, events, last_event_at) values ('u', 6, now());
insert into tracks (track_id, name, artists, source) values
    ('t1', 'One', array['A'], 'csv'), ('t2', 'Two', array['A'], 'spotify'), ('t3', 'Three', array['A'], 'spotify-history');
insert into listens (event_id, user_no, track_no, kafka_offset, occurred_at, weight, statement, kafka_partition, type, source)
values
    (gen_random_uuid(), 1, 1, 1, '2026-11-01', 1.0, null, 0, {PLAY}, 'csv'),
    (gen_random_uuid(), 1, 1, 2, '2026-11-02', 0.5, null, 0, {ADD}, null),
    (gen_random_uuid(), 1, 1, 3, '2026-11-03', 4.0, {8 * 4 + 2}, 0, {LIKE}, 'spotify'),
    (gen_random_uuid(), 1, 2, 4, '2026-11-04', 2.0, null, 0, {PLAY}, 'spotify'),
    (gen_random_uuid(), 1, 3, 5, '2026-11-05', 3.0, null, 0, {PLAY}, 'spotify-history'),
    (gen_random_uuid(), 1, 3, 6, '2026-11-06', 0.0, null, 0, {TYPE_CODES["impression"]}, 'spotify');
insert into interactions (user_no, track_no, weight, plays, skips, saves, statement, last_at) values
    (1, 1, 5.5, 1, 0, 1, {8 * 4 + 2}, '2026-11-03'), (1, 2, 2.0, 1, 0, 0, 1, '2026-11-04'), (1, 3, 3.0, 1, 0, 0, 1, '2026-11-05');
insert into playlists (playlist_id, name, source) values ('p1', 'Mine', 'spotify'), ('p2', 'Others', 'csv');
insert into playlist_tracks values (1, 0, 1), (1, 1, 2), (2, 0, 3), (2, 1, 1);
"""


@pytest.fixture
def filled(own_database: Database) -> Database:
    with own_database.transaction() as cursor:
        cursor.execute(_LISTENS)
    return own_database


def test_training_leaves_out_what_spotifys_api_brought(filled: Database) -> None:
    data = TrainingStore(filled, without="spotify").read(0.1)
    assert data.pairs.track_no.tolist() == [1, 3]
    assert data.pairs.weight.tolist() == [1.5, 3.0]
    assert (data.pairs.saves.tolist(), data.pairs.stance.tolist()) == ([1, 0], [0, 0])
    assert data.pairs.at_s.tolist() == [datetime(2026, 11, day, tzinfo=UTC).timestamp() for day in (2, 5)]
    assert (data.playlist_no.tolist(), data.playlist_track_no.tolist()) == ([2, 2], [1, 3])
    assert data.past is not None
    assert data.past.track_no.tolist() == [1, 3]


def test_training_takes_all_where_that_is_asked_for(filled: Database) -> None:
    data = TrainingStore(filled).read(0.1)
    assert data.pairs.weight.tolist() == [5.5, 2.0, 3.0]
    assert data.pairs.stance.tolist() == [1, 0, 0]
    assert data.playlist_no.tolist() == [1, 1, 2, 2]


def test_training_without_a_source_that_brought_nothing_is_training_with_all(filled: Database) -> None:
    everything, without = TrainingStore(filled).read(0.1), TrainingStore(filled, without="nobody").read(0.1)
    assert without.pairs.weight.tolist() == everything.pairs.weight.tolist()


def test_transitions_are_of_the_other_listens(filled: Database) -> None:
    with filled.transaction() as cursor:
        cursor.execute("update listens set occurred_at = timestamptz '2026-11-01' + kafka_offset * interval '4 minutes'")
    pairs = {
        source: set(zip(found.before.tolist(), found.after.tolist(), strict=True))
        for source in (None, "spotify")
        if (found := TrainingStore(filled, without=source).read(1.0).later_transitions)
    }
    assert (2 in {track for pair in pairs[None] for track in pair}, pairs["spotify"]) == (True, {(1, 3)})


def test_a_model_knows_no_track_that_only_spotifys_api_described(own_database: Database, tmp_path: Path) -> None:
    with own_database.transaction() as cursor:
        cursor.execute(
            f"""insert into users (user_id, events, last_event_at) select 'user-' || u, 3, now() from generate_series(1, 40) u;
            insert into tracks (track_id, name, artists, source)
            select 't' || t, 'Song', array['Artist'], case t when 3 then 'spotify' else 'csv' end from generate_series(1, 3) t;
            insert into listens (event_id, user_no, track_no, kafka_offset, occurred_at, weight, kafka_partition, type, source)
            select gen_random_uuid(), u, t, u * 3 + t, timestamptz '2026-11-01' + u * interval '1 hour', 1, 0, {PLAY},
                   case t when 3 then 'spotify' end
            from generate_series(1, 40) u, generate_series(1, 3) t;
            insert into interactions (user_no, track_no, weight, plays, skips, saves, statement, last_at)
            select user_no, track_no, 1, 1, 0, 0, 1, occurred_at from listens"""
        )
    stores = Stores(
        TrainingStore(own_database, without="spotify"), CatalogueStore(own_database), ModelRegistry(own_database),
        SnapshotStore(str(tmp_path / "snapshots"), tmp_path / "cache"), TasteWeights(),
    )  # fmt: skip
    counts = refit(stores).manifest.counts
    assert (counts["tracks"], counts["columns"], counts["interactions"]) == (2, 2, 80)


def test_content_is_found_by_its_age(own_database: Database) -> None:
    store = SpotifyContentStore(own_database)
    with own_database.transaction() as cursor:
        upsert_tracks(cursor, [
            CatalogueTrack(track_id=f"t{age}", name="S", artists=("A",), source="spotify", fetched_at=NOW - timedelta(days=age))
            for age in (1, 40, 31)
        ])  # fmt: skip
        upsert_tracks(cursor, [CatalogueTrack(track_id="other", name="Song", artists=("A",), source="csv")])
        cursor.execute(
            """insert into playlists (playlist_id, name, source, changed_at)
               values ('p', 'P', 'spotify', %s), ('q', 'Q', 'spotify', %s)""",
            (NOW, NOW - timedelta(days=31)),
        )
    assert store.tracks() == ["t40", "t31", "t1"]
    assert store.tracks(NOW - timedelta(days=30)) == ["t40", "t31"]
    assert (store.playlists(), store.playlists(NOW - timedelta(days=30))) == (["q", "p"], ["q"])
    assert store.described_elsewhere(["t1", "other", "nobody"]) == {"other"}


def test_what_is_left_out_makes_no_refit_due(filled: Database) -> None:
    assert TrainingStore(filled, without="spotify").sizes() == {"events": 3, "tracks": 2, "playlists": 1}
    assert TrainingStore(filled).sizes() == {"events": 6, "tracks": 3, "playlists": 2}
    assert TrainingStore(filled, without="spotify").read(0.1).events == 3


def test_listens_are_counted(filled: Database) -> None:
    assert SpotifyContentStore(filled).listens() == SpotifyListens(events=3, listeners=1)


def test_a_deleted_track_of_spotifys_keeps_its_number_and_nothing_else(own_database: Database) -> None:
    tracks = [
        CatalogueTrack(track_id=name, name="Song", artists=("A",), album="B", genres=("g",), source=source, fetched_at=NOW)
        for name, source in (("theirs", "spotify"), ("ours", "csv"))
    ]
    with own_database.transaction() as cursor:
        upsert_tracks(cursor, tracks)
        delete_tracks(cursor, ["theirs", "ours"])
        cursor.execute(
            "select track_no, name, artists, album, genres, song_key, source, fetched_at from tracks order by track_no"
        )
        ours, theirs = cursor.fetchall()
    assert theirs == (2, None, [], None, [], None, None, None)
    assert ours[1] == "Song"
    changes = CatalogueStore(own_database).changes_since(None)
    assert [(change.track_no, change.track) for change in changes] == [(1, None), (2, None)]
