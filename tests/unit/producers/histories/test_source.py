"""A history as a source: what it is, and page by page the same from wherever one goes on."""

from __future__ import annotations

import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producers.ingestion.contract import Page
from producers.reading.bounds import Bounds
from producers.sources.histories import spotify_extended
from segue.errors import InvalidInput, PostgresUnavailable
from tests.unit.producers.histories.made import (
    NOW,
    Catalogue,
    Read,
    archive,
    basic,
    json_lines,
    listen,
    read,
    source,
    stream,
    track,
)  # fmt: skip


def streams(count: int, songs: int = 500, since: int = 0) -> list[dict[str, Any]]:
    """Streams of three minutes and a bit, one after the other; the same for the same numbers."""
    began = datetime(2015, 1, 1, tzinfo=UTC)
    return [
        stream(
            ts=(began + timedelta(seconds=200 * n)).strftime("%Y-%m-%dT%H:%M:%SZ"), ms_played=180_000,
            spotify_track_uri=f"spotify:track:{n % songs:022d}", master_metadata_track_name=f"Song {n % songs}",
        )
        for n in range(since, since + count)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """13,000 streams in three files of which two overlap, with a broken row, a playlist and a library."""
    rows = [*streams(6_000), stream(ts="broken"), *streams(3_000, since=6_000)]
    library = {"tracks": [{"artist": "A", "album": "B", "track": "T", "uri": "spotify:track:" + "9" * 22}]}
    files = {
        "Streaming_History_Audio_1.json": rows,
        "Streaming_History_Audio_2.json": streams(4_000, since=8_000),
        "StreamingHistory0.json": [basic(trackName=f"Song {n}") for n in range(600)],
        "YourLibrary.json": library,
        "Userdata.json": {"username": "somebody"},
        "../evil.json": [],
    }
    return archive(tmp_path_factory.mktemp("export") / "my_spotify_data.zip", files)


def test_every_listen_is_told_once(export: Path) -> None:
    found = read(export)
    assert (len(found.events), len({event.event_id for event in found.events})) == (12_601, 12_601)
    assert found.skipped == ["duplicate"] * 1_000
    assert sorted(one.code for one in found.rejected) == ["invalid_time", "path_traversal"]


def test_every_track_is_told_once_and_before_its_first_listen(export: Path) -> None:
    found = read(export)
    told: set[str] = set()
    for page in source(export).pages(None):
        first = Read([page])
        told |= {made.track_id for made in first.tracks}
        assert {event.track_id for event in first.events} <= told
    assert len(found.tracks) == len(told) == 1_101


def test_pages_are_of_a_few_thousand_rows_and_read_all_bytes(export: Path) -> None:
    history = source(export)
    pages = list(history.pages(None))
    assert [len(page.items) + len(page.rejected) + len(page.skipped) >= 1_600 for page in pages] == [True] * 4
    assert sum(page.read for page in pages) == history.total()


def test_going_on_after_any_page_gives_exactly_the_rest(export: Path) -> None:
    pages = list(source(export).pages(None))
    for number, page in enumerate(pages, start=1):
        position = json.loads(json.dumps(page.position))
        assert list(source(export).pages(position)) == pages[number:]


def test_a_reading_that_was_left_and_begun_again_gives_the_same(export: Path) -> None:
    history = source(export)
    begun = history.pages(None)
    first = next(begun)
    assert next(history.pages(None)) == first
    begun.close()  # type: ignore[attr-defined]  # an iterator here is a generator


@pytest.mark.parametrize("position", [{"rows": -1}, {"rows": "3"}, {"offset": 3}])
def test_a_position_of_something_else_is_refused(export: Path, position: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="--restart"):
        source(export).pages(position)


def test_the_catalogue_is_asked_once_a_page_and_not_again_for_what_is_known(tmp_path: Path) -> None:
    known = Catalogue(track(1, "0" * 22, "Song 0", "X Ambassadors"))
    found = read(archive(tmp_path / "e.zip", {"Streaming_History_Audio_1.json": streams(12_000)}), known)
    assert (known.asked, len(found.tracks), len(found.events)) == (1, 499, 12_000)


def test_a_catalogue_that_is_away_ends_the_reading_where_it_can_go_on(tmp_path: Path) -> None:
    class Away(Catalogue):
        def find(self, track_ids: Any, keys: Any) -> Any:
            if self.asked == 1:
                raise PostgresUnavailable("gone")
            return super().find(track_ids, keys)

    path = archive(tmp_path / "e.zip", {"Streaming_History_Audio_1.json": streams(9_000, songs=9_000)})
    pages: list[Page] = []
    with pytest.raises(PostgresUnavailable):
        pages.extend(source(path, Away()).pages(None))
    assert len(pages) == 1
    rest = list(source(path).pages(pages[-1].position))
    assert len(Read(pages + rest).events) == 9_000


def test_a_folder_and_its_archive_tell_the_same_listens(tmp_path: Path) -> None:
    rows = streams(100)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "endsong_0.json").write_text(json.dumps(rows))
    folder = read(tmp_path / "folder")
    packed = read(archive(tmp_path / "e.zip", {"MyData/endsong_0.json": rows}))
    assert [event.event_id for event in folder.events] == [event.event_id for event in packed.events]


