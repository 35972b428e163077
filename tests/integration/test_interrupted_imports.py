"""Imports that are killed anywhere and run again: the end state in Postgres is that of one run."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from infra.local.stack import LocalStack
from producers.reading.bounds import Bounds
from producers.sources.tables.source import TableSource
from segue.events import ListeningEvent
from segue.ingest_jobs import Job
from segue.settings import Settings
from segue.stores.postgres.database import Database
from segue.stores.postgres.ingest_jobs import IngestJobStore
from segue.stores.postgres.songs import SongStore

pytestmark = pytest.mark.stack

ROWS = 60_000
BROKEN_EVERY = 1_000
BEGAN = datetime(2024, 1, 1, tzinfo=UTC)

Running: TypeAlias = list[subprocess.Popen[str]]


@pytest.fixture
def running() -> Iterator[Running]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def begin(running: Running, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "producers.data_ingestor", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    running.append(process)
    return process


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = process.communicate(timeout=120)
    return process.returncode, output


def job_of(database: Database, label: str) -> Job | None:
    return next((job for job in IngestJobStore(database, 1_000).newest() if job.label == label), None)


def status_of(database: Database, label: str) -> str | None:
    job = job_of(database, label)
    return job.status if job else None


def read_at_least(database: Database, label: str, rows: int) -> Callable[[], bool]:
    def has_read() -> bool:
        job = job_of(database, label)
        return job is not None and job.counts.read >= rows

    return has_read


def rows_of(database: Database, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with database.transaction(read_only=True) as cursor:
        cursor.execute(query, values)
        return list(cursor)


def write_table(path: Path, rows: int = ROWS) -> Path:
    """A year of listens to 500 songs, some rows without a title."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["played at", "title", "artist", "ms_played"])
        for number in range(rows):
            title = "" if number % BROKEN_EVERY == 0 else f"{path.stem} song {number * 7 % 500}"
            at = (BEGAN + timedelta(minutes=5 * number)).isoformat()
            writer.writerow([at, title, f"{path.stem} band {number * 7 % 500 % 40}", 180_000 + number])
    return path


def expected(database: Database, path: Path, listener: str) -> dict[str, tuple[str, datetime, int | None]]:
    """What one run would publish, from the source itself."""
    asked = {"time": "played at", "track": "title"}
    source = TableSource(path, "listens", asked, listener, SongStore(database), Bounds())
    events = [item for page in source.pages(None) for item in page.items if isinstance(item, ListeningEvent)]
    return {str(one.event_id): (one.track_id, one.occurred_at, one.ms_played) for one in events}


def stored(database: Database, listener: str) -> dict[str, tuple[str, datetime, int | None]]:
    found = rows_of(
        database,
        """select l.event_id::text, t.track_id, l.occurred_at, l.ms_played
           from listens l join users u using (user_no) join tracks t using (track_no) where u.user_id = %s""",
        listener,
    )
    assert len({one[0] for one in found}) == len(found)
    return {event_id: (track_id, at, ms) for event_id, track_id, at, ms in found}


