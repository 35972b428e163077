"""`segue ingest features` from a made-up ReccoBeats and from tables through real Kafka and processors into Postgres."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.local.stack import LocalStack
from producers.commands import ingest
from producers.ingestion.importing import open_jobs
from producers.publisher import open_publisher
from segue.errors import InvalidInput
from segue.events import AudioFeatures, CatalogueTrack
from segue.settings import Settings, load_settings
from segue.stores.postgres.database import Database
from segue.topics import CATALOGUE
from tests.fakes.reccobeats import Failure, FakeReccoBeats, entry
from tests.unit.producers.features.made import cells, spotify_id, with_features, write_csv

pytestmark = pytest.mark.stack

WaitUntil = Callable[..., None]
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SERVED = AudioFeatures(
    danceability=0.7, energy=0.8, key=5, loudness=-6.0, mode=1, speechiness=0.05, acousticness=0.2, instrumentalness=0.0,
    liveness=0.1, valence=0.9, tempo=120.0,
)  # fmt: skip
"""What the made-up service says of every track."""


@pytest.fixture
def service(
    processor: LocalStack, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeReccoBeats]:
    """A made-up service and state directory of this test's own, but not the servers."""
    with FakeReccoBeats() as running:
        changed = {
            "SEGUE_RECCOBEATS_URL": running.url, "SEGUE_RECCOBEATS_REQUESTS_PER_S": "20",
            "SEGUE_STATE_DIR": str(tmp_path / "state"),
        }  # fmt: skip
        with database.transaction() as cursor:
            cursor.execute("delete from feature_answers")
        for name, value in (processor.environment | changed).items():
            monkeypatch.setenv(name, value)
        yield running


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(ingest, ["features", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, " ".join(result.output.split())


def track(number: int, name: str = "Waltz", **others: object) -> CatalogueTrack:
    known = {"popularity": 100, "source": "spotify", "fetched_at": NOW, "genres": ("folk",), "album": "Rivers"}
    return CatalogueTrack(track_id=spotify_id(number), name=name, artists=("Otters",), **(known | others))  # type: ignore[arg-type]  # of many types


def publish(settings: Settings, *tracks: CatalogueTrack) -> None:
    with open_publisher(settings) as publisher:
        publisher.publish_records(CATALOGUE, ((one.track_id, one) for one in tracks))


def stored(database: Database, first: int, last: int) -> dict[str, tuple[object, ...]]:
    """Name, mood and source of the features of tracks with numbers within first..last."""
    with database.transaction(read_only=True) as cursor:
        cursor.execute(
            "select track_id, name, mood, features_source from tracks where track_id between %s and %s and deleted_at is null",
            (spotify_id(first), spotify_id(last)),
        )
        return {row[0]: tuple(row[1:]) for row in cursor}


def add_bare(settings: Settings, database: Database, wait_until: WaitUntil, first: int, count: int) -> None:
    publish(settings, *(track(first + number) for number in range(count)))
    wait_until(lambda: len(stored(database, first, first + count - 1)) == count, what="the tracks")


def with_source(database: Database, first: int, last: int) -> int:
    return sum(source is not None for _, _, source in stored(database, first, last).values())


@pytest.fixture
def compared(service: FakeReccoBeats, settings: Settings, database: Database, wait_until: WaitUntil) -> None:
    """Enough tracks whose features the catalogue and the service know."""
    numbers = range(100, 125)
    publish(settings, *(track(number, features=SERVED, source="other") for number in numbers))
    wait_until(lambda: len(stored(database, 100, 124)) == 25, what="the tracks with features")
    service.known = [entry(spotify_id(number)) for number in numbers]


@pytest.mark.usefixtures("compared")
def test_tracks_get_features_and_a_mood_and_keep_everything_else(
    service: FakeReccoBeats, settings: Settings, database: Database, wait_until: WaitUntil
) -> None:
    add_bare(settings, database, wait_until, 1_000, 45)
    service.known += [entry(spotify_id(number)) for number in range(1_000, 1_044)]
    code, output = run("--reccobeats")
    assert code == 0, output
    assert f"ids of tracks without audio features are sent to {service.url}" in output
    wait_until(lambda: with_source(database, 1_000, 1_044) == 44, what="the features")
    found = stored(database, 1_000, 1_044)
    assert found[spotify_id(1_000)] == ("Waltz", "happy", "reccobeats")
    assert found[spotify_id(1_044)] == ("Waltz", None, None)
    with database.transaction(read_only=True) as cursor:
        cursor.execute(
            "select album, genres, popularity, source, fetched_at from tracks where track_id = %s", (spotify_id(1_000),)
        )
        assert cursor.fetchall() == [("Rivers", ["folk"], 100, "spotify", NOW)]
    assert max(map(len, service.asked)) <= 40

    service.asked.clear()
    assert run("--reccobeats")[0] == 0
    assert spotify_id(1_044) not in [one for ids in service.asked for one in ids]


@pytest.mark.usefixtures("compared")
def test_a_service_of_another_scale_is_refused_before_anything_is_published(
    service: FakeReccoBeats, settings: Settings, database: Database, wait_until: WaitUntil
) -> None:
    add_bare(settings, database, wait_until, 2_000, 1)
    service.known = [entry(spotify_id(number), valence=0.1) for number in (*range(100, 125), 2_000)]
    with pytest.raises(InvalidInput, match=r"another one: valence \(at most 0.05\)"):
        run("--reccobeats")
    assert with_source(database, 2_000, 2_000) == 0
    assert run("--reccobeats", "--accept-scale")[0] == 0
    wait_until(
        lambda: stored(database, 2_000, 2_000)[spotify_id(2_000)] == ("Waltz", "energetic", "reccobeats"), what="the features"
    )


@pytest.mark.usefixtures("compared")
def test_a_pause_ends_the_command_and_the_next_one_asks_nothing_twice(
    service: FakeReccoBeats, settings: Settings, database: Database, wait_until: WaitUntil, tmp_path: Path
) -> None:
    add_bare(settings, database, wait_until, 3_000, 500)
    service.known += [entry(spotify_id(number)) for number in range(3_000, 3_500)]
    service.stop_after(5)
    code, output = run("--reccobeats", "--accept-scale")
    assert code == 75, output
    assert "ReccoBeats wants a pause" in output
    with closing(open_jobs(load_settings())) as jobs:
        job = next(job for job in jobs.newest() if job.source == "features-reccobeats")
    assert (job.status, job.not_before is not None) == ("waiting", True)
    service.go_on()
    (tmp_path / "state" / "reccobeats" / "requests.json").unlink()
    assert run("--reccobeats", "--accept-scale")[0] == 0
    wait_until(lambda: with_source(database, 3_000, 3_499) == 500, what="all features")
    answered = [one for ids in service.answered for one in ids]
    assert len(answered) == len(set(answered))


@pytest.mark.usefixtures("compared")
def test_killed_anywhere_it_goes_on_and_asks_again_what_was_not_answered_only(
    service: FakeReccoBeats, settings: Settings, database: Database, wait_until: WaitUntil
) -> None:
    add_bare(settings, database, wait_until, 4_000, 900)
    service.known += [entry(spotify_id(number)) for number in range(4_000, 4_900)]
    command = [sys.executable, "-m", "producers.data_ingestor", "features", "--reccobeats", "--accept-scale"]
    for answers in (2, 13):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            wait_until(lambda least=answers: len(service.answered) >= least, 60, "some answers")
            process.send_signal(signal.SIGKILL)
    assert with_source(database, 4_000, 4_899) < 900
    assert run("--reccobeats", "--accept-scale")[0] == 0
    wait_until(lambda: with_source(database, 4_000, 4_899) == 900, 60, "all features")
    answered = [one for ids in service.answered for one in ids]
    # Of each kill, at most the one answer that was on its way is asked for again.
    assert len(answered) <= len(set(answered)) + 2 * 40


def test_a_record_that_is_not_stored_yet_is_not_undone(
    processor: LocalStack, service: FakeReccoBeats, settings: Settings, database: Database, wait_until: WaitUntil,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    add_bare(settings, database, wait_until, 5_000, 2)
    path = write_csv(tmp_path / "t.csv", [cells(with_features(0.8), track_id=spotify_id(number)) for number in (5_000, 5_001)])
    processor.stop("process-1")
    try:
        with open_publisher(settings) as publisher:
            publisher.publish_records(CATALOGUE, [(spotify_id(5_000), track(5_000, "Renamed")), (spotify_id(5_001), None)])
        monkeypatch.setenv("SEGUE_INGEST_PATIENCE_S", "1")
        code, output = run("--table", str(path), "--accept-scale")
        assert (code, "2 records of tracks are not stored yet: start the processors" in output) == (75, True), output
    finally:
        processor.start("process-1")
    monkeypatch.setenv("SEGUE_INGEST_PATIENCE_S", "60")
    assert run("--table", str(path), "--accept-scale")[0] == 0
    renamed = {spotify_id(5_000): ("Renamed", "happy", "table:t.csv")}
    wait_until(lambda: stored(database, 5_000, 5_001) == renamed, what="the features of the renamed track alone")


@pytest.mark.usefixtures("compared")
def test_tables_come_first_and_the_service_is_asked_for_the_rest(
    service: FakeReccoBeats, settings: Settings, database: Database, wait_until: WaitUntil, tmp_path: Path
) -> None:
    add_bare(settings, database, wait_until, 6_000, 2)
    service.known += [entry(spotify_id(6_000)), entry(spotify_id(6_001))]
    rows = [cells(SERVED, track_id=spotify_id(number)) for number in (*range(100, 125), 6_000)]
    code, output = run("--table", str(write_csv(tmp_path / "t.csv", rows)), "--reccobeats")
    assert code == 0, output
    wait_until(lambda: with_source(database, 6_000, 6_001) == 2, what="the features")
    sources = [source for _, _, source in stored(database, 6_000, 6_001).values()]
    assert sources == ["table:t.csv", "reccobeats"]
    # Before, it was compared with by tracks that have features.
    assert spotify_id(6_001) in service.asked[-1]
    assert spotify_id(6_000) not in service.asked[-1]


def test_nothing_is_sent_unless_somebody_says_so(service: FakeReccoBeats) -> None:
    code, output = run()
    assert (code, "tracks have no audio features" in output, service.asked) == (0, True, [])


def test_a_dry_run_publishes_nothing(
    service: FakeReccoBeats, settings: Settings, database: Database, wait_until: WaitUntil, tmp_path: Path
) -> None:
    add_bare(settings, database, wait_until, 7_000, 1)
    path = write_csv(tmp_path / "t.csv", [cells(track_id=spotify_id(7_000))])
    code, output = run("--table", str(path), "--accept-scale", "--dry-run")
    assert (code, "tracks would be published │ 1" in output) == (0, True), output
    assert with_source(database, 7_000, 7_000) == 0


@pytest.mark.usefixtures("compared")
def test_an_outage_ends_with_when_to_come_back(service: FakeReccoBeats) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGUE_RECCOBEATS_TIMEOUT_S", "0.2")
        service.failures = [Failure(503)] * 10
        code, output = run("--reccobeats")
    assert (code, "ReccoBeats answers 503: try again later" in output) == (75, True), output
