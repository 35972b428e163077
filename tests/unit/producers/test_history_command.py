"""What `segue ingest history` says and does without servers."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from producers.commands import ingest
from segue.errors import InvalidInput
from tests.unit.producers.histories.made import archive, basic, stream


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No server is configured."""
    for name in ("SEGUE_KAFKA_BOOTSTRAP", "SEGUE_POSTGRES_URL", "SEGUE_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SEGUE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    rows = [stream(), stream(ts="2024-05-09T16:00:00Z", incognito_mode=True), stream(ts="never")]
    return archive(
        tmp_path / "my_spotify_data.zip", {"Streaming_History_Audio_2024.json": rows, "StreamingHistory0.json": [basic()]}
    )


def run(*arguments: str) -> Result:
    return CliRunner().invoke(ingest, ["history", *arguments])


def test_a_dry_run_says_what_was_found_and_writes_nothing(export: Path, tmp_path: Path) -> None:
    result = run(str(export), "--listener", "alice", "--dry-run")
    assert result.exit_code == 3
    assert "Spotify's extended streaming history: 1 file" in result.output
    assert "streams of Spotify's account data: 1 file" in result.output
    assert "no Postgres is configured" in result.output
    assert not (tmp_path / "state").exists()


def test_files_hold_the_listens_with_their_times(export: Path, tmp_path: Path) -> None:
    result = run(str(export), "--listener", "alice", "--out", str(tmp_path / "out"), "--out-format", "csv")
    assert result.exit_code == 3
    with (tmp_path / "out" / "listens.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["user_id"], row["track_id"], row["ms_played"]) == ("alice", "0fYVliAYKHuPmECRs1pbRf", "180000")
    assert row["occurred_at"].startswith("2024-05-09")


def test_what_was_rejected_is_listed_with_its_place(export: Path, tmp_path: Path) -> None:
    run(str(export), "--listener", "alice", "--out", str(tmp_path / "out"), "--rejected", str(tmp_path / "rejected.jsonl"))
    (line,) = (tmp_path / "rejected.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "code": "invalid_time",
        "where": "Streaming_History_Audio_2024.json row 3",
        "reason": "ts is no time such as 2024-05-09T15:48:14Z",
    }


def test_a_service_may_be_asked_for(export: Path) -> None:
    result = run(str(export), "--listener", "alice", "--format", "lastfm", "--dry-run")
    assert isinstance(result.exception, InvalidInput)
    assert "is not a history of lastfm" in str(result.exception)


@pytest.mark.parametrize("name", ["", " alice", "a" * 129, "a\nb"])
def test_a_name_that_no_listener_can_have_is_refused(export: Path, name: str) -> None:
    result = run(str(export), "--listener", name, "--dry-run")
    assert isinstance(result.exception, InvalidInput)
    assert "choose another name" in str(result.exception)
