"""Imports into files: typed, whole or not there at all."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from producers.ingestion.contract import Item, Page
from producers.ingestion.formats import Format
from producers.ingestion.pages import checked
from producers.ingestion.sinks.files import FilesSink
from producers.sources.csv_rows import open_lines
from producers.sources.spotify_csv import read_catalogue
from segue.errors import ConfigurationError
from segue.events import AudioFeatures, CatalogueTrack, ListeningEvent, PlaylistRecord, UserRecord

NOW = datetime(2026, 11, 26, tzinfo=UTC)
FEATURES = AudioFeatures(
    danceability=0.5, energy=0.25, key=-1, loudness=-5.5, mode=1, speechiness=0.0, acousticness=1.0, instrumentalness=0.0,
    liveness=0.5, valence=0.75, tempo=120.0,
)  # fmt: skip
WALTZ = CatalogueTrack(
    track_id="t1", name='Waltz, "slow"', artists=("Otters", "Föxes; & Co"), released="2019-06", duration_ms=200_000,
    explicit=False, popularity=66, genres=("pop",), features=FEATURES, source="test", fetched_at=NOW,
)  # fmt: skip
MARCH = CatalogueTrack(track_id="t2", name="March", artists=("Foxes",))
LIST = PlaylistRecord(playlist_id="p1", name="Morning", track_ids=("t1", "t2", "t1"), source="test")
PLAY = ListeningEvent(
    event_id=uuid.UUID(int=7), type="play", user_id="alice", track_id="t1", occurred_at=NOW, ms_played=180_000, source="test"
)


def write(folder: Path, file_format: Format, *pages: list[Item]) -> FilesSink:
    sink = FilesSink(folder, file_format)
    for items in pages:
        sink.write(checked(Page(items, [], [], {}, len(items)), NOW))
    return sink


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_parquet_has_a_typed_column_for_each_field(tmp_path: Path) -> None:
    write(tmp_path, "parquet", [WALTZ, LIST], [MARCH, PLAY, UserRecord(user_id="alice")]).finish()
    tracks = parquet.read_table(tmp_path / "tracks.parquet")
    assert tracks.schema.field("artists").type == pa.list_(pa.field("element", pa.string()))
    assert tracks.schema.field("fetched_at").type == pa.timestamp("us", "UTC")
    first, second = tracks.to_pylist()
    assert (first["artists"], first["energy"], first["key"], first["fetched_at"]) == (["Otters", "Föxes; & Co"], 0.25, -1, NOW)
    assert (second["name"], second["energy"], second["popularity"], second["genres"]) == ("March", None, None, [])
    assert parquet.read_table(tmp_path / "playlists.parquet").to_pylist() == [
        {
            "playlist_id": "p1", "name": "Morning", "track_ids": ["t1", "t2", "t1"], "owner_id": None, "public": False,
            "source": "test",
        }
    ]  # fmt: skip
    (play,) = parquet.read_table(tmp_path / "listens.parquet").to_pylist()
    assert (play["event_id"], play["occurred_at"], play["ms_played"]) == (str(uuid.UUID(int=7)), NOW, 180_000)
    assert parquet.read_table(tmp_path / "users.parquet")["user_id"].to_pylist() == ["alice"]


def test_a_csv_of_tracks_is_read_again_as_a_catalogue(tmp_path: Path) -> None:
    write(tmp_path, "csv", [WALTZ, MARCH]).finish()
    with open_lines(tmp_path / "tracks.csv") as lines:
        first, second = read_catalogue(lines).tracks
    assert (first.track_id, first.name, first.artists) == ("t1", 'Waltz, "slow"', ("Otters", "Föxes; & Co"))
    assert (first.features, first.popularity, first.explicit, first.released) == (FEATURES, 66, False, "2019-06")
    assert (second.name, second.features) == ("March", None)


def test_the_files_appear_when_all_is_written(tmp_path: Path) -> None:
    sink = write(tmp_path, "parquet", [WALTZ])
    assert not [name for name in names(tmp_path) if name.endswith(".parquet")]
    sink.finish()
    assert names(tmp_path) == ["listens.parquet", "playlists.parquet", "tracks.parquet", "users.parquet"]


def test_an_import_that_ends_early_leaves_earlier_files_alone(tmp_path: Path) -> None:
    write(tmp_path, "parquet", [WALTZ]).finish()
    write(tmp_path, "parquet", [MARCH]).abandon()
    assert names(tmp_path) == ["listens.parquet", "playlists.parquet", "tracks.parquet", "users.parquet"]
    assert parquet.read_table(tmp_path / "tracks.parquet")["track_id"].to_pylist() == ["t1"]


def test_nothing_of_an_earlier_import_stays_beside_a_later_one(tmp_path: Path) -> None:
    write(tmp_path, "parquet", [WALTZ, PLAY]).finish()
    write(tmp_path, "parquet", [MARCH]).finish()
    assert parquet.read_table(tmp_path / "listens.parquet").num_rows == 0


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="choose another --out"):
        FilesSink(tmp_path / "file" / "out", "parquet")
