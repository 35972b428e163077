"""`segue ingest spotify` from a made-up Spotify through real Kafka and processors into Postgres, and out of it again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.local.stack import LocalStack
from producers.commands import ingest
from producers.ingestion.importing import open_jobs
from producers.publisher import open_publisher
from producers.spotify.login import TokenFile, spotify_folder
from segue.errors import LoginNeeded
from segue.events import CatalogueTrack, PlaylistRecord
from segue.settings import Settings, load_settings
from segue.stores.postgres.database import Database
from segue.topics import CATALOGUE, PLAYLISTS
from tests.fakes.spotify import Account, FakePlaylist, FakeSpotify, Library, Reply
from tests.fakes.spotify.library import spotify_id

pytestmark = pytest.mark.stack

WaitUntil = Callable[..., None]


@pytest.fixture
def spotify(processor: LocalStack, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSpotify]:
    """A made-up Spotify of this test's own, where somebody is logged in; the state directory too, but not the servers."""
    account = Account(
        saved=[(number, "2026-01-28T12:00:00Z") for number in range(70)], top={"short_term": [1, 2]},
        recent=[(100, "2026-11-20T06:00:00Z")], playlists=[FakePlaylist(spotify_id("list", 1), "Mine", "wizzler", [5, 200])],
    )  # fmt: skip
    with FakeSpotify(library=Library(account=account)) as running:
        changed = running.environment | {"SEGUE_SPOTIFY_REQUESTS_PER_S": "20", "SEGUE_STATE_DIR": str(tmp_path / "state")}
        for name, value in (processor.environment | changed).items():
            monkeypatch.setenv(name, value)
        TokenFile(spotify_folder(load_settings())).save_token_to_cache(running.accounts.log_in())
        yield running


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(ingest, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def rows(database: Database, query: str, *values: object) -> list[tuple[object, ...]]:
    with database.transaction(read_only=True) as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def number(database: Database, query: str, *values: object) -> int:
    ((found,),) = rows(database, query, *values)
    assert isinstance(found, int)
    return found


def likes(database: Database, listener: str) -> int:
    return number(
        database, "select count(*) from listens join users using (user_no) where user_id = %s and source = 'spotify'", listener
    )


def test_everything_of_an_account_arrives_and_a_second_run_changes_nothing(
    spotify: FakeSpotify, database: Database, wait_until: WaitUntil
) -> None:
    asked = ("spotify", "saved", "playlists", "top", "recent", "--listener", "spot-all")
    assert run(*asked)[0] == 0
    wait_until(lambda: likes(database, "spot-all") == 71, what="all listens")
    owned = "select count(*) from playlists where owner_id = 'spot-all'"
    wait_until(lambda: number(database, owned) == 2, what="all playlists")
    stances = "select count(*) from interactions join users using (user_no) where user_id = %s and (statement & 3) = 2"
    assert number(database, stances, "spot-all") == 70
    found = rows(
        database,
        """select p.name, p.public, p.source, (select count(*) from playlist_tracks m where m.playlist_no = p.playlist_no)
           from playlists p where owner_id = 'spot-all' order by p.name""",
    )
    assert found == [("Mine", False, "spotify", 2), ("Top tracks, 4 weeks", False, "spotify", 2)]
    before = len(spotify.asked)
    assert run(*asked)[0] == 0
    assert f"playlists/{spotify_id('list', 1)}/items" not in spotify.paths[before:]
    assert likes(database, "spot-all") == 71


def test_a_pause_of_half_a_day_ends_the_command_and_a_later_run_goes_on(
    spotify: FakeSpotify, database: Database, wait_until: WaitUntil
) -> None:
    spotify.stop_after(1)
    code, said = run("spotify", "saved", "--listener", "spot-pause")
    assert (code, "UTC" in said) == (75, True)
    with closing(open_jobs(load_settings())) as jobs:
        (job,) = [job for job in jobs.newest() if job.listener == "spot-pause"]
    assert job.status == "waiting"
    assert job.not_before is not None
    assert timedelta(hours=13) < job.not_before - datetime.now(UTC) < timedelta(hours=14)
    spotify.go_on()
    assert run("spotify", "saved", "--listener", "spot-pause")[0] == 75
    (spotify_folder(load_settings()) / "requests.json").unlink()
    assert run("spotify", "saved", "--listener", "spot-pause")[0] == 0
    wait_until(lambda: likes(database, "spot-pause") == 70, what="all likes")
    assert [asked.query["offset"] for asked in spotify.answered if asked.path == "me/tracks"] == ["0", "50"]


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM])
def test_an_import_that_is_ended_anywhere_goes_on(
    spotify: FakeSpotify, database: Database, wait_until: WaitUntil, kill: signal.Signals
) -> None:
    listener = f"spot-{kill.name.lower()}"
    spotify.library.account.saved = [(number, "2026-01-28T12:00:00Z") for number in range(1_000)]
    command = [sys.executable, "-m", "producers.data_ingestor", "spotify", "saved", "--listener", listener]
    # Slowly, or it would be done before it is ended.
    slowly = os.environ | {"SEGUE_SPOTIFY_REQUESTS_PER_S": "5"}
    for enough in (4, 9):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=slowly) as running:
            wait_until(lambda enough=enough: len(spotify.answered) >= enough, what=f"{enough} answers")
            running.send_signal(kill)
    assert running.returncode == (130 if kill == signal.SIGTERM else -signal.SIGKILL)
    assert run("spotify", "saved", "--listener", listener)[0] == 0
    wait_until(lambda: likes(database, listener) == 1_000, what="all likes")
    pages = [asked.query["offset"] for asked in spotify.answered if asked.path == "me/tracks"]
    assert len(set(pages)) == 20
    # Killed, it may have read two pages that it had not noted yet; asked to end, none.
    assert len(pages) - 20 <= (0 if kill == signal.SIGTERM else 4)


