"""Tracks without features in a real Postgres, and tables that have them."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from producers.features.publishing import Completed
from producers.features.running import judge
from producers.features.tables import PAGE_ROWS, FeatureTable
from producers.ingestion.contract import Page
from producers.reading.bounds import Bounds
from segue.errors import InvalidInput
from segue.events import AudioFeatures, CatalogueTrack
from segue.stores.postgres.catalogue import delete_tracks, upsert_tracks
from segue.stores.postgres.database import Database
from segue.stores.postgres.features import FeatureStore
from tests.unit.producers.features.made import FEATURES, cells, spotify_id, with_features, write_csv

pytestmark = pytest.mark.stack

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WHOLE = CatalogueTrack(
    track_id="t1", name="Waltz", artists=("Otters", "Föxes"), album="Rivers", album_id="a1", released="2019-06",
    duration_ms=200_000, explicit=False, popularity=66, genres=("folk", "pop"), source="spotify", fetched_at=NOW,
)  # fmt: skip


@pytest.fixture
def store(own_database: Database) -> FeatureStore:
    return FeatureStore(own_database)


def add(database: Database, *tracks: CatalogueTrack) -> None:
    with database.transaction() as cursor:
        upsert_tracks(cursor, tracks)


def bare(track_id: str, name: str = "Waltz", **others: Any) -> CatalogueTrack:
    return CatalogueTrack(track_id=track_id, name=name, artists=("Otters",), **others)


def table(store: FeatureStore, path: Path, rows: Iterable[Mapping[str, Any]]) -> FeatureTable:
    return FeatureTable(write_csv(path, rows), Bounds(), store, Completed(store, lambda: None, 1_000))


def taken(pages: Iterable[Page]) -> dict[str, AudioFeatures]:
    found: dict[str, AudioFeatures] = {}
    for item in (item for page in pages for item in page.items):
        assert isinstance(item, CatalogueTrack)
        assert item.features
        assert item.track_id not in found
        found[item.track_id] = item.features
    return found


def test_a_record_is_read_as_it_was_written(own_database: Database, store: FeatureStore) -> None:
    least = CatalogueTrack(track_id="t2", name="B", artists=())
    add(own_database, WHOLE, least)
    assert store.records(["t1", "t2", "t3"]) == {"t1": WHOLE, "t2": least}


def test_a_track_with_features_and_a_deleted_one_are_not_read(own_database: Database, store: FeatureStore) -> None:
    add(own_database, msgspec.structs.replace(WHOLE, features=FEATURES), bare("t2"))
    with own_database.transaction() as cursor:
        delete_tracks(cursor, ["t2"])
    assert store.records(["t1", "t2"]) == {}
    assert (store.counts().tracks, store.counts().without) == (1, 0)


def test_the_source_of_the_features_goes_with_what_spotify_described(own_database: Database) -> None:
    add(own_database, msgspec.structs.replace(WHOLE, features=FEATURES, features_source="reccobeats"))
    query = "select features is null, features_source from tracks"
    with own_database.transaction() as cursor:
        cursor.execute(query)
        assert cursor.fetchall() == [(False, "reccobeats")]
        delete_tracks(cursor, ["t1"])
        cursor.execute(query)
        assert cursor.fetchall() == [(True, None)]


def test_tracks_without_features_are_read_in_pages(own_database: Database, store: FeatureStore) -> None:
    add(own_database, *(bare(f"t{number}") for number in range(5)), bare("t9", features=FEATURES))
    first = store.bare_after(0, 3)
    assert [track.track_id for track in first] == ["t0", "t1", "t2"]
    assert [track.track_id for track in store.bare_after(first[-1].track_no, 3)] == ["t3", "t4"]


def test_of_a_song_the_best_known_versions_come_first_and_others_when_these_have_features(
    own_database: Database, store: FeatureStore
) -> None:
    versions = [bare(f"v{number:02d}", popularity=number) for number in range(25)]
    add(own_database, *versions)
    assert [track.track_id for track in store.bare_with_keys(["otters|waltz"])] == [f"v{number:02d}" for number in range(5, 25)]
    add(own_database, *(msgspec.structs.replace(track, features=FEATURES) for track in versions[5:]))
    assert [track.track_id for track in store.bare_with_keys(["otters|waltz"])] == [f"v{number:02d}" for number in range(5)]


def test_answers_are_remembered_and_those_of_unknown_tracks_forgotten_sooner(store: FeatureStore) -> None:
    store.remember("service", {"a": FEATURES, "b": None})
    store.remember("other", {"b": FEATURES})
    assert store.answers("service", ["a", "b", "c"]) == {"a": FEATURES, "b": None}
    now = datetime.now(UTC)
    store.forget_answers("service", now + timedelta(days=1), now - timedelta(days=1))
    assert store.answers("service", ["a", "b"]) == {"a": FEATURES}
    assert store.answers("other", ["b"]) == {"b": FEATURES}


def test_features_come_by_id_by_address_and_by_song(own_database: Database, store: FeatureStore, tmp_path: Path) -> None:
    add(own_database, bare(spotify_id(1), "One"), bare("USUM71703861", "Two"), bare("lb:3", "Thrée"), bare("lb:4", "Four"))
    rows = [
        cells(with_features(0.1), track_id=f"spotify:track:{spotify_id(1)}", isrc="", track_name="Other", artists="A"),
        cells(with_features(0.2), track_id="", isrc="USUM71703861", track_name="", artists=""),
        cells(with_features(0.3), track_id=spotify_id(9), isrc="", track_name="THREE - Remastered 2011", artists="Otters;B"),
    ]
    found = taken(table(store, tmp_path / "t.csv", rows).pages(None))
    assert {one: features.energy for one, features in found.items()} == {spotify_id(1): 0.1, "USUM71703861": 0.2, "lb:3": 0.3}


def test_an_id_counts_more_than_a_song_further_up(own_database: Database, store: FeatureStore, tmp_path: Path) -> None:
    add(own_database, bare("t1"))
    rows = [
        cells(with_features(0.1), track_id="t2", track_name="Waltz", artists="Otters"),
        cells(with_features(0.2), track_id="t1", track_name="Waltz", artists="Otters"),
        cells(with_features(0.3), track_id="t1", track_name="Waltz", artists="Otters"),
    ]
    assert taken(table(store, tmp_path / "t.csv", rows).pages(None))["t1"].energy == 0.2


def test_a_version_of_another_length_has_features_of_its_own(own_database: Database, store: FeatureStore, tmp_path: Path) -> None:
    add(own_database, bare("t1", duration_ms=200_000), bare("t2", "Waltz (Live)", duration_ms=500_000), bare("t3"))
    rows = [
        cells(with_features(0.1), track_name="Waltz", artists="Otters", duration_ms=230_000),
        cells(with_features(0.2), track_name="Waltz", artists="Otters", duration_ms=201_000),
    ]
    found = taken(table(store, tmp_path / "t.csv", rows).pages(None))
    assert {one: features.energy for one, features in found.items()} == {"t1": 0.2, "t3": 0.1}


def test_everything_else_of_a_track_stays(own_database: Database, store: FeatureStore, tmp_path: Path) -> None:
    add(own_database, WHOLE)
    (page, _) = table(store, tmp_path / "t.csv", [cells(track_id="t1")]).pages(None)
    assert page.items == [msgspec.structs.replace(WHOLE, features=FEATURES, features_source="table:t.csv")]


def test_a_reading_goes_on_behind_any_page(own_database: Database, store: FeatureStore, tmp_path: Path) -> None:
    add(own_database, *(bare(f"t{number}", f"Song {number}") for number in range(3)))
    rows = [cells(track_id=f"x{number}", track_name="Waltz", artists="Foxes") for number in range(2 * PAGE_ROWS)]
    rows[PAGE_ROWS] |= {"track_id": "t1"}
    rows[-1] |= {"track_name": "Song 2", "artists": "Otters"}
    path = tmp_path / "t.csv"
    whole = [(page.position, page.items) for page in table(store, path, rows).pages(None)]
    assert [position for position, _ in whole] == [
        {"reading": reading, "rows": number} for reading in ("ids", "songs") for number in (PAGE_ROWS, 2 * PAGE_ROWS)
    ]
    for done in range(3):
        rest = [(page.position, page.items) for page in table(store, path, rows).pages(whole[done][0])]
        assert rest == whole[done + 1 :]


def test_broken_rows_are_told_once_and_the_rest_is_kept(own_database: Database, store: FeatureStore, tmp_path: Path) -> None:
    add(own_database, bare("t1"), bare("t2"))
    rows = [cells(track_id="t1") | {"energy": 7}, cells(track_id="t2"), {"track_id": "t3"}]
    pages = list(table(store, tmp_path / "t.csv", rows).pages(None))
    assert list(taken(pages)) == ["t2"]
    assert [(one.code, one.where) for page in pages for one in page.rejected] == [("bad_features", "t.csv, line 2")]
    assert [one.code for page in pages for one in page.skipped] == ["no_features"]


def test_what_comes_before_the_damage_of_a_file_counts(own_database: Database, store: FeatureStore, tmp_path: Path) -> None:
    add(own_database, bare("t1"))
    rows = [cells(track_id=f"t{number * 7919 % 100_003}") for number in range(1, 5_000)]
    rows[0] |= {"track_id": "t1"}
    packed = gzip.compress(write_csv(tmp_path / "t.csv", rows).read_bytes())
    path = tmp_path / "t.csv.gz"
    path.write_bytes(packed[: len(packed) * 3 // 4])
    pages = list(FeatureTable(path, Bounds(), store, Completed(store, lambda: None, 1_000)).pages(None))
    assert list(taken(pages)) == ["t1"]
    assert [one.where for page in pages for one in page.rejected] == ["t.csv.gz"]


def featured(number: int, features: AudioFeatures = FEATURES) -> CatalogueTrack:
    return bare(spotify_id(number), f"Song {number}", features=features)


def test_a_source_of_another_scale_is_refused_unless_accepted(
    own_database: Database, store: FeatureStore, tmp_path: Path
) -> None:
    add(own_database, *map(featured, range(30)))
    rows = [cells(with_features(0.75), track_id=spotify_id(number)) for number in range(30)]
    other = table(store, tmp_path / "t.csv", rows)
    with pytest.raises(InvalidInput, match=r"30 tracks .* energy 0\.5.* another one: energy \(at most 0\.05\)"):
        judge(other, store, 400, accepted=False)
    judge(other, store, 400, accepted=True)


def test_a_source_of_the_same_scale_passes_and_says_how_near_it_is(
    own_database: Database, store: FeatureStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(own_database, *map(featured, range(30)))
    rows = [cells(with_features(0.28125), track_id=spotify_id(number)) for number in range(30)]
    judge(table(store, tmp_path / "t.csv", rows), store, 400, accepted=False)
    said = " ".join(capsys.readouterr().err.split())
    assert "30 tracks of the catalogue, median distance: danceability 0, energy 0.0312" in said


def test_a_source_that_cannot_be_compared_is_not_believed(own_database: Database, store: FeatureStore, tmp_path: Path) -> None:
    add(own_database, *map(featured, range(30)))
    rows = [cells(track_id=spotify_id(number)) for number in range(19)]
    with pytest.raises(InvalidInput, match="19 tracks in common, by id: 20 are needed"):
        judge(table(store, tmp_path / "t.csv", rows), store, 400, accepted=False)


def test_a_table_of_percentages_is_told_what_is_wrong_with_it(
    own_database: Database, store: FeatureStore, tmp_path: Path
) -> None:
    add(own_database, *map(featured, range(30)))
    rows = [cells(with_features(50.0), track_id=spotify_id(number)) for number in range(30)]
    with pytest.raises(InvalidInput, match=r"no row of t.csv can be used. t.csv, line 2: features.energy must be within 0..1"):
        judge(table(store, tmp_path / "t.csv", rows), store, 400, accepted=False)


def test_where_nothing_could_be_mixed_nothing_is_compared(own_database: Database, store: FeatureStore, tmp_path: Path) -> None:
    # What came from the same table is no other source.
    own = [msgspec.structs.replace(featured(number), features_source="table:t.csv") for number in range(30)]
    add(own_database, *own, *map(featured, range(30, 49)))
    judge(table(store, tmp_path / "t.csv", [cells(track_id="x")]), store, 400, accepted=False)
