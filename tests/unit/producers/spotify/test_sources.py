"""What each source reads of an account, for each kind of application, and that stopping anywhere repeats no request."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from producers.ingestion.contract import Page
from producers.spotify.library import SavedTracks, saved_in
from producers.spotify.playlists import Playlists, seen_in
from producers.spotify.references import Reference, References
from producers.spotify.session import open_session
from segue.errors import LoginNeeded, NotAllowed, Postponed, SpotifyUnavailable
from segue.events import CatalogueTrack
from tests.fakes.spotify import EXT, EXT_WITH_FEATURES, NEW_DEV, OLD_DEV, AppKind, FakePlaylist, FakeSpotify, Reply
from tests.fakes.spotify.library import spotify_id
from tests.unit.producers.spotify.conftest import START_S, FakeClock, log_in, settings_for
from tests.unit.producers.spotify.made import (
    MINE,
    OTHERS,
    SOURCES,
    MakeSource,
    events_in,
    items_in,
    library,
    named,
    nothing_known,
    playlists,
    playlists_in,
    recent,
    rejected_in,
    saved,
    search,
    skipped_in,
    top,
    tracks_in,
)

KINDS = (NEW_DEV, OLD_DEV, EXT, EXT_WITH_FEATURES)


def read(folder: Path, make: MakeSource, kind: AppKind = NEW_DEV) -> tuple[list[Page], FakeSpotify]:
    with FakeSpotify(kind, library()) as spotify:
        settings = settings_for(spotify, folder)
        log_in(spotify, settings)
        with open_session(settings, FakeClock()) as session:
            return list(make(session).pages(None)), spotify


def test_a_track_is_all_that_spotify_says_of_it(tmp_path: Path) -> None:
    pages, _ = read(tmp_path, saved, EXT)
    assert tracks_in(pages)[6] == CatalogueTrack(
        track_id="track00000000000000006", name="Song 6", artists=("Artist 1", "Artist 9"), album="Album 0",
        album_id="album00000000000000000", released="1990-05-01", duration_ms=180_006, explicit=False, popularity=6,
        source="spotify", fetched_at=datetime.fromtimestamp(START_S, UTC),
    )  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_saved_tracks_are_liked_when_they_were_saved(tmp_path: Path, kind: AppKind) -> None:
    pages, _ = read(tmp_path, saved, kind)
    likes = events_in(pages)
    assert [like.track_id for like in likes] == [spotify_id("track", number) for number in range(120)]
    assert {like.type for like in likes} == {"like"}
    assert likes[10].occurred_at == datetime(2026, 1, 27, 12, tzinfo=UTC)
    assert (likes[0].user_id, likes[0].source) == ("me", "spotify")


@pytest.mark.parametrize("make", SOURCES)
def test_reading_twice_brings_the_same_events(tmp_path: Path, make: MakeSource) -> None:
    once, _ = read(tmp_path / "a", make)
    again, _ = read(tmp_path / "b", make)
    assert [event.event_id for event in events_in(once)] == [event.event_id for event in events_in(again)]


@pytest.mark.parametrize(("kind", "owned"), [(NEW_DEV, [70]), (OLD_DEV, [70, 2]), (EXT, [70, 2])])
def test_playlists_are_read_by_the_road_that_is_open(tmp_path: Path, kind: AppKind, owned: list[int]) -> None:
    pages, _ = read(tmp_path, playlists, kind)
    found = playlists_in(pages)
    assert [len(playlist.track_ids) for playlist in found] == owned
    assert (found[0].name, found[0].owner_id, found[0].public, found[0].source) == ("Mine", "me", False, "spotify")
    assert skipped_in(pages) == ["removed", "local_file", "podcast"]


def test_playlists_that_may_not_be_read_are_told(tmp_path: Path) -> None:
    pages, _ = read(tmp_path, playlists)
    assert [(one.code, one.where) for page in pages for one in page.rejected] == [
        ("metadata_only", f"playlist {OTHERS}"), ("playlist_missing", "playlist list000000000000000002"),
    ]  # fmt: skip


def test_the_closed_road_is_tried_once_only(tmp_path: Path) -> None:
    with FakeSpotify(NEW_DEV, library()) as spotify:
        spotify.library.account.playlists += [FakePlaylist(spotify_id("more", n), "More", "other", [n]) for n in range(3)]
        settings = settings_for(spotify, tmp_path)
        log_in(spotify, settings)
        with open_session(settings, FakeClock()) as session:
            list(playlists(session).pages(None))
    assert [path for path in spotify.paths if path.endswith("/tracks")] == [f"playlists/{OTHERS}/tracks"]


def test_top_tracks_are_a_playlist_of_each_span(tmp_path: Path) -> None:
    pages, _ = read(tmp_path, top)
    assert [(one.name, len(one.track_ids)) for one in playlists_in(pages)] == [
        ("Top tracks, 4 weeks", 60),
        ("Top tracks, 1 year", 1),
    ]
    assert len(tracks_in(pages)) == 61


def test_recent_plays_are_plays(tmp_path: Path) -> None:
    pages, spotify = read(tmp_path, recent)
    assert [(event.type, event.track_id, event.occurred_at) for event in events_in(pages)] == [
        ("play", spotify_id("track", 1), datetime(2026, 11, 26, 6, 0, 0, 123_000, tzinfo=UTC)),
        ("play", spotify_id("track", 2), datetime(2026, 11, 26, 5, 56, tzinfo=UTC)),
    ]
    assert spotify.paths == ["me/player/recently-played", "audio-features"]


@pytest.mark.parametrize(("kind", "limits"), [(NEW_DEV, ["25", "10", "10", "5"]), (OLD_DEV, ["25"]), (EXT, ["25"])])
def test_a_search_asks_for_as_much_at_once_as_it_may(tmp_path: Path, kind: AppKind, limits: list[str]) -> None:
    pages, spotify = read(tmp_path, search, kind)
    assert [track.name for track in tracks_in(pages)[:25]] == [f"Song {number}" for number in range(25)]
    assert [asked.query["limit"] for asked in spotify.asked if asked.path == "search"] == limits


def test_the_small_limit_is_remembered(tmp_path: Path) -> None:
    with FakeSpotify(NEW_DEV, library()) as spotify:
        settings = settings_for(spotify, tmp_path)
        log_in(spotify, settings)
        for _ in range(2):
            with open_session(settings, FakeClock()) as session:
                list(search(session).pages(None))
    assert [asked.query["limit"] for asked in spotify.asked if asked.path == "search"].count("25") == 1


@pytest.mark.parametrize("kind", KINDS)
def test_tracks_albums_artists_and_playlists_are_read_by_id(tmp_path: Path, kind: AppKind) -> None:
    pages, _ = read(tmp_path, named, kind)
    names = {track.track_id: track for track in tracks_in(pages)}
    assert {spotify_id("track", number) for number in (5, 6, *range(30, 40), *range(20, 30), 929)} <= set(names)
    assert names[spotify_id("track", 31)].album == "Album 3"
    assert names[spotify_id("track", 929)].genres == (("dream pop",) if kind.full else ())
    assert rejected_in(pages) == ["track_missing"]
    assert [playlist.name for playlist in playlists_in(pages)] == ["Mine"]


@pytest.mark.parametrize(("kind", "paths"), [(EXT, ["tracks"]), (NEW_DEV, ["tracks", *("tracks/{}",) * 3])])
def test_ids_are_asked_for_at_once_where_that_is_allowed(tmp_path: Path, kind: AppKind, paths: list[str]) -> None:
    _, spotify = read(tmp_path, named, kind)
    numbers = iter((5, 6, 999_999))
    expected = [path if path == "tracks" else path.format(spotify_id("track", next(numbers))) for path in paths]
    assert [path for path in spotify.paths if path.startswith("tracks")] == expected


@pytest.mark.parametrize(("kind", "batches", "singly"), [(EXT, 1, 1), (NEW_DEV, 0, 11)])
def test_an_artists_albums_are_read_at_once_where_that_is_allowed(
    tmp_path: Path, kind: AppKind, batches: int, singly: int
) -> None:
    pages, spotify = read(tmp_path, named, kind)
    assert spotify.paths.count("albums") == batches
    assert len([path for path in spotify.paths if path.startswith("albums/")]) == singly
    of_artist = {spotify_id("track", album * 10 + number) for album in range(2, 100, 10) for number in range(10)}
    assert of_artist <= {track.track_id for track in tracks_in(pages)}


def test_a_long_album_is_read_to_its_end(spotify: FakeSpotify, tmp_path: Path) -> None:
    settings = settings_for(spotify, tmp_path)
    log_in(spotify, settings)
    tracks = [{"id": f"t{number}", "name": "Part", "artists": [{"name": "A"}]} for number in range(70)]
    first = {"id": "x", "name": "Long", "tracks": {"items": tracks[:50], "next": "http://elsewhere"}}
    album_id = spotify_id("album", 1)
    spotify.fault(f"albums/{album_id}/tracks", Reply(200, {"items": tracks[50:], "next": None}))
    spotify.fault(f"albums/{album_id}", Reply(200, first))
    with open_session(settings, FakeClock()) as session:
        pages = list(References(session, [Reference("album", album_id)], None, nothing_known).pages(None))
    assert [(track.track_id, track.album) for track in tracks_in(pages)] == [(f"t{number}", "Long") for number in range(70)]


def test_features_are_added_where_the_application_may_have_them(tmp_path: Path) -> None:
    pages, spotify = read(tmp_path, saved, EXT_WITH_FEATURES)
    last = {track.track_id: track for track in tracks_in(pages)}
    assert {track.features.tempo for track in last.values() if track.features} == {120.0}
    assert all(track.features for track in last.values())
    assert spotify.paths.count("audio-features") == 2


def test_features_that_are_closed_are_asked_for_once(tmp_path: Path) -> None:
    pages, spotify = read(tmp_path, saved, EXT)
    assert spotify.paths.count("audio-features") == 1
    assert not any(track.features for track in tracks_in(pages))


def test_every_question_about_the_catalogue_names_the_market(tmp_path: Path) -> None:
    for make in SOURCES:
        _, spotify = read(tmp_path / make.__name__, make, EXT)
        for asked in spotify.asked:
            of_person = asked.path.startswith("me/") and asked.path != "me/tracks"
            without = (
                of_person or asked.path == "audio-features" or (asked.path.count("/") == 1 and asked.path.startswith("artists"))
            )
            assert without or "DE" in (asked.query.get("market"), asked.query.get("country")), asked


@pytest.mark.parametrize("make", SOURCES)
@pytest.mark.parametrize("kind", [NEW_DEV, EXT_WITH_FEATURES])
def test_stopped_at_any_request_it_goes_on_and_asks_nothing_twice(tmp_path: Path, make: MakeSource, kind: AppKind) -> None:
    whole, _ = read(tmp_path / "whole", make, kind)
    with FakeSpotify(kind, library()) as spotify:
        settings, clock = settings_for(spotify, tmp_path), FakeClock()
        log_in(spotify, settings)
        pages: list[Page] = []
        position, stops = None, 0
        finished = False
        while not finished:
            with open_session(settings, clock) as session:
                spotify.stop_after(1)
                try:
                    for page in make(session).pages(position):
                        pages.append(page)
                        position = page.position
                    finished = True
                except Postponed:
                    stops += 1
                    clock.at_s += 50_000
                finally:
                    spotify.go_on()
    assert stops == len(spotify.answered) - 1
    assert without_times(pages) == without_times(whole)
    answered = [(asked.path, tuple(sorted(asked.query.items()))) for asked in spotify.answered]
    assert len(answered) == len(set(answered))


def without_times(pages: list[Page]) -> list[object]:
    return [(item.track_id, item.name, item.features) if isinstance(item, CatalogueTrack) else item for item in items_in(pages)]


def test_a_playlist_that_has_not_changed_is_not_read_again(tmp_path: Path) -> None:
    with FakeSpotify(NEW_DEV, library()) as spotify:
        settings, clock = settings_for(spotify, tmp_path), FakeClock()
        log_in(spotify, settings)
        with open_session(settings, clock) as session:
            first = list(playlists(session).pages(None))
            seen = seen_in(first[-1].position)
            spotify.library.account.playlists.append(FakePlaylist(spotify_id("new", 0), "New", "wizzler", [7]))
            before = len(spotify.asked)
            second = list(Playlists(session, "me", nothing_known, seen, fresh_s=86_400.0).pages(None))
            assert spotify.paths[before:] == ["me/playlists", f"playlists/{spotify_id('new', 0)}/items"]
            assert skipped_in(second) == ["unchanged_playlist"] * 3
            spotify.library.account.playlists[0].snapshot = "s2"
            third = list(Playlists(session, "me", nothing_known, seen_in(second[-1].position), fresh_s=86_400.0).pages(None))
    assert [playlist.name for playlist in playlists_in(third)] == ["Mine"]


def test_an_unchanged_playlist_is_read_again_before_it_is_too_old(tmp_path: Path) -> None:
    with FakeSpotify(NEW_DEV, library()) as spotify:
        settings, clock = settings_for(spotify, tmp_path), FakeClock()
        log_in(spotify, settings)
        with open_session(settings, clock) as session:
            seen = seen_in(list(playlists(session).pages(None))[-1].position)
            clock.at_s += 86_401
            again = list(Playlists(session, "me", nothing_known, seen, fresh_s=86_400.0).pages(None))
    assert MINE in {playlist.playlist_id.split(".")[0] for playlist in playlists_in(again)}


def test_a_track_that_somebody_else_described_keeps_that_description(tmp_path: Path) -> None:
    with FakeSpotify(NEW_DEV, library()) as spotify:
        settings = settings_for(spotify, tmp_path)
        log_in(spotify, settings)
        with open_session(settings, FakeClock()) as session:
            known = SavedTracks(session, "me", lambda ids: set(ids) - {spotify_id("track", 3)}, None, 1.0)
            pages = list(known.pages(None))
    assert [track.name for track in tracks_in(pages)] == ["Song 3"]
    assert len(events_in(pages)) == 120
    assert skipped_in(pages) == ["known"] * 119


def test_saved_tracks_that_are_removed_meanwhile_hide_no_others(tmp_path: Path) -> None:
    with FakeSpotify(NEW_DEV, library()) as spotify:
        settings = settings_for(spotify, tmp_path)
        log_in(spotify, settings)
        with open_session(settings, FakeClock()) as session:
            pages = []
            for page in saved(session).pages(None):
                pages.append(page)
                if len(pages) == 1:
                    del spotify.library.account.saved[10:20]
    assert {like.track_id for like in events_in(pages)} == {spotify_id("track", number) for number in range(120)}


@pytest.mark.parametrize(("new", "offsets"), [(0, ["0"]), (1, ["0"]), (60, ["0", "50"])])
def test_what_an_earlier_run_read_of_the_saved_tracks_is_not_read_again(tmp_path: Path, new: int, offsets: list[str]) -> None:
    with FakeSpotify(NEW_DEV, library()) as spotify:
        settings = settings_for(spotify, tmp_path)
        log_in(spotify, settings)
        with open_session(settings, FakeClock()) as session:
            earlier = saved_in(list(saved(session).pages(None))[-1].position)
            spotify.library.account.saved[:0] = [(500 + number, "2026-02-01T12:00:00Z") for number in range(new)]
            before = len(spotify.asked)
            pages = list(SavedTracks(session, "me", nothing_known, earlier, fresh_s=86_400.0).pages(None))
            last = saved_in(pages[-1].position)
    assert [asked.query["offset"] for asked in spotify.asked[before:]] == offsets
    liked = {like.track_id for like in events_in(pages)}
    assert {spotify_id("track", 500 + number) for number in range(new)} <= liked
    assert last is not None
    assert last.newest == ("2026-02-01T12:00:00Z" if new else "2026-01-28T12:00:00Z")


def test_all_saved_tracks_are_read_again_before_they_are_too_old(tmp_path: Path) -> None:
    with FakeSpotify(NEW_DEV, library()) as spotify:
        settings, clock = settings_for(spotify, tmp_path), FakeClock()
        log_in(spotify, settings)
        with open_session(settings, clock) as session:
            earlier = saved_in(list(saved(session).pages(None))[-1].position)
            clock.at_s += 86_401
            pages = list(SavedTracks(session, "me", nothing_known, earlier, fresh_s=86_400.0).pages(None))
    assert len(events_in(pages)) == 120


@pytest.mark.parametrize("body", [{}, {"items": None}, {"items": {"a": 1}}])
def test_an_answer_that_is_not_as_documented_is_named(spotify: FakeSpotify, tmp_path: Path, body: object) -> None:
    settings = settings_for(spotify, tmp_path)
    log_in(spotify, settings)
    spotify.fault("me/tracks", Reply(200, body), times=3)
    with open_session(settings, FakeClock()) as session, pytest.raises(SpotifyUnavailable, match="has no items"):
        list(saved(session).pages(None))


def test_entries_that_are_not_as_documented_are_told_and_the_rest_is_kept(spotify: FakeSpotify, tmp_path: Path) -> None:
    settings = settings_for(spotify, tmp_path)
    log_in(spotify, settings)
    good = {"id": "t1", "name": "Good", "artists": [{"name": "A"}, None]}
    entries = [
        None, {}, 7, {"track": "text"}, {"track": {"id": 5}}, {"track": good | {"id": None}, "added_at": "2026-01-01T00:00:00Z"},
        {"track": good | {"name": ""}}, {"track": good, "added_at": None}, {"track": good, "added_at": "2026-01-01T00:00:00Z"},
    ]  # fmt: skip
    spotify.fault("me/tracks", Reply(200, {"items": entries, "next": None, "total": 9}))
    with open_session(settings, FakeClock()) as session:
        (page, *_) = list(saved(session).pages(None))
    assert [one.code for one in page.rejected] == ["bad_track", "bad_track", "no_id", "bad_time"]
    assert [one.code for one in page.skipped] == ["removed", "removed", "removed", "unavailable"]
    assert [event.track_id for event in events_in([page])] == ["t1"]
    assert page.read == 9


def test_a_refusal_of_the_whole_application_ends_the_run(spotify: FakeSpotify, tmp_path: Path) -> None:
    settings = settings_for(spotify, tmp_path)
    log_in(spotify, settings)
    spotify.library.account = library().account
    spotify.fault("playlists/", Reply(403, "Active premium subscription required for the owner of the app."))
    with open_session(settings, FakeClock()) as session, pytest.raises(NotAllowed, match="Premium"):
        list(playlists(session).pages(None))


def test_a_login_that_ends_during_a_run_is_said_and_the_run_goes_on_after_a_new_one(tmp_path: Path) -> None:
    with FakeSpotify(NEW_DEV, library()) as spotify:
        settings = settings_for(spotify, tmp_path)
        log_in(spotify, settings)
        with open_session(settings, FakeClock()) as session:
            reading = saved(session).pages(None)
            first = next(reading)
            spotify.accounts.revoke()
            with pytest.raises(LoginNeeded):
                list(reading)
        log_in(spotify, settings)
        with open_session(settings, FakeClock()) as session:
            rest = list(saved(session).pages(first.position))
    assert len(events_in([first, *rest])) == 120