def test_what_the_catalogue_has_from_elsewhere_stays_as_it_is(
    spotify: FakeSpotify, database: Database, wait_until: WaitUntil
) -> None:
    track_id = spotify_id("track", 300)
    mine = CatalogueTrack(track_id=track_id, name="My own name", artists=("Me",), source="csv")
    with open_publisher(load_settings()) as publisher:
        publisher.publish_records(CATALOGUE, [(track_id, mine)])
    named = "select count(*) from tracks where track_id = %s and name is not null"
    wait_until(lambda: number(database, named, track_id) == 1)
    spotify.library.account.saved = [(300, "2026-01-28T12:00:00Z")]
    assert run("spotify", "saved", "--listener", "spot-known")[0] == 0
    wait_until(lambda: likes(database, "spot-known") == 1)
    assert rows(database, "select name, source from tracks where track_id = %s", track_id) == [("My own name", "csv")]


def test_forgetting_deletes_what_only_spotify_described_and_the_login(
    spotify: FakeSpotify, database: Database, wait_until: WaitUntil
) -> None:
    mine = CatalogueTrack(track_id="spot-mine", name="Mine", artists=("Me",), source="csv")
    playlist = PlaylistRecord(
        playlist_id="spot-mine", name="Mine", track_ids=("spot-mine",), owner_id="spot-forget", source="csv"
    )
    with open_publisher(load_settings()) as publisher:
        publisher.publish_records(CATALOGUE, [("spot-mine", mine)])
        publisher.publish_records(PLAYLISTS, [("spot-mine", playlist)])
    assert run("spotify", "saved", "playlists", "--listener", "spot-forget")[0] == 0
    wait_until(lambda: likes(database, "spot-forget") == 70, what="all likes")
    code, said = run("forget", "spotify")
    assert (code, "logged out" in said, "stay: they go with" in said) == (0, True, True)
    named = "select count(*) from tracks where source = 'spotify' or (deleted_at is not null and name like 'Song %%')"
    wait_until(lambda: number(database, named) == 0, what="all tracks gone")
    wait_until(lambda: number(database, "select count(*) from playlists where source = 'spotify'") == 0)
    assert rows(database, "select name from tracks where track_id = 'spot-mine'") == [("Mine",)]
    assert rows(database, "select name from playlists where owner_id = 'spot-forget'") == [("Mine",)]
    assert not TokenFile(spotify_folder(load_settings())).path.exists()
    with closing(open_jobs(load_settings())) as jobs:
        assert [
            job.source for job in jobs.newest() if job.source.startswith("spotify-") and job.source != "spotify-history"
        ] == []


def publish_aged(database: Database, wait_until: WaitUntil, ages: dict[int, int]) -> list[str]:
    """Tracks by number, fetched so many days ago; returns their ids when they are stored."""
    now, ids = datetime.now(UTC), [spotify_id("track", one) for one in ages]
    tracks = [
        CatalogueTrack(track_id=track_id, name="Old", artists=("A",), source="spotify", fetched_at=now - timedelta(days=age))
        for track_id, age in zip(ids, ages.values(), strict=True)
    ]
    with open_publisher(load_settings()) as publisher:
        publisher.publish_records(CATALOGUE, ((track.track_id, track) for track in tracks))
    wait_until(lambda: names(database, ids) == ["Old"] * len(ids))
    return ids


def names(database: Database, ids: list[str]) -> list[object]:
    return [name for (name,) in rows(database, "select name from tracks where track_id = any(%s) order by track_id", ids)]


def test_what_is_half_as_old_as_it_may_be_is_fetched_again(
    spotify: FakeSpotify, database: Database, wait_until: WaitUntil
) -> None:
    ids = publish_aged(database, wait_until, {400: 16, 401: 31, 402: 1})
    assert run("spotify", "refresh")[0] == 0
    wait_until(lambda: names(database, ids) == ["Song 400", "Song 401", "Old"])


def test_what_is_too_old_is_deleted(spotify: FakeSpotify, database: Database, wait_until: WaitUntil) -> None:
    ids = publish_aged(database, wait_until, {500: 16, 501: 31, 502: 1})
    wait_until(lambda: "too old, deleted: 1 tracks, 0 playlists" in run("forget", "spotify", "--expired")[1])
    wait_until(lambda: names(database, ids) == ["Old", None, "Old"])


def test_a_login_that_has_ended_is_an_error_that_says_what_to_do(spotify: FakeSpotify) -> None:
    spotify.accounts.revoke()
    spotify.fault("me/tracks", Reply.error(401, "The access token expired"))
    with pytest.raises(LoginNeeded, match="segue ingest auth"):
        run("spotify", "saved", "--listener", "spot-ended")
