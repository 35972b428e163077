"""Reading Spotify-style tables: both common headers, merging, and each reason for which a row is left out."""

from __future__ import annotations

import pytest

from producers.sources.spotify_csv import Catalogue, read_catalogue
from producers.sources.spotify_rows import Reason
from segue.errors import InvalidCatalogue
from segue.events import AudioFeatures

PLAYLISTS_HEADER = (
    "track_id,track_name,track_artist,track_popularity,track_album_id,track_album_name,track_album_release_date,"
    "playlist_name,playlist_id,playlist_genre,playlist_subgenre,"
    "danceability,energy,key,loudness,mode,speechiness,acousticness,instrumentalness,liveness,valence,tempo,duration_ms"
)
TRACKS_HEADER = (
    ",track_id,artists,album_name,track_name,popularity,duration_ms,explicit,"
    "danceability,energy,key,loudness,mode,speechiness,acousticness,instrumentalness,liveness,valence,tempo,"
    "time_signature,track_genre"
)
FEATURES = "0.5,0.6,7,-5.5,1,0.05,0.1,0.0,0.2,0.7,120.0"
WALTZ = f"t1,Paper Waltz,The Otters,66,a1,Postcards,2019-06-14,Morning,p1,pop,dance pop,{FEATURES},194754"
MARCH = f"t2,Slow March,The Foxes,12,a2,Lanterns,2001,Morning,p1,rock,hard rock,{FEATURES},200000"


def read(*lines: str, header: str = PLAYLISTS_HEADER, max_tracks: int | None = None) -> Catalogue:
    return read_catalogue([f"{line}\n" for line in (header, *lines)], max_tracks)


def test_a_row_of_the_playlists_table_becomes_a_track() -> None:
    (track,) = read(WALTZ).tracks
    assert (track.track_id, track.name, track.artists) == ("t1", "Paper Waltz", ("The Otters",))
    assert (track.album, track.album_id, track.released) == ("Postcards", "a1", "2019-06-14")
    assert (track.popularity, track.duration_ms, track.explicit) == (66, 194_754, None)
    assert track.genres == ("pop", "dance pop")
    assert track.source == "spotify-csv"
    assert track.features == AudioFeatures(
        danceability=0.5, energy=0.6, key=7, loudness=-5.5, mode=1, speechiness=0.05,
        acousticness=0.1, instrumentalness=0.0, liveness=0.2, valence=0.7, tempo=120.0,
    )  # fmt: skip


def test_a_row_of_the_tracks_table_becomes_a_track() -> None:
    (track,) = read(f"0,t1,Otters;Foxes,Postcards,Paper Waltz,73,230666,True,{FEATURES},4,acoustic", header=TRACKS_HEADER).tracks
    assert (track.track_id, track.name, track.artists) == ("t1", "Paper Waltz", ("Otters", "Foxes"))
    assert (track.album, track.popularity, track.duration_ms, track.explicit) == ("Postcards", 73, 230_666, True)
    assert track.genres == ("acoustic",)


def test_a_table_without_playlists_has_none() -> None:
    assert read(f"0,t1,Otters,Postcards,Waltz,73,1,False,{FEATURES},4,acoustic", header=TRACKS_HEADER).playlists == []


@pytest.mark.parametrize("header", ["id,name,artist", "uri,track_name,artists", "isrc,title,artist_name", "ID, Name, Artist"])
def test_other_names_of_the_essential_columns_are_understood(header: str) -> None:
    (track,) = read("x1,Waltz,Otters", header=header).tracks
    assert (track.track_id, track.name, track.artists) == ("x1", "Waltz", ("Otters",))


def test_a_spotify_uri_is_shortened_to_its_id() -> None:
    assert read("spotify:track:abc,Waltz,Otters", header="uri,name,artist").tracks[0].track_id == "abc"


def test_artists_written_as_a_python_list_are_understood() -> None:
    assert read("x1,Waltz,\"['Otters', 'Foxes']\"", header="id,name,artists").tracks[0].artists == ("Otters", "Foxes")


def test_a_semicolon_separates_columns_where_the_header_says_so() -> None:
    assert read("x1;Waltz;Otters, Foxes", header="id;name;artist").tracks[0].artists == ("Otters, Foxes",)


def test_rows_of_one_track_are_merged_with_main_genres_first() -> None:
    again = WALTZ.replace("Morning,p1,pop,dance pop", "Evening,p2,edm,pop edm")
    third = WALTZ.replace("Morning,p1,pop,dance pop", "Night,p3,pop,electropop")
    (track,) = read(WALTZ, again, third).tracks
    assert track.genres == ("pop", "edm", "dance pop", "pop edm", "electropop")


