"""Songs as Postgres finds them: by ids and by normalised artist|title."""

from __future__ import annotations

import pytest

from segue.events import CatalogueTrack
from segue.stores.postgres.catalogue import delete_tracks, resolve_tracks, upsert_tracks
from segue.stores.postgres.database import Database
from segue.stores.postgres.songs import MAX_VERSIONS, SongStore

pytestmark = pytest.mark.stack


def store(database: Database, *tracks: CatalogueTrack) -> SongStore:
    with database.transaction() as cursor:
        upsert_tracks(cursor, tracks)
    return SongStore(database)


def song(track_id: str, name: str = "Waltz", artist: str = "Otters", popularity: int | None = None) -> CatalogueTrack:
    return CatalogueTrack(track_id=track_id, name=name, artists=(artist,), album="Postcards", popularity=popularity)


def ids(store: SongStore, track_ids: list[str], keys: list[str]) -> list[str]:
    return sorted(track.track_id for track in store.find(track_ids, keys))


def test_tracks_are_found_by_id_and_by_key_and_each_once(own_database: Database) -> None:
    songs = store(own_database, song("a"), song("b", "Waltz (Live)"), song("c", "March"), song("d", "Reel"))
    assert ids(songs, ["c", "a", "nobody"], ["otters|waltz", "no|such"]) == ["a", "b", "c"]
    assert ids(songs, [], []) == []


def test_what_tells_versions_apart_comes_along(own_database: Database) -> None:
    (found,) = store(own_database, song("a", "Waltz - Remastered", popularity=7)).find(["a"], [])
    assert (found.name, found.artists, found.album, found.popularity) == ("Waltz - Remastered", ("Otters",), "Postcards", 7)
    assert found.song_key == "otters|waltz"


def test_tracks_that_are_gone_or_have_no_name_yet_are_not_found(own_database: Database) -> None:
    songs = store(own_database, song("gone"))
    with own_database.transaction() as cursor:
        delete_tracks(cursor, ["gone"])
        resolve_tracks(cursor, ["nameless"])
    assert ids(songs, ["gone", "nameless"], ["otters|waltz"]) == []


def test_of_a_song_with_many_versions_the_best_known_are_read(own_database: Database) -> None:
    songs = store(own_database, *(song(f"v{n:02}", popularity=n if n < 50 else None) for n in range(60)))
    assert ids(songs, [], ["otters|waltz"]) == [f"v{n}" for n in range(50 - MAX_VERSIONS, 50)]