def test_another_listener_another_file_or_another_time_is_another_input(tmp_path: Path) -> None:
    from producers.ingestion.songs import EmptyCatalogue
    from producers.sources.histories.source import HistorySource

    path = archive(tmp_path / "e.zip", {"endsong_0.json": streams(10)})
    before = source(path).fingerprint
    assert source(path).fingerprint == before
    assert HistorySource(path, "bob", EmptyCatalogue(), Bounds(), now=NOW).fingerprint != before
    archive(path, {"endsong_0.json": streams(10, since=1)})
    assert source(path).fingerprint != before


def test_what_was_found_is_said(tmp_path: Path) -> None:
    files = {
        "Streaming_History_Audio_1.json": streams(1),
        "Streaming_History_Audio_2.json": json.dumps(streams(1)).encode("utf-16"),
        "StreamingHistory0.json": [basic()],
        "ReadMeFirst.pdf": b"%PDF-1.4",
    }
    history = source(archive(tmp_path / "my_spotify_data.zip", files))
    assert (history.name, history.label) == ("spotify-history", "my_spotify_data.zip")
    assert history.recognition.described() == [
        "Spotify's extended streaming history: 2 files",
        "streams of Spotify's account data: 1 file",
        "Streaming_History_Audio_2.json is read as utf-16-le",
        "other files, not looked into: 1",
    ]


def test_histories_of_several_services_in_one_folder_are_read_together(tmp_path: Path) -> None:
    (tmp_path / "endsong_0.json").write_text(json.dumps(streams(2)))
    (tmp_path / "5.jsonl").write_bytes(json_lines([listen()]))
    assert source(tmp_path).name == "spotify-listenbrainz-history"
    only = source(tmp_path, service="listenbrainz")
    assert (only.name, len(Read(list(only.pages(None))).events)) == ("listenbrainz-history", 1)


def test_what_is_no_history_is_said_to_be_none_with_reasons(tmp_path: Path) -> None:
    files = {
        "Userdata.json": {"username": "somebody", "country": "XX"}, "notes.txt": b"hello", "empty.json": b"",
        "photo.jpg": b"\xff\xd8\0\0", "list.json": [],
    }  # fmt: skip
    with pytest.raises(InvalidInput) as caught:
        source(archive(tmp_path / "data.zip", files))
    assert caught.value.code == "unknown_history"
    assert str(caught.value) == (
        "data.zip is not a history of Spotify, ListenBrainz or Last.fm: Userdata.json is JSON with country, username; empty.json "
        "is empty; list.json is JSON without listens; notes.txt is neither JSON nor a table of scrobbles; photo.jpg is no text. "
        "Give the export as it was downloaded, unpacked or not"
    )


def test_a_history_of_another_service_is_said_to_be_of_another(tmp_path: Path) -> None:
    path = archive(tmp_path / "e.zip", {"endsong_0.json": streams(1)})
    with pytest.raises(
        InvalidInput, match=r"is not a history of lastfm: endsong_0\.json is Spotify's extended streaming history"
    ):
        source(path, service="lastfm")


def test_a_known_file_whose_beginning_is_broken_is_told_not_passed_over(tmp_path: Path) -> None:
    files = {"Streaming_History_Audio_1.json": b'[{"ts" broken', "Streaming_History_Audio_2.json": streams(1)}
    found = read(archive(tmp_path / "e.zip", files))
    assert (len(found.events), found.refused) == (1, [("bad_json", "Streaming_History_Audio_1.json row 1")])


