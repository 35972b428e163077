"""Spotify's extended streaming history."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from segue.events import CatalogueTrack
from tests.unit.producers.histories.made import Catalogue, Read, read_rows, stream, track

NAME = "Streaming_History_Audio_2024_1.json"


def read(folder: Path, *rows: Any, name: str = NAME) -> Read:
    return read_rows(folder, name, list(rows))


def test_a_stream_is_a_play_that_began_before_its_end(tmp_path: Path) -> None:
    found = read(tmp_path, stream())
    (event,) = found.events
    assert (event.type, event.user_id, event.track_id) == ("play", "alice", "0fYVliAYKHuPmECRs1pbRf")
    assert (event.occurred_at, event.ms_played) == (datetime(2024, 5, 9, 15, 45, 14, tzinfo=UTC), 180_000)
    assert (event.source, found.rejected, found.skipped) == ("spotify-history", [], [])


def test_its_track_is_published_before_it_once(tmp_path: Path) -> None:
    found = read(tmp_path, stream(), stream(ts="2024-05-09T16:00:00Z"))
    assert found.items[0] == CatalogueTrack(
        track_id="0fYVliAYKHuPmECRs1pbRf", name="Renegades", artists=("X Ambassadors",), album="VHS", source="spotify-history"
    )
    assert (len(found.tracks), len(found.events)) == (1, 2)


def test_a_track_that_the_catalogue_has_is_not_published_again(tmp_path: Path) -> None:
    known = Catalogue(track(1, "0fYVliAYKHuPmECRs1pbRf", "Renegades", "X Ambassadors"))
    found = read_rows(tmp_path, NAME, [stream()], known)
    assert ([event.track_id for event in found.events], found.tracks) == (["0fYVliAYKHuPmECRs1pbRf"], [])


def test_a_song_that_was_learned_by_its_name_keeps_its_track(tmp_path: Path) -> None:
    found = read_rows(tmp_path, NAME, [stream()], Catalogue(track(1, "lb:1", "renegades", "X Ambassadors")))
    assert ([event.track_id for event in found.events], found.tracks) == (["lb:1"], [])


def test_another_version_is_another_track(tmp_path: Path) -> None:
    others = Catalogue(track(1, "lb:1", "Renegades (Live)", "X Ambassadors"), track(2, "7" * 22, "Renegades", "X Ambassadors"))
    found = read_rows(tmp_path, NAME, [stream()], others)
    assert [event.track_id for event in found.events] == ["0fYVliAYKHuPmECRs1pbRf"]


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"ms_played": 29_999, "reason_end": "fwdbtn"}, "skip"),
        ({"ms_played": 29_999, "reason_end": "backbtn"}, "skip"),
        ({"ms_played": 29_999, "reason_end": "clickrow"}, "skip"),
        ({"ms_played": 29_999, "reason_end": "endplay"}, "skip"),
        ({"ms_played": 0, "reason_end": "fwdbtn"}, "skip"),
        ({"ms_played": 29_999, "reason_end": "unknown", "skipped": True}, "skip"),
        ({"ms_played": 29_999, "reason_end": "fwdbtn", "skipped": None}, "skip"),
        ({"ms_played": 30_000, "reason_end": "fwdbtn", "skipped": True}, "play"),
        ({"ms_played": 20_000, "reason_end": "trackdone", "skipped": None}, "play"),
        ({"ms_played": 20_000, "reason_end": "unexpected-exit-while-paused"}, "play"),
    ],
)
def test_what_the_listener_ended_within_thirty_seconds_was_skipped(tmp_path: Path, row: dict[str, Any], kind: str) -> None:
    assert [event.type for event in read(tmp_path, stream(**row)).events] == [kind]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"incognito_mode": True}, "incognito"),
        ({"spotify_track_uri": None, "episode_name": "E", "spotify_episode_uri": "spotify:episode:1"}, "podcast"),
        ({"spotify_track_uri": None, "audiobook_title": "B", "audiobook_uri": "spotify:show:1"}, "audiobook"),
        ({"spotify_track_uri": None}, "no_track"),
        ({"spotify_track_uri": "spotify:local:a:b:c:180"}, "local_file"),
        ({"ms_played": 0, "reason_end": "trackerror"}, "not_played"),
    ],
)
def test_what_is_no_music_or_private_is_left_out(tmp_path: Path, row: dict[str, Any], code: str) -> None:
    found = read(tmp_path, stream(**row))
    assert (found.items, found.skipped, found.rejected) == ([], [code], [])


def test_videos_are_left_out(tmp_path: Path) -> None:
    assert read(tmp_path, stream(), name="Streaming_History_Video_2024.json").skipped == ["video"]


def test_an_episode_of_a_video_file_is_a_podcast(tmp_path: Path) -> None:
    row = stream(spotify_track_uri=None, episode_name="E")
    assert read(tmp_path, row, name="Streaming_History_Video_2024.json").skipped == ["podcast"]


@pytest.mark.parametrize("offline", [1_715_269_693, 1_715_269_693_000])
def test_a_device_without_a_clock_has_the_time_at_which_it_was_offline(tmp_path: Path, offline: int) -> None:
    (event,) = read(tmp_path, stream(ts="1970-01-01T00:00:12Z", offline_timestamp=offline)).events
    assert event.occurred_at == datetime(2024, 5, 9, 15, 48, 13, tzinfo=UTC)


@pytest.mark.parametrize("ts", ["2013-10-09 20:24:30 UTC", "2013-10-09T20:24:30", "2013-10-09T22:24:30+02:00"])
def test_other_ways_of_writing_a_time_are_understood(tmp_path: Path, ts: str) -> None:
    (event,) = read(tmp_path, stream(ts=ts, ms_played=30_000)).events
    assert event.occurred_at == datetime(2013, 10, 9, 20, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"ts": "yesterday"}, "invalid_time"),
        ({"ts": "1970-01-01T00:00:00Z", "offline_timestamp": 0}, "invalid_time"),
        ({"ts": "1970-01-01T00:00:00Z", "offline_timestamp": 10**18}, "invalid_time"),
        ({"ts": "2031-01-01T00:00:00Z"}, "invalid_time"),
        ({"ts": "0001-01-01T00:00:00Z", "offline_timestamp": None}, "invalid_time"),
        ({"ts": None}, "bad_row"),
        ({"ms_played": "long"}, "bad_row"),
        ({"ms_played": -1, "reason_end": "trackdone"}, "invalid_ms_played"),
        ({"ms_played": 90_000_000}, "invalid_ms_played"),
        ({"ms_played": 2**62}, "invalid_ms_played"),
        ({"spotify_track_uri": "https://example.com"}, "invalid_id"),
        ({"spotify_track_uri": "spotify:track:"}, "invalid_id"),
        ({"spotify_track_uri": "spotify:track:" + "x" * 129}, "invalid_id"),
        ({"master_metadata_track_name": "x" * 1_001}, "text_too_long"),
        ({"master_metadata_track_name": "a\0b"}, "invalid_text"),
    ],
)
def test_a_broken_row_is_told_with_its_number_and_the_others_are_read(tmp_path: Path, row: dict[str, Any], code: str) -> None:
    found = read(tmp_path, stream(), stream(**row), stream(ts="2024-05-09T16:00:00Z"))
    assert (len(found.events), found.refused) == (2, [(code, f"{NAME} row 2")])


def test_a_row_that_is_no_object_is_told(tmp_path: Path) -> None:
    assert read(tmp_path, stream(), ["x"], None).refused == [("bad_row", f"{NAME} row 2"), ("bad_row", f"{NAME} row 3")]


def test_a_stream_without_names_counts_and_its_track_waits_for_a_name(tmp_path: Path) -> None:
    found = read(tmp_path, stream(master_metadata_track_name=None, master_metadata_album_artist_name=None))
    assert ([event.track_id for event in found.events], found.tracks) == (["0fYVliAYKHuPmECRs1pbRf"], [])


def test_the_same_stream_again_is_a_duplicate_and_another_of_the_same_minute_is_not(tmp_path: Path) -> None:
    rows = [
        stream(ms_played=20_000, ts="2024-05-09T15:48:14Z"),
        stream(ms_played=20_000, ts="2024-05-09T15:48:34Z"),
        stream(ms_played=20_000, ts="2024-05-09T15:48:14Z"),
        stream(ms_played=20_000, ts="2024-05-09T15:49:14Z"),
        stream(ms_played=20_001, ts="2024-05-09T15:48:14Z"),
    ]
    found = read(tmp_path, *rows)
    assert (len({event.event_id for event in found.events}), found.skipped) == (4, ["duplicate"])


def test_streams_of_one_minute_without_end_are_told_apart(tmp_path: Path) -> None:
    rows = [stream(ts=f"2024-05-09T15:48:14.{n:06}Z") for n in range(300)]
    found = read(tmp_path, *rows, *rows)
    assert (len(found.events), len(found.skipped)) == (300, 300)


def test_addresses_devices_and_accounts_go_nowhere(tmp_path: Path) -> None:
    found = read(tmp_path, stream(), stream(ts="broken"), stream(ms_played="x"))
    said = msgspec.json.encode([found.items, found.rejected]).decode()
    for secret in ("203.0.113.9", "secret-agent", "somebody", "android", "US"):
        assert secret not in said