def test_features_come_from_the_first_row_that_has_them() -> None:
    without = WALTZ.replace(FEATURES, "," * 10)
    (track,) = read(without, WALTZ).tracks
    assert track.features is not None


def test_playlists_keep_the_order_of_the_file_and_name_each_track_once() -> None:
    (playlist,) = read(MARCH, WALTZ, MARCH.replace("hard rock", "album rock")).playlists
    assert (playlist.playlist_id, playlist.name, playlist.track_ids) == ("p1", "Morning", ("t2", "t1"))


def test_reading_stops_at_the_asked_for_number_of_tracks() -> None:
    found = read(WALTZ, MARCH, max_tracks=1)
    assert [track.track_id for track in found.tracks] == ["t1"]
    assert (found.playlists[0].track_ids, found.complete) == (("t1",), False)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("t9,Name,Artist,1", "too few columns"),
        (f"{MARCH},surplus", "too many columns"),
        (MARCH.replace("t2,", ",", 1), "no id"),
        (MARCH.replace("t2,", "t" * 129 + ",", 1), "invalid id"),
        (MARCH.replace("p1", "p" * 129), "invalid id"),
        (MARCH.replace("Slow March", ""), "no name"),
        (MARCH.replace("Slow March", "NA"), "no name"),
        (MARCH.replace("The Foxes", " "), "no artist"),
        (MARCH.replace("Slow March", "x" * 1_001), "text too long"),
        (MARCH.replace("Slow March", "Slow\x00March"), "control characters"),
        (MARCH.replace("Slow March", "Caf\udce9"), "not UTF-8"),
        (MARCH.replace("0.5,0.6", "loud,0.6"), "feature not a number"),
        (MARCH.replace("0.5,0.6", "1.5,0.6"), "feature out of range"),
        (MARCH.replace("0.5,0.6", "nan_,0.6").replace("nan_", "-inf"), "feature out of range"),
        (MARCH.replace("0.6,7,", "0.6,12,"), "feature out of range"),
        (MARCH.replace(",12,a2", ",101,a2"), "invalid number"),
        (MARCH.replace("200000", "long"), "invalid number"),
    ],
)
def test_a_broken_row_is_counted_by_reason_and_the_rest_is_kept(broken: str, reason: Reason) -> None:
    found = read(WALTZ, broken, MARCH)
    assert [track.track_id for track in found.tracks] == ["t1", "t2"]
    assert {name: (r.rows, r.lines) for name, r in found.rejected.items()} == {reason: (1, [3])}
    assert found.rows == 3


def test_partly_missing_features_leave_the_track_without_any_and_are_counted() -> None:
    found = read(MARCH.replace("0.5,0.6", "NA,0.6"), WALTZ)
    assert [track.features is None for track in found.tracks] == [True, False]
    assert (found.featureless, found.rejected) == (1, {})


def test_a_stray_quote_costs_its_own_row_only() -> None:
    found = read(MARCH.replace("Slow March", '"Slow March'), WALTZ, MARCH.replace("t2", "t3"))
    assert [track.track_id for track in found.tracks] == ["t1", "t3"]
    assert [(name, r.lines) for name, r in found.rejected.items()] == [("too few columns", [2])]


def test_a_stray_quote_in_a_long_file_costs_its_own_row_only() -> None:
    found = read(MARCH.replace("Slow March", '"Slow March'), *(WALTZ.replace("t1", f"w{n}") for n in range(2_000)))
    assert (len(found.tracks), found.rows) == (2_000, 2_001)


def test_quoted_names_may_hold_commas_and_quotes() -> None:
    (track,) = read(WALTZ.replace("Paper Waltz", '"Paper, ""Waltz"""')).tracks
    assert track.name == 'Paper, "Waltz"'


def test_only_the_first_line_numbers_of_a_reason_are_kept() -> None:
    found = read(*["x"] * 9)
    assert (found.rejected["too few columns"].rows, found.rejected["too few columns"].lines) == (9, [2, 3, 4, 5, 6])


def test_missing_columns_are_named_with_those_found() -> None:
    with pytest.raises(
        InvalidCatalogue, match=r"missing columns: name \(any of track_name, .*Found: track_id, singer, tempo"
    ) as e:
        read(header="track_id,singer,tempo")
    assert "artist (any of track_artist" in str(e.value)
    assert e.value.code == "missing_columns"


def test_a_misspelt_column_gets_a_hint() -> None:
    with pytest.raises(InvalidCatalogue, match="Did you mean track_name by trackname"):
        read(header="track_id,trackname,artist")
