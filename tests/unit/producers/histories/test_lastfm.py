"""Scrobbles of Last.fm in the five shapes of the tools around it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.unit.producers.histories.made import Read, read_rows

AT = 1_715_269_693
SECOND = datetime(2024, 5, 9, 15, 48, 13, tzinfo=UTC)
MINUTE = datetime(2024, 5, 9, 15, 48, tzinfo=UTC)

UTS = "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid"
UTS_ROW = '1715269693,"09 May 2024, 15:48",X Ambassadors,m1,VHS,m2,Renegades,m3'
MILLISECONDS = "Artist;Album;AlbumId;Track;Date#somebody"
MILLISECONDS_ROW = '"X Ambassadors";"VHS";"a1";"Renegades";"1715269693000"'
HEADLESS_ROW = 'X Ambassadors,VHS,Renegades,"09 May 2024, 15:48"'


def api(**changes: Any) -> dict[str, Any]:
    return {
        "artist": {"mbid": "", "#text": "X Ambassadors"}, "album": {"mbid": "", "#text": "VHS"}, "name": "Renegades",
        "mbid": "m3", "url": "https://www.last.fm/x", "date": {"uts": str(AT), "#text": "09 May 2024, 15:48"},
    } | changes  # fmt: skip


def scrobbles(*rows: object) -> dict[str, Any]:
    return {"username": "somebody", "scrobbles": list(rows)}


SCROBBLE = {"track": "Renegades", "artist": "X Ambassadors", "album": "VHS", "albumId": "a1", "date": AT * 1_000}


@pytest.mark.parametrize(
    ("name", "content", "at"),
    [
        ("scrobbles.csv", f"{UTS}\n{UTS_ROW}\n", SECOND),
        ("scrobbles.csv", f"{UTS.upper()}\r\n{UTS_ROW}\r\n", SECOND),
        ("lastfm.csv", f"{HEADLESS_ROW}\n", MINUTE),
        ("lastfm.csv", f"{HEADLESS_ROW.replace(', 15', ' 15')}\n", MINUTE),
        ("stats.csv", f"\ufeff{MILLISECONDS}\n{MILLISECONDS_ROW}\n", SECOND),
        ("stats.json", json.dumps(scrobbles(SCROBBLE)), SECOND),
        ("stats.json", json.dumps(scrobbles(SCROBBLE | {"date": str(AT * 1_000)})), SECOND),
        ("api.json", json.dumps([api()]), SECOND),
        ("api.json", json.dumps([api(artist={"name": "X Ambassadors", "url": "u"})]), SECOND),
        ("api.json", json.dumps([api(artist="X Ambassadors", album="VHS", date={"uts": AT})]), SECOND),
        ("api.json", json.dumps([[api()]]), SECOND),
        ("api.json", json.dumps({"recenttracks": {"track": [api()], "@attr": {"user": "somebody"}}}), SECOND),
        ("api.json", json.dumps([{"recenttracks": {"track": [api()]}}]), SECOND),
        ("api.json", json.dumps([{"track": [api()]}]), SECOND),
    ],
)
def test_each_shape_is_told_by_what_it_holds(tmp_path: Path, name: str, content: str, at: datetime) -> None:
    found = read_rows(tmp_path, name, content.encode())
    (event,), (made,) = found.events, found.tracks
    assert (event.type, event.occurred_at, event.ms_played, event.source) == ("play", at, None, "lastfm-history")
    assert (made.name, made.artists, made.album, made.source) == ("Renegades", ("X Ambassadors",), "VHS", "lastfm-history")
    assert (found.rejected, found.skipped) == ([], [])


def test_the_shapes_that_know_the_second_tell_the_same_listen(tmp_path: Path) -> None:
    contents = {
        "a.csv": f"{UTS}\n{UTS_ROW}\n",
        "b.csv": f"{MILLISECONDS}\n{MILLISECONDS_ROW}\n",
        "c.json": json.dumps(scrobbles(SCROBBLE)),
        "d.json": json.dumps([api()]),
    }
    ids = {read_rows(tmp_path, name, content.encode()).events[0].event_id for name, content in contents.items()}
    assert len(ids) == 1


def test_what_is_playing_now_is_no_listen(tmp_path: Path) -> None:
    playing = api(**{"@attr": {"nowplaying": "true"}})
    del playing["date"]
    found = read_rows(tmp_path, "api.json", [playing, api()])
    assert (len(found.events), found.skipped) == (1, ["now_playing"])


def rows(folder: Path, head: str, *lines: str) -> Read:
    return read_rows(folder, "s.csv", "\n".join([head, *lines]).encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("1715269693,x", "too_few_columns"),
        ("soon,x,X Ambassadors,,VHS,,Renegades,", "invalid_time"),
        ("99999999999999999,x,X Ambassadors,,VHS,,Renegades,", "invalid_time"),
        ("-5,x,X Ambassadors,,VHS,,Renegades,", "invalid_time"),
        ("1715269693,x, ,,VHS,,Renegades,", "invalid_event"),
        ("1715269693,x,X Ambassadors,,VHS,,\x00,", "invalid_text"),
        ("1715269693,x,X Ambassadors,,VHS,,\udcff,", "not_utf8"),
        ("1715269693,x,X Ambassadors,,VHS,," + "x" * 1_000_001, "too_long_line"),
        ("1715269693,x,X Ambassadors,,VHS,," + "x" * 200_000, "too_few_columns"),
    ],
)
def test_a_broken_row_is_told_and_the_others_are_read(tmp_path: Path, line: str, code: str) -> None:
    # Long enough that the broken byte lies past what the encoding is told by.
    good = [UTS_ROW.replace("1715269693", str(AT + n)) for n in range(1_500)]
    found = rows(tmp_path, UTS, *good[:1_400], line, *good[1_400:])
    assert (len(found.events), [one.code for one in found.rejected]) == (1_500, [code])


def test_a_table_without_a_head_may_begin_with_a_broken_row(tmp_path: Path) -> None:
    found = read_rows(tmp_path, "s.csv", f"X,Y,Z,never\n{HEADLESS_ROW}\n".encode())
    assert (len(found.events), found.refused) == (1, [("invalid_time", "s.csv row 1")])


def test_a_table_in_another_encoding_is_read(tmp_path: Path) -> None:
    row = UTS_ROW.replace("Renegades", "Ñandú")
    for encoding in ("latin-1", "utf-16", "utf-8-sig"):
        assert [made.name for made in read_rows(tmp_path, "s.csv", f"{UTS}\n{row}\n".encode(encoding)).tracks] == ["Ñandú"]


def test_quoted_names_may_hold_the_delimiter_and_line_ends(tmp_path: Path) -> None:
    found = rows(tmp_path, MILLISECONDS, MILLISECONDS_ROW.replace("Renegades", 'Rene;""ga""\ndes'))
    assert [made.name for made in found.tracks] == ['Rene;"ga"\ndes']


def test_the_name_of_the_account_goes_nowhere(tmp_path: Path) -> None:
    found = rows(tmp_path, MILLISECONDS, MILLISECONDS_ROW, '"a";"b"')
    assert "somebody" not in repr((found.items, found.rejected))
