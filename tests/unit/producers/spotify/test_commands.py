"""`segue ingest auth`, `doctor` and `spotify` as they are typed, without any server but a made-up Spotify."""

from __future__ import annotations

import csv
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from typer.testing import CliRunner

from producers.commands import ingest
from producers.spotify.login import TokenFile, spotify_folder
from segue.errors import ConfigurationError, LoginNeeded
from segue.settings import Settings, load_settings
from tests.fakes.spotify import NEW_DEV, FakeSpotify, Reply
from tests.unit.producers.spotify.made import library


@pytest.fixture
def spotify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSpotify]:
    """With an account, and nobody logged in here."""
    monkeypatch.chdir(tmp_path)
    for name in ("SEGUE_POSTGRES_URL", "SEGUE_KAFKA_BOOTSTRAP"):
        monkeypatch.delenv(name, raising=False)
    with FakeSpotify(NEW_DEV, library()) as running:
        changed = {"SEGUE_STATE_DIR": str(tmp_path / "state"), "SEGUE_SPOTIFY_REQUESTS_PER_S": "20"}
        for name, value in (running.environment | changed).items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def logged_in(spotify: FakeSpotify) -> Settings:
    settings = load_settings()
    TokenFile(spotify_folder(settings)).save_token_to_cache(spotify.accounts.log_in())
    return settings


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(ingest, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_the_doctor_says_a_sentence_of_each_capability(spotify: FakeSpotify, logged_in: Settings) -> None:
    code, said = run("doctor")
    assert code == 0
    assert [line.split(":")[0] for line in said.splitlines()] == [
        "yes     login", "yes     playlists", "unclear tracks", "no      several ids", "yes     search", "no      audio features",
        "6 of 800 requests made in the last 24 hours",
    ]  # fmt: skip
    assert "closed to this application since 27 November 2024" in said


def test_the_doctor_warns_of_a_login_that_ends_soon(
    spotify: FakeSpotify, logged_in: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = TokenFile(spotify_folder(logged_in))
    file.save_token_to_cache((file.get_cached_token() or {}) | {"authorized_at": 1_700_000_000.0})
    assert "the login to Spotify ends about 2024-05-14" in run("doctor")[1]


@pytest.fixture
def free_port(monkeypatch: pytest.MonkeyPatch) -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    monkeypatch.setenv("SEGUE_SPOTIFY_REDIRECT_PORT", str(port))
    return port


def test_logging_in_from_a_terminal_elsewhere(spotify: FakeSpotify, free_port: int) -> None:
    command = [sys.executable, "-m", "producers.data_ingestor", "auth", "--timeout", "60"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin
        assert running.stdout
        address = next(line for line in running.stdout if line.startswith("http")).strip()
        last_page = requests.get(address, allow_redirects=False, timeout=30).headers["Location"]
        running.stdin.write(f"{last_page}\n")
        running.stdin.flush()
        said = running.stdout.read()
    assert (running.returncode, "segue ingest doctor" in said) == (0, True)
    assert spotify.paths == ["me"]
    assert "t0ken" not in said
    assert TokenFile(spotify_folder(load_settings())).account() is not None


def test_logging_in_without_a_terminal_ends_when_nobody_comes(spotify: FakeSpotify, free_port: int) -> None:
    command = [sys.executable, "-m", "producers.data_ingestor", "auth", "--timeout", "1"]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "nobody logged in within 1 s" in ended.stderr


def test_a_dry_run_says_what_would_be_published(spotify: FakeSpotify, logged_in: Settings) -> None:
    code, said = run("spotify", "recent", "--listener", "me", "--dry-run")
    assert code == 0
    assert "listens would be published" in said


def test_files_hold_what_was_read(spotify: FakeSpotify, logged_in: Settings, tmp_path: Path) -> None:
    assert run("spotify", "search", "song 99", "--out", str(tmp_path / "out"), "--out-format", "csv")[0] == 0
    with (tmp_path / "out" / "tracks.csv").open() as file:
        assert next((row["name"], row["source"]) for row in csv.DictReader(file)) == ("Song 99", "spotify")


def test_a_pause_is_exit_code_75_and_says_when(spotify: FakeSpotify, logged_in: Settings) -> None:
    spotify.fault("me/tracks", Reply.error(429, "API rate limit exceeded", retry_after="48925"))
    code, said = run("spotify", "saved", "top", "--listener", "me", "--dry-run")
    assert code == 75
    assert "nothing is asked before" in " ".join(said.split())
    assert spotify.paths == ["me/tracks"]


def test_a_spent_budget_is_exit_code_75(spotify: FakeSpotify, logged_in: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_SPOTIFY_REQUESTS_PER_DAY", "2")
    code, said = run("spotify", "saved", "--listener", "me", "--dry-run")
    assert (code, "SEGUE_SPOTIFY_REQUESTS_PER_DAY" in said) == (75, True)
    assert len(spotify.asked) == 2


def test_nobody_logged_in_is_said(spotify: FakeSpotify) -> None:
    with pytest.raises(LoginNeeded, match="segue ingest auth"):
        run("spotify", "saved", "--listener", "me", "--dry-run")


def test_a_client_id_is_asked_for_first(spotify: FakeSpotify, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEGUE_SPOTIFY_CLIENT_ID")
    monkeypatch.delenv("SEGUE_SPOTIFY_MARKET")
    with pytest.raises(ConfigurationError, match=r"dashboard with the redirect URI http://127\.0\.0\.1:8888/callback"):
        run("auth")


def test_forgetting_logs_out_even_without_servers(spotify: FakeSpotify, logged_in: Settings) -> None:
    with pytest.raises(ConfigurationError, match="SEGUE_POSTGRES_URL"):
        run("forget", "spotify")
    assert not TokenFile(spotify_folder(logged_in)).path.exists()
