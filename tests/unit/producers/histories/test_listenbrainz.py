"""An export of ListenBrainz."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from segue.songs import Song, listen_id
from tests.unit.producers.histories.made import Catalogue, Read, archive, json_lines, listen, read, read_rows, track

MBID = "7e4bb014-51d5-4943-adb1-683e066a5220"
MSID = "aaaaaaaa-51d5-4943-adb1-683e066a5220"
NOON = datetime(2024, 5, 9, 15, 48, 13, tzinfo=UTC)


def export(folder: Path, *listens: object, feedback: list[object] | None = None, songs: Catalogue | None = None) -> Read:
    files = {
        "user.json": {"user_id": 1, "username": "somebody"},
        "listens/2024/5.jsonl": json_lines(listens),
        "feedback.jsonl": json_lines(feedback or []),
    }
    return read(archive(folder / "listenbrainz_somebody.zip", files), songs)


def test_a_listen_is_a_play_at_its_second(tmp_path: Path) -> None:
    found = export(tmp_path, listen())
    (event,) = found.events
    assert (event.type, event.user_id, event.occurred_at, event.ms_played) == ("play", "alice", NOON, None)
    assert (found.tracks[0].album, found.rejected, found.skipped) == ("VHS", [], [])


def test_it_is_the_event_that_the_api_makes_of_the_same_listen(tmp_path: Path) -> None:
    (event,) = export(tmp_path, listen()).events
    assert event.event_id == listen_id("alice", 1_715_269_693, Song("Renegades", "X Ambassadors"))


@pytest.mark.parametrize(
    "row",
    [
        listen(info={"recording_mbid": MBID}),
        listen(info={"recording_mbid": MBID.upper()}),
        listen(metadata={"mbid_mapping": {"recording_mbid": MBID, "artist_mbids": []}}),
    ],
)
def test_a_recording_gets_the_id_that_the_api_gives_it(tmp_path: Path, row: object) -> None:
    found = export(tmp_path, row)
    assert found.events[0].track_id == found.tracks[0].track_id == f"lb:{MBID}"


def test_songs_are_found_by_id_before_name(tmp_path: Path) -> None:
    known = Catalogue(track(1, "by-name", "Renegades", "X Ambassadors"), track(2, "1" * 22, "R", "X"), track(3, MBID, "R", "X"))
    rows = [
        listen(info={"spotify_id": "https://open.spotify.com/track/" + "1" * 22}),
        listen(listened_at=1_715_269_800, info={"recording_mbid": MBID}),
        listen(listened_at=1_715_269_900),
        listen(listened_at=1_715_270_000, metadata={"artist_name": "X Ambassadors feat. Somebody"}),
    ]
    found = export(tmp_path, *rows, songs=known)
    assert [event.track_id for event in found.events] == ["1" * 22, MBID, "by-name", "by-name"]
    assert found.tracks == []


def test_how_long_it_was_played_is_kept(tmp_path: Path) -> None:
    found = export(tmp_path, listen(info={"duration_played": 12, "duration_ms": 180_000}))
    assert (found.events[0].ms_played, found.tracks[0].duration_ms) == (12_000, 180_000)


def test_a_listen_that_is_there_twice_is_told_once(tmp_path: Path) -> None:
    files = {"listens/2024/5.jsonl": json_lines([listen(), listen()]), "listens/2024/6.jsonl": json_lines([listen()])}
    found = read(archive(tmp_path / "e.zip", files))
    assert (len(found.events), found.skipped) == (1, ["duplicate", "duplicate"])


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", "bad_row"),
        (b'{"listened_at": 1}', "bad_row"),
        (b"[" * 100_000, "bad_row"),
        (json_lines([listen(listened_at=None)]).strip(), "invalid_time"),
        (json_lines([listen(listened_at="soon")]).strip(), "invalid_event"),
        (json_lines([listen(listened_at=10**17)]).strip(), "invalid_time"),
        (json_lines([listen(listened_at=1_000)]).strip(), "invalid_time"),
        (json_lines([listen(metadata={"track_name": ""})]).strip(), "invalid_event"),
        (json_lines([listen(info={"recording_mbid": "x"})]).strip(), "invalid_event"),
        (b'{"x": "' + b"x" * 1_000_001 + b'"}', "too_long_line"),
    ],
)
def test_a_broken_line_is_told_and_the_others_are_read(tmp_path: Path, line: bytes, code: str) -> None:
    lines = json_lines([listen()]) + line + b"\n\n" + json_lines([listen(listened_at=1_715_269_800)])
    found = read(archive(tmp_path / "e.zip", {"listens/2024/5.jsonl": lines}))
    assert (len(found.events), found.refused) == (2, [(code, "listens/2024/5.jsonl row 2")])


def test_a_line_in_another_encoding_than_those_before_is_told(tmp_path: Path) -> None:
    good = json_lines([listen(listened_at=1_715_269_800 + n) for n in range(500)])
    broken = json_lines([listen(metadata={"track_name": "?"})]).replace(b"?", b"\xff")
    found = read_rows(tmp_path, "listens.jsonl", good + broken + json_lines([listen()]))
    assert (len(found.events), found.refused) == (501, [("bad_row", "listens.jsonl row 501")])


def test_a_month_that_begins_with_a_broken_line_is_read(tmp_path: Path) -> None:
    found = read_rows(tmp_path, "listens.jsonl", b"{broken\n" + json_lines([listen()]))
    assert (len(found.events), found.refused) == (1, [("bad_row", "listens.jsonl row 1")])


def test_an_array_of_listens_as_older_exports_have_it_is_read(tmp_path: Path) -> None:
    found = read_rows(tmp_path, "somebody.json", [listen(), {"listened_at": 1}, listen(listened_at=1_715_269_800)])
    assert (len(found.events), found.refused) == (2, [("bad_row", "somebody.json row 2")])


def said(score: int, **ids: Any) -> dict[str, Any]:
    return {"score": score, "created": 1_715_300_000, "recording_mbid": None, "recording_msid": None} | ids


def test_feedback_is_about_the_track_that_the_listens_were_of(tmp_path: Path) -> None:
    known = Catalogue(track(1, "t1", "Renegades", "X Ambassadors"))
    rows = [
        listen(metadata={"mbid_mapping": {"recording_mbid": MBID}}),
        listen(listened_at=1_715_269_800, recording_msid=MSID, metadata={"track_name": "Unsteady"}),
    ]
    feedback: list[object] = [said(1, recording_mbid=MBID), said(-1, recording_msid=MSID)]
    found = export(tmp_path, *rows, feedback=feedback, songs=known)
    assert [(event.type, event.track_id == "t1") for event in found.events] == [
        ("play", True), ("play", False), ("like", True), ("dislike", False),
    ]  # fmt: skip
    assert found.events[3].track_id == found.events[1].track_id
    assert found.events[2].occurred_at == datetime(2024, 5, 10, 0, 13, 20, tzinfo=UTC)


def test_feedback_on_a_recording_that_was_never_heard_waits_for_its_name(tmp_path: Path) -> None:
    found = export(tmp_path, feedback=[said(1, recording_mbid=MBID), said(0, recording_mbid=MBID)])
    assert [(event.type, event.track_id) for event in found.events] == [("like", f"lb:{MBID}"), ("unlike", f"lb:{MBID}")]
    assert found.tracks == []


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (said(1, recording_msid=MSID), "unknown_recording"),
        (said(1, recording_mbid="x"), "invalid_id"),
        (said(1, recording_mbid=MBID, created=None), "invalid_time"),
        (said(5, recording_mbid=MBID), "bad_row"),
        ({"score": 1}, "unknown_recording"),
    ],
)
def test_broken_feedback_is_told(tmp_path: Path, row: object, code: str) -> None:
    found = export(tmp_path, listen(), feedback=[row, said(1, recording_mbid=MBID)])
    assert (len(found.events), found.refused) == (2, [(code, "feedback.jsonl row 1")])


def test_a_listen_of_lastfm_that_went_to_both_is_one_listen(tmp_path: Path) -> None:
    table = b"uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n1715269693,x,X Ambassadors,,VHS,,Renegades,\n"
    files = {"listens/2024/5.jsonl": json_lines([listen()]), "scrobbles.csv": table}
    found = read(archive(tmp_path / "both.zip", files))
    assert (len(found.events), found.skipped) == (1, ["duplicate"])


def test_ids_are_uuids_in_order_of_time(tmp_path: Path) -> None:
    first, second = export(tmp_path, listen(), listen(listened_at=1_715_269_694)).events
    assert (first.event_id.version, second.event_id.version) == (7, 7)
    assert uuid.UUID(int=0) < first.event_id < second.event_id
