"""Imports into the real Kafka: remembered without Postgres too, and of listeners who had been deleted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from infra.local.stack import LocalStack
from producers.ingestion.importing import import_from, open_jobs
from producers.ingestion.options import Asked
from producers.reading.bounds import Bounds
from producers.sources.tables.source import TableSource
from segue.settings import Settings
from segue.stores.postgres.database import Database
from segue.stores.postgres.songs import SongStore
from segue.stores.postgres.users import UserStore
from segue.topics import USERS
from tests.publishing import publish_raw
from tests.unit.producers.ingestion.fakes import ListSource

pytestmark = pytest.mark.stack


@pytest.fixture
def alone(settings: Settings, tmp_path: Path) -> Settings:
    """Kafka, and no Postgres."""
    return settings.model_copy(update={"postgres_url": None, "state_dir": tmp_path})


def words(text: str) -> str:
    return " ".join(text.split())


def test_without_postgres_an_import_is_remembered_in_the_state_directory(
    alone: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert import_from(ListSource(5, fingerprint="alone"), Asked(), alone) == 3
    (job,) = open_jobs(alone).newest()
    assert (job.status, job.position, job.counts.published) == ("done", {"row": 6}, {"tracks": 5})
    again = ListSource(5, fingerprint="alone")
    assert import_from(again, Asked(), alone) == 0
    assert again.asked_from == []
    assert "nothing to do. To read it again: --restart" in words(capsys.readouterr().out)


def test_a_restart_reads_from_the_start_and_counts_anew(alone: Settings) -> None:
    import_from(ListSource(5), Asked(), alone)
    again = ListSource(5)
    assert import_from(again, Asked(restart=True), alone) == 3
    (job,) = open_jobs(alone).newest()
    assert (again.asked_from, job.counts.read, job.attempts) == ([None], 5, 2)


def test_what_has_something_new_each_time_is_asked_again(alone: Settings) -> None:
    import_from(ListSource(5), Asked(again=True), alone)
    again = ListSource(5)
    assert import_from(again, Asked(again=True), alone) == 3
    assert again.asked_from == [None]


def test_a_kafka_that_does_not_answer_is_a_reason_to_come_back(alone: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    away = alone.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"})
    assert import_from(ListSource(5), Asked(), away) == 75
    (job,) = open_jobs(away).newest()
    assert (job.status, job.position) == ("stopped", None)
    assert "Kafka at 127.0.0.1:1 does not answer" in words(capsys.readouterr().err)
    assert import_from(ListSource(5), Asked(), alone) == 3


def write_table(path: Path, rows: int) -> Path:
    lines = [f"2024-05-09T15:{minute:02}:00Z,Waltz {minute},Otters" for minute in range(rows)]
    path.write_text("\n".join(["time,track,artist", *lines]) + "\n")
    return path


def plays_of(database: Database, listener: str) -> int:
    user = UserStore(database).by_id(listener)
    return user.events if user else 0


def test_a_listener_who_was_deleted_returns_with_their_history(
    processor: LocalStack, settings: Settings, database: Database, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    def source() -> TableSource:
        table = write_table(tmp_path / "returned.csv", 40)
        return TableSource(table, "listens", {}, "returned-one", SongStore(database), Bounds())

    asked = Asked(listener="returned-one")
    assert import_from(source(), asked, settings) == 0
    wait_until(lambda: plays_of(database, "returned-one") == 40, 30, "the history")
    publish_raw(settings, [None], key=b"returned-one", topic=USERS)
    wait_until(lambda: UserStore(database).is_deleted("returned-one"), 30, "the deletion")
    # Their job went with them.
    assert import_from(source(), asked, settings) == 0
    wait_until(lambda: plays_of(database, "returned-one") == 40, 30, "the history once more")
