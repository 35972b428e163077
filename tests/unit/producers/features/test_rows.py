"""Columns and rows of tables of audio features."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.features.columns import FEATURES as NAMES
from producers.features.columns import feature_columns
from producers.features.rows import FeatureRow, FeatureRows
from producers.sources.tables.values import BrokenRow
from segue.errors import InvalidInput
from segue.record_checks import check_features
from tests.unit.producers.features.made import FEATURES, cells, spotify_id

KAGGLE = (
    "Unnamed: 0,track_id,artists,album_name,track_name,popularity,duration_ms,explicit,danceability,energy,key,loudness,mode,"
    "speechiness,acousticness,instrumentalness,liveness,valence,tempo,time_signature,track_genre"
)
TIDYTUESDAY = (
    "track_id,track_name,track_artist,track_popularity,track_album_id,track_album_name,track_album_release_date,playlist_name,"
    "playlist_id,playlist_genre,playlist_subgenre,danceability,energy,key,loudness,mode,speechiness,acousticness,"
    "instrumentalness,liveness,valence,tempo,duration_ms"
)
ACOUSTICBRAINZ = "mbid,submission_offset,bpm,bpm_histogram_first_peak_bpm_mean,danceability,onset_rate"
SONG = ("track_id", "track", "artist", "duration_ms")


def read(**said: Any) -> FeatureRow | None:
    row = cells(**said)
    return FeatureRows({name: name for name in row}).read(list(row.values()))


def read_one(**changed: Any) -> FeatureRow | None:
    return FeatureRows({name: name for name in ("track_id", *NAMES)}).read(["t1", *(cells() | changed).values()])


@pytest.mark.parametrize(("header", "artist"), [(KAGGLE, "artists"), (TIDYTUESDAY, "track_artist")])
def test_the_columns_of_public_tables_are_known(header: str, artist: str) -> None:
    found = feature_columns(header.split(","))
    assert [found[field] for field in SONG] == ["track_id", "track_name", artist, "duration_ms"]
    assert [found[name] for name in NAMES] == list(NAMES)


def test_the_other_scale_of_acousticbrainz_is_named() -> None:
    with pytest.raises(InvalidInput, match="AcousticBrainz, whose features have another scale"):
        feature_columns(ACOUSTICBRAINZ.split(","))


def test_a_missing_feature_is_named_with_what_there_is() -> None:
    with pytest.raises(InvalidInput, match=r"no column is called valence, tempo: .* There are: track_id, danceability"):
        feature_columns(["track_id", *NAMES[:-2]])


def test_a_table_that_does_not_say_of_which_track_a_row_is_is_refused() -> None:
    with pytest.raises(InvalidInput, match="track_id, uri or isrc, or else track_name and artist"):
        feature_columns(["title", *NAMES])


def test_a_row_has_its_ids_its_song_and_its_features() -> None:
    row = read(
        track_id=spotify_id(1), uri=f"spotify:track:{spotify_id(2)}", track="Wältz (Live)", artist="Ötters;B", duration_ms="61000"
    )
    assert row == FeatureRow((spotify_id(1), spotify_id(2)), "otters|waltz", 61_000, FEATURES)


def test_keys_and_modes_may_be_words() -> None:
    row = read_one(key="F#", mode="Major")
    assert row
    assert (row.features.key, row.features.mode) == (6, 1)


@pytest.mark.parametrize("artists", ["['Otters', 'B']", '["Otters", "B"]', ["Otters", "B"], "Otters;B", "Otters"])
def test_the_first_of_several_artists_counts(artists: object) -> None:
    row = read(track="Waltz", artist=artists)
    assert row
    assert row.key == "otters|waltz"


def test_names_of_signs_only_are_no_song() -> None:
    with pytest.raises(BrokenRow, match="neither an id nor title and artist"):
        read(track="???", artist="!!!")


def test_a_row_without_any_feature_is_not_broken() -> None:
    assert read_one(**dict.fromkeys(NAMES)) is None


@pytest.mark.parametrize(
    ("name", "value"), [("energy", "1.2"), ("energy", "nan"), ("tempo", "fast"), ("key", "H"), ("loudness", [])]
)
def test_a_feature_that_is_none_is_named(name: str, value: object) -> None:
    with pytest.raises(BrokenRow) as broken:
        read_one(**{name: value})
    assert broken.value.code == "bad_features"


def test_a_row_with_some_of_the_features_is_rejected() -> None:
    with pytest.raises(BrokenRow, match="has no valence: all eleven"):
        read_one(valence=None)


anything = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.lists(st.text(max_size=5), max_size=3)
)


@given(st.lists(anything, min_size=len(SONG) + len(NAMES), max_size=len(SONG) + len(NAMES)))
def test_whatever_a_row_holds_only_features_in_range_are_taken(values: list[Any]) -> None:
    rows = FeatureRows({name: name for name in (*SONG, *NAMES)})
    try:
        row = rows.read(values)
    except BrokenRow:
        return
    if row is not None:
        check_features(row.features)
        assert all(math.isfinite(getattr(row.features, name)) for name in NAMES)
