"""Where a catalogue comes from, and what `segue ingest catalogue` says about it."""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from typer.testing import CliRunner

from producers.commands import ingest
from producers.data_ingestor import choose_source, load_catalogue
from producers.sources import fetch
from segue.errors import ConfigurationError, InvalidCatalogue, InvalidInput, NotFound, Unavailable
from segue.settings import Settings

TABLE = "id,name,artist\n1,Waltz,Otters\n,March,Foxes\n3,Polka,Foxes\n"


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "tracks.csv").write_text(TABLE)
    handler = functools.partial(QuietHandler, directory=tmp_path / "served")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path / "state", catalogue=None)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "tracks.csv"
    path.write_text(TABLE)
    return path


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise requests.ConnectionError("no route")

    monkeypatch.setattr(requests, "get", refuse)


def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *arguments: str) -> tuple[int, str]:
    monkeypatch.setenv("SEGUE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("SEGUE_CATALOGUE", raising=False)
    result = CliRunner().invoke(ingest, ["catalogue", *arguments])
    return result.exit_code, result.output


def test_a_path_is_taken_as_it_is(settings: Settings, table: Path) -> None:
    assert choose_source(str(table), settings).path == table


def test_the_setting_is_used_where_nothing_is_asked_for(tmp_path: Path, table: Path) -> None:
    assert choose_source(None, Settings(state_dir=tmp_path, catalogue=str(table))).path == table


def test_a_file_url_is_understood(settings: Settings, table: Path) -> None:
    assert choose_source(table.as_uri(), settings).path == table


def test_a_url_is_downloaded_and_not_taken_from_an_earlier_copy(settings: Settings, server: str, tmp_path: Path) -> None:
    load_catalogue(choose_source(f"{server}/tracks.csv", settings))
    (tmp_path / "served" / "tracks.csv").write_text("id,name,artist\n9,New,Foxes\n")
    tracks = load_catalogue(choose_source(f"{server}/tracks.csv", settings)).tracks
    assert [track.track_id for track in tracks] == ["9"]


def test_a_url_that_is_not_there_says_so(settings: Settings, server: str) -> None:
    with pytest.raises(Unavailable, match=r"/nowhere\.csv cannot be downloaded: the server answers 404 .*check the URL"):
        choose_source(f"{server}/nowhere.csv", settings)


def test_a_password_in_a_url_is_not_repeated(settings: Settings, server: str) -> None:
    with pytest.raises(Unavailable) as error:
        choose_source(f"{server.replace('//', '//me:secret@')}/nowhere.csv?token=secret", settings)
    assert "secret" not in str(error.value)


def test_an_unknown_kind_of_url_is_refused(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="s3:// is not supported"):
        choose_source("s3://bucket/tracks.csv", settings)


def test_a_named_source_is_never_replaced_by_an_invented_one(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        load_catalogue(choose_source(str(tmp_path / "nowhere.csv"), settings))


def test_a_public_file_with_another_checksum_is_refused(settings: Settings, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "TIDYTUESDAY_URL", f"{server}/tracks.csv")
    with pytest.raises(InvalidCatalogue, match="is not the file that was expected"):
        choose_source(None, settings)


@pytest.mark.usefixtures("no_network")
def test_without_file_and_network_the_catalogue_is_invented_and_the_reason_kept(settings: Settings) -> None:
    source = choose_source(None, settings)
    assert source.path is None
    assert "cannot be downloaded: ConnectionError" in source.reason
    assert len(load_catalogue(source, max_tracks=10).tracks) == 10


@pytest.mark.usefixtures("no_network")
def test_the_command_says_loudly_that_tracks_are_invented(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, output = run(monkeypatch, tmp_path, "--dry-run")
    assert code == 0
    assert "Nothing in this catalogue is real." in output


def test_the_command_counts_what_it_read_and_says_what_it_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, table: Path
) -> None:
    code, output = run(monkeypatch, tmp_path, str(table), "--dry-run")
    assert code == 3
    assert re.search(r"tracks would be published\W+2\b", output)
    assert re.search(r"rejected: no_id\W+1\b", output)
    assert "rejected: tracks.csv, line 3: no id" in output
    assert '{"track_id":"1","name":"Waltz","artists":["Otters"]' in output


def test_a_file_without_a_usable_row_ends_with_2(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("id,name,artist\n,March,Foxes\n")
    code, output = run(monkeypatch, tmp_path, str(tmp_path / "bad.csv"), "--dry-run")
    assert code == 2
    assert "no id" in output


def test_without_a_broker_nothing_is_published_and_it_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, table: Path
) -> None:
    monkeypatch.delenv("SEGUE_KAFKA_BOOTSTRAP", raising=False)
    with pytest.raises(ConfigurationError, match="SEGUE_KAFKA_BOOTSTRAP is not set"):
        CliRunner().invoke(ingest, ["catalogue", str(table)], catch_exceptions=False, env={"SEGUE_STATE_DIR": str(tmp_path)})
