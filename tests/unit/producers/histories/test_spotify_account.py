"""Spotify's account data: basic streams, library and playlists."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.unit.producers.histories.made import URI, Catalogue, archive, basic, read, read_rows, stream, track

BASIC = "StreamingHistory_music_0.json"


def test_a_stream_has_the_minute_of_its_end_and_names(tmp_path: Path) -> None:
    found = read_rows(tmp_path, BASIC, [basic()])
    (event,), (made,) = found.events, found.tracks
    assert (event.type, event.occurred_at, event.ms_played) == ("play", datetime(2024, 5, 9, 15, 45, tzinfo=UTC), 180_000)
    assert event.track_id == made.track_id == "lb:cb35d401d5edac8ce71d0c312f970a69"
    assert (made.name, made.artists) == ("Renegades", ("X Ambassadors",))


def test_a_song_of_the_catalogue_is_found_by_its_names(tmp_path: Path) -> None:
    known = Catalogue(track(1, "t1", "Renegades - Remastered 2020", "X AMBASSADORS"))
    found = read_rows(tmp_path, BASIC, [basic()], known)
    assert ([event.track_id for event in found.events], found.tracks) == (["t1"], [])


@pytest.mark.parametrize(
    ("row", "kind"), [({"msPlayed": 29_999}, "skip"), ({"msPlayed": 1}, "skip"), ({"msPlayed": 30_000}, "play")]
)
def test_under_thirty_seconds_it_was_skipped(tmp_path: Path, row: dict[str, Any], kind: str) -> None:
    assert [event.type for event in read_rows(tmp_path, BASIC, [basic(**row)]).events] == [kind]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"msPlayed": 0}, "not_played"),
        ({"trackName": "Unknown Track", "artistName": "Unknown Artist"}, "no_track"),
        ({"podcastName": "P", "episodeName": "E"}, "podcast"),
        ({"audiobookName": "B"}, "audiobook"),
    ],
)
def test_what_is_no_music_is_left_out(tmp_path: Path, row: dict[str, Any], code: str) -> None:
    found = read_rows(tmp_path, BASIC, [basic(**row)])
    assert (found.items, found.skipped) == ([], [code])


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"endTime": "2024-05-09"}, None),
        ({"endTime": "noon"}, "invalid_time"),
        ({"trackName": " "}, "invalid_event"),
        ({"artistName": None}, "invalid_event"),
        ({"msPlayed": None}, "bad_row"),
    ],
)
def test_a_broken_row_is_told(tmp_path: Path, row: dict[str, Any], code: str | None) -> None:
    found = read_rows(tmp_path, BASIC, [basic(), basic(**row)])
    assert [one.code for one in found.rejected] == ([code] if code else [])


def test_equal_rows_of_one_file_are_two_streams_and_of_two_files_one(tmp_path: Path) -> None:
    rows = [basic(), basic(), basic(endTime="2024-05-09 15:52")]
    found = read(archive(tmp_path / "my_spotify_data.zip", {"a/StreamingHistory0.json": rows, "b/StreamingHistory0.json": rows}))
    assert (len(found.events), found.skipped) == (3, ["duplicate"] * 3)


def test_a_stream_of_the_basic_export_is_the_same_in_the_extended_one(tmp_path: Path) -> None:
    extended = [stream(), stream(ts="2024-05-09T15:48:59Z"), stream(ts="2024-05-10T01:00:00Z")]
    files = {"StreamingHistory0.json": [basic(), basic()], "Streaming_History_Audio_2024.json": extended}
    found = read(archive(tmp_path / "both.zip", files))
    assert (len(found.events), found.skipped) == (3, ["duplicate", "duplicate"])
    assert {event.track_id for event in found.events} == {"0fYVliAYKHuPmECRs1pbRf"}


def test_what_is_in_the_library_is_liked_and_what_was_hidden_is_not(tmp_path: Path) -> None:
    library = {
        "tracks": [{"artist": "X Ambassadors", "album": "VHS", "track": "Renegades", "uri": URI}],
        "albums": [{"artist": "A", "album": "B", "uri": "spotify:album:1"}],
        "shows": [],
        "bannedTracks": [{"artist": "Y", "album": "Z", "track": "Noise", "uri": "spotify:track:" + "1" * 22}],
    }
    found = read_rows(tmp_path, "YourLibrary.json", library)
    assert [(event.type, event.track_id) for event in found.events] == [
        ("like", "0fYVliAYKHuPmECRs1pbRf"),
        ("dislike", "1" * 22),
    ]
    assert [made.name for made in found.tracks] == ["Renegades", "Noise"]


def test_the_same_like_of_a_later_export_is_the_same_event(tmp_path: Path) -> None:
    library = {"tracks": [{"artist": "X Ambassadors", "album": "VHS", "track": "Renegades", "uri": URI}]}
    first = read(archive(tmp_path / "1.zip", {"YourLibrary.json": library}))
    later = {"tracks": [{"artist": "N", "album": "N", "track": "New", "uri": "spotify:track:" + "2" * 22}, *library["tracks"]]}
    second = read(archive(tmp_path / "2.zip", {"YourLibrary.json": later}))
    assert first.events[0].event_id == second.events[1].event_id


def test_a_library_of_many_megabytes_is_read_within_the_bound_of_one_track(tmp_path: Path) -> None:
    tracks = [{"artist": f"A{n}", "album": "x" * 900, "track": f"T{n}", "uri": f"spotify:track:{n:022d}"} for n in range(2_000)]
    found = read_rows(tmp_path, "YourLibrary.json", {"tracks": tracks, "bannedTracks": tracks[:1]})
    assert (len(found.events), found.rejected) == (2_001, [])


def playlist(name: str | None, *uris: str | None) -> dict[str, Any]:
    items = [
        {"track": {"trackName": f"T{n}", "artistName": "A", "albumName": "B", "trackUri": uri}, "addedDate": "2021-02-01"}
        for n, uri in enumerate(uris)
    ]
    return {"name": name, "lastModifiedDate": "2021-02-01", "items": items, "description": None, "numberOfFollowers": 0}


def test_playlists_keep_their_tracks_in_order(tmp_path: Path) -> None:
    uris = ["spotify:track:" + digit * 22 for digit in "213"]
    found = read_rows(tmp_path, "Playlist1.json", {"playlists": [playlist("Mine", *uris), playlist("Other", uris[0])]})
    first, second = found.playlists
    assert (first.name, first.owner_id, first.public) == ("Mine", "alice", False)
    assert first.track_ids == ("2" * 22, "1" * 22, "3" * 22)
    assert second.track_ids == ("2" * 22,)
    assert [made.track_id for made in found.tracks] == ["2" * 22, "1" * 22, "3" * 22]


def test_a_playlist_keeps_its_id_in_a_later_export_and_namesakes_have_others(tmp_path: Path) -> None:
    uri = "spotify:track:" + "1" * 22
    lists = [playlist("Mine", uri), playlist("Mine", uri)]
    first = read_rows(tmp_path, "Playlist1.json", {"playlists": lists}).playlists
    again = read_rows(tmp_path, "Playlist1.json", {"playlists": [playlist("Mine", uri, "spotify:track:" + "2" * 22)]}).playlists
    assert first[0].playlist_id == again[0].playlist_id != first[1].playlist_id


def test_what_of_a_playlist_is_no_track_is_left_out(tmp_path: Path) -> None:
    uri = "spotify:track:" + "1" * 22
    mixed = playlist("Mine", uri, "spotify:local:a:b:c:1", "https://example.com")
    mixed["items"] += [{"track": None, "episode": {"episodeName": "E"}}, {"track": None, "localTrack": {"uri": "x"}}, "broken"]
    found = read_rows(tmp_path, "Playlist1.json", {"playlists": [mixed, playlist("Empty"), playlist(None, uri)]})
    assert [one.track_ids for one in found.playlists] == [("1" * 22,)]
    assert sorted(found.skipped) == ["empty_playlist", "local_file", "local_file", "podcast"]
    assert [one.code for one in found.rejected] == ["invalid_id", "bad_row", "invalid_event"]


def test_a_playlist_is_cut_where_its_record_would_be_too_large(tmp_path: Path) -> None:
    uris = [f"spotify:track:{n:022d}" for n in range(10_003)]
    found = read_rows(tmp_path, "Playlist1.json", {"playlists": [playlist("Mine", *uris)]})
    assert (len(found.playlists[0].track_ids), found.skipped) == (10_000, ["playlist_too_long"] * 3)
