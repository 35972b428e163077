"""Imports from their options to what they say, where no server is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from producers.ingestion.importing import import_from
from producers.ingestion.options import Asked
from segue.errors import ConfigurationError, InvalidInput, PostgresUnavailable
from segue.settings import Settings
from tests.unit.producers.ingestion.fakes import ListSource


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path / "state", kafka_bootstrap=None, postgres_url=None)


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_dry_run_says_what_would_be_published_and_writes_nothing(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert import_from(ListSource(5), Asked(dry_run=True), settings) == 3
    said = capsys.readouterr()
    assert "tracks would be published │ 5" in words(said.out)
    assert "rejected: no_title │ 3" in words(said.out)
    assert "left out on purpose: podcast │ 3" in words(said.out)
    assert said.out.count('tracks: {"track_id":') == 3
    assert "rejected: row 4: no title (no_title)" in said.err
    assert list(tmp_path.iterdir()) == []


def test_files_are_written_instead_of_publishing(settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert import_from(ListSource(5), Asked(out=tmp_path / "out", out_format="csv"), settings) == 3
    assert len((tmp_path / "out" / "tracks.csv").read_text().splitlines()) == 6
    (listed,) = (settings.state_dir / "ingest").iterdir()
    assert len(listed.read_text().splitlines()) == 3
    assert str(listed.name) in words(capsys.readouterr().err).replace(" ", "")


def test_rejected_rows_are_listed_where_somebody_wants_them(settings: Settings, tmp_path: Path) -> None:
    import_from(ListSource(5), Asked(out=tmp_path / "out", rejected=tmp_path / "mine.jsonl"), settings)
    assert len((tmp_path / "mine.jsonl").read_text().splitlines()) == 3


def test_nothing_usable_is_told_by_the_exit_code(settings: Settings) -> None:
    assert import_from(ListSource(5, usable=False), Asked(dry_run=True), settings) == 2


def test_an_input_that_breaks_is_an_error_and_leaves_no_file(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = ListSource(8, breaks=(2, InvalidInput("truncated after row 4")))
    with pytest.raises(InvalidInput, match="truncated after row 4"):
        import_from(source, Asked(out=tmp_path / "out"), settings)
    assert list((tmp_path / "out").iterdir()) == []
    assert "tracks written │ 4" in words(capsys.readouterr().out)


def test_a_server_that_is_away_is_a_reason_to_come_back(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    source = ListSource(8, breaks=(2, PostgresUnavailable("starting up")))
    assert import_from(source, Asked(dry_run=True), settings) == 75
    assert "not now: starting up run the same command again" in words(capsys.readouterr().err)


def test_a_dry_run_writes_no_files(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="leave one of them out"):
        import_from(ListSource(1), Asked(dry_run=True, out=tmp_path), settings)


def test_without_kafka_it_says_what_to_set(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="SEGUE_KAFKA_BOOTSTRAP is not set"):
        import_from(ListSource(1), Asked(), settings)
