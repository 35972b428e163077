"""Slices of the Million Playlist Dataset, whole, damaged and interrupted."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from producers.ingestion.contract import Item, Page
from producers.ingestion.known_tracks import KnownTracks
from producers.reading.bounds import Bounds
from producers.sources import mpd
from producers.sources.mpd import MpdSource
from segue.errors import InvalidInput
from segue.events import CatalogueTrack, PlaylistRecord
from tests.unit.producers.ingestion.fakes import Catalogue


def entry(number: int) -> dict[str, Any]:
    return {
        "pos": number, "artist_name": "Otters", "track_uri": f"spotify:track:t{number}", "artist_uri": "spotify:artist:o",
        "track_name": f"Waltz {number}", "album_uri": "spotify:album:a1", "duration_ms": 200_000, "album_name": "Postcards",
    }  # fmt: skip


def playlist(pid: int, *tracks: int, **changes: Any) -> dict[str, Any]:
    return {"name": f"List {pid}", "collaborative": "false", "pid": pid, "tracks": [entry(one) for one in tracks]} | changes


def slice_of(*playlists: Any) -> str:
    return json.dumps({"info": {"slice": "0-999", "version": "v1"}, "playlists": playlists}, indent=4)


def write(folder: Path, first: int, *playlists: Any) -> Path:
    path = folder / f"mpd.slice.{first}-{first + 999}.json"
    path.write_text(slice_of(*playlists))
    return path


def source(path: Path, *known: str) -> MpdSource:
    return MpdSource(path, KnownTracks(Catalogue(*known), 1_000), Bounds())


def pages(path: Path, position: dict[str, Any] | None = None, *known: str) -> list[Page]:
    return list(source(path, *known).pages(position))


def items(found: list[Page]) -> list[Item]:
    return [item for page in found for item in page.items]


def test_a_playlist_comes_behind_its_tracks(tmp_path: Path) -> None:
    (page,) = pages(write(tmp_path, 0, playlist(7, 1, 2, 1)))
    track, _, published = page.items
    assert track == CatalogueTrack(
        track_id="t1", name="Waltz 1", artists=("Otters",), album="Postcards", album_id="a1", duration_ms=200_000, source="mpd"
    )
    assert published == PlaylistRecord(
        playlist_id="mpd:7", name="List 7", track_ids=("t1", "t2", "t1"), public=True, source="mpd"
    )
    assert (page.read, page.rejected, page.skipped) == (1, [], [])


def test_a_track_of_the_catalogue_is_not_replaced(tmp_path: Path) -> None:
    found = items(pages(write(tmp_path, 0, playlist(7, 1, 2)), None, "t1"))
    assert [type(item).__name__ for item in found] == ["CatalogueTrack", "PlaylistRecord"]
    assert isinstance(found[0], CatalogueTrack)
    assert found[0].track_id == "t2"


def test_the_slices_of_a_folder_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    write(tmp_path, 10_000, playlist(3, 1))
    write(tmp_path, 2_000, playlist(2, 1))
    write(tmp_path, 0, playlist(1, 1))
    (tmp_path / "stats.txt").write_text("number of playlists 1000000")
    found = source(tmp_path)
    assert [one.playlist_id for one in items(list(found.pages(None))) if isinstance(one, PlaylistRecord)] == [
        "mpd:1",
        "mpd:2",
        "mpd:3",
    ]
    assert found.total() == 3_000


def test_an_archive_is_read_as_it_is(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "mpd.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data/mpd.slice.0-999.json", slice_of(playlist(1, 1)))
        archive.writestr("README.md", "the data set")
    assert len(items(pages(tmp_path / "mpd.zip"))) == 2


def test_what_is_no_track_of_the_service_is_left_out(tmp_path: Path) -> None:
    entries = [entry(1), entry(2) | {"track_uri": "spotify:local:a:b:c:1"}, entry(3) | {"track_uri": "spotify:episode:e"}]
    (page,) = pages(write(tmp_path, 0, playlist(1, tracks=entries)))
    assert [one.code for one in page.skipped] == ["local_file", "podcast"]
    assert isinstance(page.items[-1], PlaylistRecord)
    assert page.items[-1].track_ids == ("t1",)


@pytest.mark.parametrize(
    "broken", [{"pid": "x", "tracks": []}, 3, None, [], playlist(1, tracks=[{"track_uri": "spotify:track:t"}])]
)
def test_a_broken_playlist_costs_itself_only(tmp_path: Path, broken: Any) -> None:
    (page,) = pages(write(tmp_path, 0, playlist(1, 1), broken, playlist(2, 1)))
    assert [one.playlist_id for one in page.items if isinstance(one, PlaylistRecord)] == ["mpd:1", "mpd:2"]
    ((code, where),) = [(one.code, one.where) for one in page.rejected]
    assert (code, where) == ("bad_playlist", "mpd.slice.0-999.json, playlist 2")


def test_a_truncated_slice_gives_what_comes_before_and_the_next_slice(tmp_path: Path) -> None:
    path = write(tmp_path, 0, playlist(1, 1), playlist(2, 2))
    path.write_bytes(path.read_bytes()[:-200])
    write(tmp_path, 1_000, playlist(3, 3))
    (page,) = pages(tmp_path)
    assert [one.playlist_id for one in page.items if isinstance(one, PlaylistRecord)] == ["mpd:1", "mpd:3"]
    ((code, where),) = [(one.code, one.where) for one in page.rejected]
    assert (code, where) == ("bad_json", "mpd.slice.0-999.json")


def test_going_on_after_any_page_gives_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mpd, "PAGE_TRACKS", 3)
    write(tmp_path, 0, *(playlist(pid, 2 * pid, 2 * pid + 1) for pid in range(5)))
    write(tmp_path, 1_000, *(playlist(pid, 2 * pid, 2 * pid + 1) for pid in range(1_000, 1_004)))
    whole = pages(tmp_path)
    assert len(whole) >= 4
    for number, page in enumerate(whole, start=1):
        assert items(pages(tmp_path, page.position)) == items(whole[number:])


def test_a_changed_slice_is_another_input(tmp_path: Path) -> None:
    before = source(write(tmp_path, 0, playlist(1, 1))).fingerprint
    assert source(tmp_path).fingerprint == before
    write(tmp_path, 0, playlist(1, 2))
    assert source(tmp_path).fingerprint != before


def test_a_folder_without_slices_says_what_to_give(tmp_path: Path) -> None:
    (tmp_path / "stats.txt").touch()
    with pytest.raises(InvalidInput, match=r"holds no mpd\.slice"):
        source(tmp_path)


@pytest.mark.parametrize("position", [{}, {"slice": "0", "playlists": 0}, {"slice": 5, "playlists": 0}, {"rows": 7}])
def test_a_position_of_something_else_is_refused(tmp_path: Path, position: dict[str, Any]) -> None:
    path = write(tmp_path, 0, playlist(1, 1))
    with pytest.raises(InvalidInput, match="--restart"):
        pages(path, position)