def test_one_broken_element_costs_itself_in_any_array(tmp_path: Path) -> None:
    rows = [json.dumps(row) for row in streams(6_000)]
    rows[3_000] = rows[3_000].replace(": 180000", ": 18x000")
    api = [json.dumps({"artist": {"#text": "A"}, "name": f"T{n}", "date": {"uts": str(1_715_269_693 + n)}}) for n in range(500)]
    api[20] = api[20][:-1]
    files = {
        "Streaming_History_Audio_1.json": f"[{', '.join(rows)}]".encode(),
        "api.json": f'{{"recenttracks": {{"track": [{", ".join(api)}]}}}}'.encode(),
    }
    found = read(archive(tmp_path / "e.zip", files))
    assert len(found.events) == 5_999 + 499
    assert found.refused == [("bad_json", "Streaming_History_Audio_1.json row 3,001"), ("bad_json", "api.json row 21")]


def test_a_folder_of_thousands_of_files_is_read(tmp_path: Path) -> None:
    for number in range(3_000):
        (tmp_path / f"{number}.jsonl").write_bytes(json_lines([listen(listened_at=1_715_269_693 + number)]))
    found = read(tmp_path)
    assert (len(found.events), found.rejected) == (3_000, [])


def peak_of(path: Path) -> int:
    """The most bytes that reading all pages takes at once."""
    tracemalloc.start()
    try:
        for _ in source(path).pages(None):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_more_listens_take_the_same_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is remembered is bounded; here it is full after a page already.
    monkeypatch.setattr(spotify_extended, "MINUTES_REMEMBERED", 500)
    small = archive(tmp_path / "small.zip", {"Streaming_History_Audio_1.json": streams(8_000)})
    large = archive(tmp_path / "large.zip", {"Streaming_History_Audio_1.json": streams(20_000)})
    assert peak_of(large) < peak_of(small) + 1_500_000


WHOLE = json.dumps(streams(40), indent=2).encode()
LINES = json_lines([listen(listened_at=1_715_269_693 + n) for n in range(40)])
TABLE = b"uts,artist,album,track\n" + b"".join(b"%d,Artist,Album,Track %d\n" % (1_715_269_693 + n, n) for n in range(40))
FILES = {"Streaming_History_Audio_1.json": WHOLE, "listens/2024/5.jsonl": LINES, "s.csv": TABLE}
no_reset = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def survives(path: Path) -> list[Any]:
    """The events of a path whose bytes may be anything: nothing but the named errors is raised."""
    try:
        return read(path).events
    except InvalidInput:
        return []


@no_reset
@given(st.sampled_from(sorted(FILES)), st.data())
def test_whatever_is_cut_off_what_comes_before_is_kept(tmp_path: Path, name: str, data: st.DataObject) -> None:
    content = FILES[name]
    cut = data.draw(st.integers(0, len(content)))
    path = tmp_path / "cut" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    whole = read(path).events
    path.write_bytes(content[:cut])
    kept = survives(path)
    complete = (
        content[:cut].count(b"}, \n  {") if name.endswith("json") else max(0, content[:cut].count(b"\n") - name.endswith("csv"))
    )
    assert kept[:complete] == whole[:complete]
    assert len(kept) >= complete


@no_reset
@given(st.sampled_from(sorted(FILES)), st.integers(0, 10**6), st.integers(1, 255))
def test_whatever_bit_is_flipped_nothing_but_named_errors_is_raised(tmp_path: Path, name: str, at: int, flip: int) -> None:
    content = bytearray(FILES[name])
    content[at % len(content)] ^= flip
    path = tmp_path / "flipped" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    survives(path)


@no_reset
@given(st.integers(0, 10**6), st.integers(1, 255))
def test_whatever_bit_of_an_archive_is_flipped_nothing_but_named_errors_is_raised(tmp_path: Path, at: int, flip: int) -> None:
    path = archive(tmp_path / "e.zip", FILES)
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= flip
    path.write_bytes(content)
    survives(path)


@no_reset
@given(st.integers(0, 10**6))
def test_an_archive_that_was_cut_is_named(tmp_path: Path, cut: int) -> None:
    path = archive(tmp_path / "e.zip", FILES)
    content = path.read_bytes()
    path.write_bytes(content[: cut % len(content)])
    assert survives(path) == []


@no_reset
@given(st.binary(max_size=500), st.sampled_from(["x.json", "endsong_0.json", "x.jsonl", "feedback.jsonl", "x.csv", "x.zip"]))
def test_no_bytes_raise_anything_but_named_errors(tmp_path: Path, content: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    survives(path)
