"""Playlists and charts in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.ui.conftest import charted, in_playlist, playlist
from ui.views.playlists import EXPORTS, counted, file_name, name_of, page_of, pages, summary
from ui.views.trending import age, standing

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Evening walks", "Evening walks.csv"),
        ("../../etc/passwd", "etcpasswd.csv"),
        ("***", "playlist.csv"),
        ("ñ" * 300, "ñ" * 80 + ".csv"),
    ],
)
def test_a_file_s_name_is_safe(name: str, file: str) -> None:
    assert file_name(playlist(name=name), EXPORTS["csv"]) == file


def test_a_playlist_in_short() -> None:
    two = playlist(tracks=(in_playlist("a", 60_000), in_playlist("b", 65_000)))
    assert summary(two) == "2 tracks, 2:05; private"
    assert (
        summary(playlist(tracks=(in_playlist("a", 60_000), in_playlist("b", None))))
        == "2 tracks, 1:00 without 1 unknown length; private"
    )
    assert summary(playlist(public=True)) == "0 tracks; public"


def test_a_track_that_the_catalogue_lacks_shows_its_id() -> None:
    assert name_of(in_playlist("a", None, name=None)) == "a (not in the catalogue)"


def test_pages_hold_every_track_once() -> None:
    tracks = [in_playlist(str(number), None) for number in range(101)]
    assert pages(101, 50) == 3
    assert [len(page_of(tracks, number, 50)) for number in (1, 2, 3)] == [50, 50, 1]
    assert pages(0, 50) == 1


def test_counts_for_people() -> None:
    assert (counted(1, "track"), counted(1_204, "track"), counted(0, "track")) == ("1 track", "1,204 tracks", "0 tracks")


def test_standing_in_a_chart() -> None:
    assert standing(charted(listeners=18, growth=2.34)) == "18 listeners, 2.3 times as many as usual · rock"
    assert standing(charted(listeners=1, growth=None, genres=())) == "1 listener"


def test_the_age_of_a_chart() -> None:
    assert age(NOON, NOON + timedelta(seconds=6)) == "Counted 6 seconds ago."
    assert age(NOON, NOON + timedelta(minutes=5)) == "Counted 5 minutes ago."
    assert age(NOON, NOON - timedelta(seconds=3)) == "Counted 0 seconds ago."