def test_killed_at_several_places_a_table_is_stored_as_by_one_run(
    processor: LocalStack,
    settings: Settings,
    database: Database,
    tmp_path: Path,
    running: Running,
    wait_until: Callable[..., None],
) -> None:
    table = write_table(tmp_path / "killed.csv")
    wanted = expected(database, table, "killed-one")
    command = ("table", str(table), "--map", "track=title", "--map", "time=played at", "--listener", "killed-one")
    for rows in (1, 20_000, 35_000):
        process = begin(running, *command)
        wait_until(read_at_least(database, "killed.csv", rows), 60, f"{rows} rows")
        process.kill()
        process.wait()
        wait_until(lambda: status_of(database, "killed.csv") == "stopped", 10, "the job known to be killed")
        job = job_of(database, "killed.csv")
        assert job
        assert job.counts.read < ROWS
    code, output = finish(begin(running, *command))
    assert code == 3, output
    assert "going on after" in output
    wait_until(lambda: len(stored(database, "killed-one")) >= len(wanted), 60, "all listens")
    assert stored(database, "killed-one") == wanted
    (plays,) = rows_of(
        database, "select sum(plays) from interactions join users using (user_no) where user_id = %s", "killed-one"
    )
    assert plays == (len(wanted),)
    assert rows_of(database, "select count(*) from tracks where name like 'killed song%%'") == [(500,)]

    done = job_of(database, "killed.csv")
    assert done
    assert (done.status, done.attempts, done.counts.read) == ("done", 4, ROWS)
    assert done.counts.rejected == {"no_title": ROWS // BROKEN_EVERY}
    assert done.counts.published["listens"] == ROWS - ROWS // BROKEN_EVERY
    listed = (settings.state_dir / "ingest" / f"{done.job_id}-rejected.jsonl").read_text().splitlines()
    assert [json.loads(line)["where"] for line in listed] == [
        f"killed.csv, line {number + 2:,}" for number in range(0, ROWS, BROKEN_EVERY)
    ]
    assert finish(begin(running, *command))[0] == 0


def test_a_signal_ends_it_with_its_position_saved(
    processor: LocalStack,
    database: Database,
    tmp_path: Path,
    running: Running,
    wait_until: Callable[..., None],
) -> None:
    table = write_table(tmp_path / "ended.csv")
    command = ("table", str(table), "--map", "track=title", "--map", "time=played at", "--listener", "ended-one")
    process = begin(running, *command)
    wait_until(read_at_least(database, "ended.csv", 1), 60, "the first page")
    process.terminate()
    code, output = finish(process)
    assert code == 130, output
    job = job_of(database, "ended.csv")
    assert job
    assert (job.status, job.position) == ("stopped", {"rows": job.counts.read})
    assert finish(begin(running, *command))[0] == 3
    wanted = expected(database, table, "ended-one")
    wait_until(lambda: len(stored(database, "ended-one")) >= len(wanted), 60, "all listens")
    assert stored(database, "ended-one") == wanted


def test_a_second_run_of_the_same_import_is_refused(
    processor: LocalStack,
    database: Database,
    tmp_path: Path,
    running: Running,
    wait_until: Callable[..., None],
) -> None:
    table = write_table(tmp_path / "twice.csv")
    command = ("table", str(table), "--map", "track=title", "--map", "time=played at", "--listener", "twice-one")
    first = begin(running, *command)
    wait_until(read_at_least(database, "twice.csv", 0), 60, "the job")
    first.send_signal(signal.SIGSTOP)
    code, output = finish(begin(running, *command))
    first.send_signal(signal.SIGCONT)
    assert code == 75, output
    assert "another run of the import" in output
    assert finish(first)[0] == 3


def write_slices(folder: Path) -> Path:
    folder.mkdir()
    for first in (0, 1_000):
        playlists = [
            {
                "name": f"List {pid}", "pid": 900_000 + pid,
                "tracks": [
                    {
                        "track_uri": f"spotify:track:mpd-{(pid * 13 + at) % 700}", "track_name": f"Waltz {(pid * 13 + at) % 700}",
                        "artist_name": "Otters", "album_uri": "spotify:album:a", "album_name": "Postcards", "duration_ms": 1_000,
                    }
                    for at in range(60)
                ],
            }
            for pid in range(first, first + 400)
        ]  # fmt: skip
        (folder / f"mpd.slice.{first}-{first + 999}.json").write_text(json.dumps({"playlists": playlists}))
    return folder


def test_killed_at_several_places_slices_are_stored_as_by_one_run(
    processor: LocalStack,
    database: Database,
    tmp_path: Path,
    running: Running,
    wait_until: Callable[..., None],
) -> None:
    folder = write_slices(tmp_path / "slices")
    for playlists in (1, 300, 500):
        process = begin(running, "mpd", str(folder))
        wait_until(read_at_least(database, "slices", playlists), 60, f"{playlists} playlists")
        process.kill()
        process.wait()
    code, output = finish(begin(running, "mpd", str(folder)))
    assert code == 0, output
    members = """select p.playlist_id, array_agg(t.track_id order by m.position)
                 from playlists p join playlist_tracks m using (playlist_no) join tracks t using (track_no)
                 where p.source = 'mpd' and t.name is not null group by p.playlist_id"""
    wait_until(lambda: len(rows_of(database, members)) == 800, 60, "all playlists")
    wanted = {
        f"mpd:{900_000 + pid}": [f"mpd-{(pid * 13 + at) % 700}" for at in range(60)]
        for first in (0, 1_000)
        for pid in range(first, first + 400)
    }
    wait_until(lambda: dict(rows_of(database, members)) == wanted, 60, "all members")


def test_a_catalogue_of_playlists_and_tracks_arrives_whole(
    processor: LocalStack,
    database: Database,
    tmp_path: Path,
    running: Running,
    wait_until: Callable[..., None],
) -> None:
    """The shape of the public table: a row for each membership, tracks over and over, and rows without a name."""
    path = tmp_path / "songs.csv"
    rows = [(number * 17 % 900, number % 30) for number in range(6_000)]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["track_id", "track_name", "track_artist", "playlist_name", "playlist_id", "playlist_genre"])
        for track, playlist in rows:
            writer.writerow([f"whole-{track}", f"Polka {track}", "Foxes", f"List {playlist}", f"whole-list-{playlist}", "pop"])
        writer.writerow(["whole-broken", "NA", "NA", "List 0", "whole-list-0", "pop"])
    code, output = finish(begin(running, "catalogue", str(path)))
    assert code == 3, output
    tracks, memberships = {track for track, _ in rows}, set(rows)
    said = " ".join(output.split())
    assert f"tracks published │ {len(tracks)}" in said
    assert "playlists published │ 30" in said
    assert "rejected: no_name │ 1" in said
    assert f"{len(memberships):,} places of tracks in playlists" in said
    query = """select t.track_id, p.playlist_id from playlists p join playlist_tracks m using (playlist_no)
               join tracks t using (track_no) where p.playlist_id like 'whole-list-%%' and t.name is not null"""
    wait_until(lambda: len(rows_of(database, query)) == len(memberships), 60, "all memberships")
    assert set(rows_of(database, query)) == {(f"whole-{track}", f"whole-list-{playlist}") for track, playlist in memberships}
    named = "select count(*) from tracks where track_id like 'whole-%%' and name is not null"
    assert rows_of(database, named) == [(len(tracks),)]
