"""How records of the compacted topics are folded and refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from segue.events import AudioFeatures, CatalogueTrack, PlaylistRecord, UserRecord, encode
from stream_processors.records import Record
from stream_processors.table_writer import Table, read_batch, tables

CATALOGUE, PLAYLISTS, USERS = tables(lambda _: None)
TRACK = CatalogueTrack(track_id="t1", name="Song", artists=("Ada",))


def record(key: bytes | None, value: bytes | None, offset: int = 0) -> Record:
    return Record("any", 0, offset, key, value, 0.0, ())


def features(key: int = 0, energy: float = 0.5) -> AudioFeatures:
    return AudioFeatures(
        danceability=0.5, energy=energy, key=key, loudness=-5, mode=1, speechiness=0.1, acousticness=0.1, instrumentalness=0,
        liveness=0.1, valence=0.5, tempo=120,
    )  # fmt: skip


def track(features: AudioFeatures | None = None, fetched_at: datetime | None = None) -> CatalogueTrack:
    return CatalogueTrack(track_id="t1", name="a", artists=(), features=features, fetched_at=fetched_at)


def test_the_last_record_of_a_key_wins() -> None:
    newer = CatalogueTrack(track_id="t1", name="Song, again", artists=("Ada",))
    batch = read_batch(CATALOGUE, [record(b"t1", encode(TRACK)), record(b"t1", encode(newer), 1)])
    assert batch.upserts == {"t1": newer}
    assert batch.versions == {"t1": 2}


def test_a_null_value_deletes_and_a_later_record_brings_back() -> None:
    gone = read_batch(CATALOGUE, [record(b"t1", encode(TRACK)), record(b"t1", None, 1)])
    assert (gone.upserts, gone.deletes) == ({}, {"t1"})
    back = read_batch(CATALOGUE, [record(b"t1", None), record(b"t1", encode(TRACK), 1)])
    assert (set(back.upserts), back.deletes) == ({"t1"}, {"t1"})


@pytest.mark.parametrize(
    ("table", "key", "value", "code"),
    [
        (CATALOGUE, b"t2", encode(TRACK), "key_mismatch"),
        (CATALOGUE, None, encode(TRACK), "invalid_id"),
        (CATALOGUE, b"\xff", encode(TRACK), "invalid_id"),
        (CATALOGUE, b"t1", b"{", "undecodable"),
        (CATALOGUE, b"t1", b'{"track_id":"t1"}', "invalid_field"),
        (CATALOGUE, b"t1", encode(CatalogueTrack(track_id="t1", name="", artists=())), "invalid_field"),
        (CATALOGUE, b"t1", encode(CatalogueTrack(track_id="t1", name="a\x00b", artists=())), "invalid_text"),
        (CATALOGUE, b"t1", encode(CatalogueTrack(track_id="t1", name="a", artists=("\x00",))), "invalid_text"),
        (CATALOGUE, b"t1", encode(CatalogueTrack(track_id="t1", name="a", artists=(), popularity=101)), "invalid_field"),
        (CATALOGUE, b"t1", encode(CatalogueTrack(track_id="t1", name="a" * 1_001, artists=())), "text_too_long"),
        (CATALOGUE, b"t1", encode(CatalogueTrack(track_id="t1", name="a", artists=("b",) * 101)), "too_many_entries"),
        (
            CATALOGUE,
            b"t1",
            encode(track(fetched_at=datetime(1, 1, 1, tzinfo=UTC))),
            "invalid_time",
        ),
        (
            CATALOGUE,
            b"t1",
            encode(track(features=features(key=2**62))),
            "invalid_field",
        ),
        (
            CATALOGUE,
            b"t1",
            encode(track(features=features(energy=1e300))),
            "invalid_field",
        ),
        (PLAYLISTS, b"p1", encode(PlaylistRecord(playlist_id="p1", name="P", track_ids=("t",) * 10_001)), "too_many_entries"),
        (PLAYLISTS, b"p1", encode(PlaylistRecord(playlist_id="p1", name="P", track_ids=("ok", ""))), "invalid_id"),
        (USERS, b"u1", encode(UserRecord(user_id="u1", display_name="\x00")), "invalid_text"),
    ],
)
def test_what_is_refused(table: Table[Any], key: bytes | None, value: bytes, code: str) -> None:
    batch = read_batch(table, [record(key, value)])
    assert [letter.code for letter in batch.dead] == [code]
    assert batch.upserts == {}
