"""Playlists as files: what each format says, and that no name breaks one."""

from __future__ import annotations

import csv
import io

import msgspec
import pytest

from segue.playlist_formats import FileTrack, Format, playlist_file

RICK = FileTrack("4uLU6hMCjMI75M1A2tKUQC", "Never Gonna Give You Up", ("Rick Astley", "Guest"), "Whenever", 213_573)
UNKNOWN = FileTrack("own id/7")


def rows(*tracks: FileTrack) -> list[list[str]]:
    return list(csv.reader(io.StringIO(playlist_file("csv", "Mix", tracks).text, newline="")))


def test_jspf_names_tracks_by_uris_and_says_only_what_is_known() -> None:
    made = playlist_file("jspf", "Mix", [RICK, UNKNOWN])
    assert msgspec.json.decode(made.text) == {
        "playlist": {
            "title": "Mix",
            "track": [
                {
                    "identifier": ["spotify:track:4uLU6hMCjMI75M1A2tKUQC"], "title": "Never Gonna Give You Up",
                    "creator": "Rick Astley, Guest", "album": "Whenever", "duration": 213_573,
                },
                {"identifier": ["urn:segue:track:own%20id%2F7"]},
            ],
        }
    }  # fmt: skip


def test_m3u8_has_two_lines_for_a_track() -> None:
    assert playlist_file("m3u8", "Mix", [RICK, UNKNOWN]).text == (
        "#EXTM3U\n#PLAYLIST:Mix\n"
        "#EXTINF:214,Rick Astley, Guest - Never Gonna Give You Up\nspotify:track:4uLU6hMCjMI75M1A2tKUQC\n"
        "#EXTINF:-1,own id/7\nurn:segue:track:own%20id%2F7\n"
    )


def test_a_spotify_list_leaves_out_what_spotify_does_not_know() -> None:
    made = playlist_file("spotify", "Mix", [RICK, UNKNOWN])
    assert (made.text, made.left_out) == ("spotify:track:4uLU6hMCjMI75M1A2tKUQC\n", 1)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\x0b", "\x85", "\u2028", "\u2029", "\x00"])
def test_no_name_breaks_a_line_of_m3u8(end: str) -> None:
    hostile = f"a{end}#EXTINF:1,x{end}http://evil.example/x"
    text = playlist_file("m3u8", hostile, [FileTrack(f"#{end}id", hostile, (hostile,))]).text
    assert len(text.splitlines()) == 4
    assert text.splitlines()[3].startswith("urn:segue:track:%23")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", "  ="])
def test_no_cell_of_csv_is_a_formula(start: str) -> None:
    hostile = f'{start}HYPERLINK("http://evil.example","x")'
    _, row = rows(FileTrack(hostile, hostile, (hostile,), hostile))
    assert row[1:5] == [f"'{hostile}"] * 4


def test_csv_keeps_quotes_commas_and_line_breaks() -> None:
    _, row = rows(FileTrack("t1", 'Say "hi",\nagain', ("A, B",), None, 1_000))
    assert row == ["0", "t1", 'Say "hi",\nagain', "A, B", "", "1000", "urn:segue:track:t1"]


@pytest.mark.parametrize("form", ["jspf", "m3u8", "csv", "spotify"])
def test_an_empty_playlist_is_a_file_too(form: Format) -> None:
    assert playlist_file(form, "Mix", []).left_out == 0
