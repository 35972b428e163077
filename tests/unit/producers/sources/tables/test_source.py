"""Tables as sources: listens, tracks, mixed-up columns, broken rows, going on."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.ingestion.contract import Item, Page
from producers.ingestion.pages import checked
from producers.reading.bounds import Bounds
from producers.sources.tables import source as module
from producers.sources.tables.columns import Kind
from producers.sources.tables.source import TableSource
from segue.errors import InvalidFile, InvalidInput
from segue.events import CatalogueTrack, ListeningEvent
from segue.songs import Song, listen_id
from tests.unit.producers.ingestion.fakes import Catalogue, named

NOW = datetime(2026, 11, 26, tzinfo=UTC)
HEADER = ("ts", "track", "artist", "ms_played")
HEARD = datetime(2024, 5, 9, 15, 48, 14, tzinfo=UTC)
WALTZ = ("2024-05-09T15:48:14Z", "Waltz", "Otters", "200000")


def write(path: Path, rows: Iterable[Sequence[str]], header: Sequence[str] = HEADER) -> Path:
    with (path / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path / "table.csv"


def open_source(
    path: Path, kind: Kind = "listens", listener: str | None = "alice", songs: Catalogue | None = None, **asked: str
) -> TableSource:
    return TableSource(path, kind, asked, listener, songs or Catalogue(), Bounds(), now=NOW)


def items(pages: Iterable[Page]) -> list[Item]:
    return [item for page in pages for item in page.items]


def listens(source: TableSource) -> list[ListeningEvent]:
    return [item for item in items(source.pages(None)) if isinstance(item, ListeningEvent)]


def test_a_listen_of_an_unknown_song_comes_behind_its_new_track(tmp_path: Path) -> None:
    (page,) = open_source(write(tmp_path, [WALTZ])).pages(None)
    song = Song("Waltz", "Otters")
    assert page.items == [
        CatalogueTrack(track_id=song.derived_id, name="Waltz", artists=("Otters",), source="table"),
        ListeningEvent(
            event_id=listen_id("alice", 1_715_269_694, song), type="play", user_id="alice", track_id=song.derived_id,
            occurred_at=HEARD, ms_played=200_000, source="table",
        ),
    ]  # fmt: skip
    assert (page.read, page.position) == (1, {"rows": 1})


def test_a_song_of_the_catalogue_is_found_whatever_accents_and_case(tmp_path: Path) -> None:
    catalogue = Catalogue(tracks=[named("t1", "Café Waltz (Remastered)", "The Ötters")])
    (event,) = items(open_source(write(tmp_path, [(WALTZ[0], "cafe waltz", "THE OTTERS", "")]), songs=catalogue).pages(None))
    assert isinstance(event, ListeningEvent)
    assert event.track_id == "t1"


def test_an_id_says_which_track_it_is(tmp_path: Path) -> None:
    path = write(tmp_path, [("1715269694", "spotify:track:0fYVliAYKHuPmECRs1pbRf"), ("1715269695", "x-1")], ("ts", "uri"))
    assert [(one.track_id, one.occurred_at.second) for one in listens(open_source(path))] == [
        ("0fYVliAYKHuPmECRs1pbRf", 14), ("x-1", 15),
    ]  # fmt: skip


def test_seconds_played_skips_and_listeners_are_read(tmp_path: Path) -> None:
    rows = [("1715269694000", "Waltz", "Otters", "alice", "12.5", "TRUE"), ("1715269695000", "March", "Foxes", "bob", "200", "0")]
    path = write(tmp_path, rows, ("ts", "track", "artist", "user", "seconds_played", "skipped"))
    assert [(one.user_id, one.type, one.ms_played) for one in listens(open_source(path, listener=None))] == [
        ("alice", "skip", 12_500), ("bob", "play", 200_000),
    ]  # fmt: skip


def test_the_same_listen_twice_counts_once(tmp_path: Path) -> None:
    (page,) = open_source(write(tmp_path, [WALTZ, WALTZ, ("2024-05-09T15:48:15Z", *WALTZ[1:])])).pages(None)
    assert sum(isinstance(one, ListeningEvent) for one in page.items) == 2
    assert [one.code for one in page.skipped] == ["duplicate"]


def test_a_new_track_is_published_once_in_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE_ROWS", 2)
    rows = [(f"2024-05-09T15:48:{second:02}Z", *WALTZ[1:]) for second in range(6)]
    found = items(open_source(write(tmp_path, rows)).pages(None))
    assert sum(isinstance(one, CatalogueTrack) for one in found) == 1


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (("never", "Waltz", "Otters", ""), "bad_time"),
        (("", "Waltz", "Otters", ""), "no_time"),
        (("1999-05-09T15:48:14Z", "Waltz", "Otters", ""), "bad_time"),
        (("2027-05-09T15:48:14Z", "Waltz", "Otters", ""), "bad_time"),
        ((WALTZ[0], "", "Otters", ""), "no_title"),
        ((WALTZ[0], "Waltz", "", ""), "no_artist"),
        ((WALTZ[0], "Waltz", "Otters", "-5"), "bad_number"),
        ((WALTZ[0], "Waltz", "Otters", "long"), "bad_number"),
        ((WALTZ[0], "W" * 1_001, "Otters", ""), "text_too_long"),
        ((WALTZ[0], "W\x00", "Otters", ""), "invalid_text"),
        ((WALTZ[0], "Waltz"), "wrong_columns"),
    ],
)
def test_a_broken_row_is_rejected_with_its_line_and_the_rest_is_kept(tmp_path: Path, row: tuple[str, ...], code: str) -> None:
    (page,) = open_source(write(tmp_path, [WALTZ, row, ("2024-05-10T15:48:14Z", *WALTZ[1:])])).pages(None)
    assert [(one.code, one.where) for one in page.rejected] == [(code, "table.csv, line 3")]
    assert sum(isinstance(one, ListeningEvent) for one in page.items) == 2
    assert page.read == 3


def test_going_on_after_any_page_gives_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE_ROWS", 3)
    rows = [(f"2024-05-09T15:48:{second:02}Z", f"Waltz {second % 4}" if second % 5 else "", "Otters", "") for second in range(20)]
    path = write(tmp_path, rows)
    whole = list(open_source(path).pages(None))
    assert len(whole) == 7
    for number, page in enumerate(whole, start=1):
        rest = list(open_source(path).pages(page.position))
        assert [one.rejected for one in rest] == [one.rejected for one in whole[number:]]
        assert [one for one in items(rest) if isinstance(one, ListeningEvent)] == [
            one for one in items(whole[number:]) if isinstance(one, ListeningEvent)
        ]


def test_what_comes_before_the_damage_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.write_text('[{"ts": "2024-05-09T15:48:14Z", "track": "Waltz", "artist": "Otters"}, {"ts": ')
    (page,) = open_source(path).pages(None)
    assert sum(isinstance(one, ListeningEvent) for one in page.items) == 1
    assert [(one.code, one.where) for one in page.rejected] == [("bad_json", "table.json")]


def test_a_file_that_cannot_be_read_is_an_error_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.write_text("[nothing")
    with pytest.raises(InvalidFile, match=r"^table\.json is no JSON|no column"):
        open_source(path)


MIXED = [(f"2024-05-{day:02}T10:00:00Z", f"Waltz {day}", f"Otters {day}", str(100_000 + day)) for day in range(1, 21)]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            {"time": "track", "track": "artist", "artist": "ts"},
            "column track, taken for time, holds what is no time, such as 'Waltz 1': --map time=ts",
        ),
        ({"track": "ts", "time": "ts"}, "column ts, taken for track, holds times"),
        ({"artist": "ms_played"}, "column ms_played, taken for artist, holds numbers"),
        (
            {"ms_played": "track", "track": "artist", "artist": "ms_played"},
            "column track, taken for ms_played, holds what is no number within 0..86,400,000, such as 'Waltz 1'",
        ),
    ],
)
def test_columns_that_hold_something_else_are_named(tmp_path: Path, asked: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(said)):
        TableSource(write(tmp_path, MIXED), "listens", asked, "alice", Catalogue(), Bounds(), now=NOW)


def test_a_time_in_milliseconds_is_no_duration(tmp_path: Path) -> None:
    rows = [(ts, track, artist, "1715269694000") for ts, track, artist, _ in MIXED]
    with pytest.raises(InvalidInput, match="column ms_played, taken for ms_played, holds what is no number"):
        open_source(write(tmp_path, rows))


def test_the_catalogue_tells_titles_from_artists(tmp_path: Path) -> None:
    catalogue = Catalogue(tracks=[named(f"t{day}", f"Waltz {day}", f"Otters {day}") for day in range(1, 21)])
    path = write(tmp_path, MIXED)
    with pytest.raises(InvalidInput, match=re.escape("--map track=track --map artist=artist")):
        open_source(path, songs=catalogue, track="artist", artist="track")
    assert len(listens(open_source(path, songs=catalogue))) == 20


def test_titles_that_are_numbers_are_titles_where_some_are_not(tmp_path: Path) -> None:
    rows = [(ts, track if number % 4 == 0 else str(number), artist, ms) for number, (ts, track, artist, ms) in enumerate(MIXED)]
    assert len(listens(open_source(write(tmp_path, rows)))) == 20


def test_what_the_columns_are_taken_for_is_said(tmp_path: Path) -> None:
    rows = [("2024-05-09 15:48:14", "Waltz", "Otters", "", "x")]
    assert open_source(write(tmp_path, rows, (*HEADER, "mood"))).notes == [
        "columns: time=ts, track=track, artist=artist, ms_played=ms_played".replace(
            "time=ts, track=track, artist=artist", "track=track, artist=artist, time=ts"
        ),
        "times of ts: ISO 8601, UTC where no zone is said",
        "not used: mood",
    ]


def test_other_columns_or_another_listener_are_another_import(tmp_path: Path) -> None:
    path = write(tmp_path, [(*row[:3], f"Postcards {row[3]}") for row in MIXED], ("ts", "track", "artist", "album"))
    prints = {
        open_source(path).fingerprint, open_source(path).fingerprint, open_source(path, listener="bob").fingerprint,
        open_source(path, track="album", album="track").fingerprint,
    }  # fmt: skip
    assert len(prints) == 3


CELL = st.text(max_size=12) | st.sampled_from(
    ["1715269694", "2024-05-09", "-1", "1e400", "NA", "nan", "[1]", '["a"]', "x" * 1_001]
)


@given(st.lists(st.tuples(CELL, CELL, CELL, CELL), max_size=20))
def test_whatever_stands_in_cells_each_row_is_a_listen_rejected_or_a_double(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]]
) -> None:
    path = write(tmp_path_factory.getbasetemp(), [WALTZ] * len(rows) + [WALTZ, *rows])
    try:
        (page,) = open_source(path).pages(None)
    except InvalidInput:
        return
    sorted_out = checked(page, NOW)
    assert len(sorted_out.kinds["listens"]) + len(sorted_out.rejected) + sum(sorted_out.skipped.values()) == page.read


TRACKS = ("id", "name", "artists", "year", "popularity", "genres")


def test_rows_of_tracks_replace_those_of_their_ids(tmp_path: Path) -> None:
    rows = [("t1", "Waltz", '["Otters", "Foxes"]', "2019", "66", "pop"), ("t1", "Waltz II", "Otters", "", "", "")]
    (page,) = open_source(write(tmp_path, rows, TRACKS), "tracks", None, track_id="id").pages(None)
    assert page.items == [CatalogueTrack(track_id="t1", name="Waltz II", artists=("Otters",), source="table")]
    assert [one.code for one in page.skipped] == ["duplicate"]


def test_a_list_of_artists_is_several(tmp_path: Path) -> None:
    rows = [("t1", "Waltz", '["Otters", "Foxes"]', "2019", "66", "pop")]
    (page,) = open_source(write(tmp_path, rows, TRACKS), "tracks", None, track_id="id").pages(None)
    assert page.items == [
        CatalogueTrack(
            track_id="t1", name="Waltz", artists=("Otters", "Foxes"), released="2019", popularity=66, genres=("pop",),
            source="table",
        )
    ]  # fmt: skip


def test_tracks_without_ids_are_made_unless_the_catalogue_knows_the_song(tmp_path: Path) -> None:
    catalogue = Catalogue(tracks=[named("t1", "Waltz", "Otters")])
    rows = [("Waltz", "Otters"), ("March", "Foxes")]
    (page,) = open_source(write(tmp_path, rows, ("title", "artist")), "tracks", None, catalogue).pages(None)
    assert [one.track_id for one in page.items if isinstance(one, CatalogueTrack)] == [Song("March", "Foxes").derived_id]
    assert [one.code for one in page.skipped] == ["known"]


@pytest.mark.parametrize("position", [{}, {"rows": -1}, {"rows": "3"}, {"slice": 0}])
def test_a_position_of_something_else_is_refused(tmp_path: Path, position: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="--restart"):
        list(open_source(write(tmp_path, [WALTZ])).pages(position))
