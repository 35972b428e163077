"""Logging in with a browser that is here or elsewhere, and everything that goes wrong then."""

from __future__ import annotations

import os
import socket
import stat
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from producers.spotify.authorization import Authorization, note_account
from producers.spotify.login import TokenFile, spotify_folder
from producers.spotify.session import open_session
from segue.errors import ConfigurationError, LoginNeeded, SegueError
from segue.settings import Settings
from tests.fakes.spotify import FakeSpotify, Reply
from tests.unit.producers.spotify.conftest import FakeClock, log_in, settings_for

WAIT_S = 30.0


@dataclass
class Attempt:
    """A login in a thread, as somebody at another window sees it."""

    settings: Settings
    timeout_s: float = WAIT_S
    said: list[str] = field(default_factory=list)
    failed: list[SegueError] = field(default_factory=list)

    def __post_init__(self) -> None:
        reading, writing = os.pipe()
        self.typed, self.keyboard = reading, os.fdopen(writing, "w")
        self._asked = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Attempt:
        self._thread.start()
        assert self._asked.wait(WAIT_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()
        os.close(self.typed)
        self.keyboard.close()

    @property
    def address(self) -> str:
        return self.said[1]

    def last_page(self) -> str:
        """Agree in the browser; returns the address to which it is sent."""
        return requests.get(self.address, allow_redirects=False, timeout=WAIT_S).headers["Location"]

    def paste(self, text: str) -> None:
        self.keyboard.write(text + "\n")
        self.keyboard.flush()

    def _say(self, line: str) -> None:
        self.said.append(line)
        if len(self.said) == 3:
            self._asked.set()

    def _run(self) -> None:
        try:
            Authorization(self.settings, self._say, self.typed, self.timeout_s).run()
        except SegueError as error:
            self.failed.append(error)
            self._asked.set()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def settings(spotify: FakeSpotify, tmp_path: Path, free_port: int) -> Settings:
    """Of somebody who is not logged in."""
    return settings_for(spotify, tmp_path, spotify_redirect_port=free_port)


def tokens(settings: Settings) -> TokenFile:
    return TokenFile(spotify_folder(settings))


def test_the_browser_on_this_machine_tells_by_itself(spotify: FakeSpotify, settings: Settings) -> None:
    with Attempt(settings) as attempt:
        page = requests.get(attempt.last_page(), timeout=WAIT_S)
    assert (attempt.failed, page.status_code) == ([], 200)
    assert spotify.accounts.grants == ["authorization_code"]
    with open_session(settings, FakeClock()) as session:
        assert session.ask(lambda client: client.me(), "account")["id"] == "wizzler"


def test_the_address_can_be_pasted(settings: Settings) -> None:
    with Attempt(settings) as attempt:
        attempt.paste(attempt.last_page())
    assert attempt.failed == []
    assert tokens(settings).get_cached_token() is not None


def test_only_the_scopes_that_are_needed_are_asked_for(settings: Settings) -> None:
    with Attempt(settings) as attempt:
        asked = parse_qs(urlsplit(attempt.address).query)
        attempt.paste(attempt.last_page())
    assert sorted(asked["scope"][0].split()) == [
        "playlist-read-collaborative", "playlist-read-private", "user-library-read", "user-read-recently-played", "user-top-read",
    ]  # fmt: skip
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"http://127.0.0.1:{settings.spotify_redirect_port}/callback"]


def test_what_is_not_this_logins_is_passed_over(settings: Settings) -> None:
    port = settings.spotify_redirect_port
    with Attempt(settings) as attempt:
        foreign = [f"/callback?code=evil&state={'x' * 32}", "/callback?code=evil", "/", "/favicon.ico", "/callback?state=%C3%A9"]
        answers = [requests.get(f"http://127.0.0.1:{port}{path}", timeout=WAIT_S).status_code for path in foreign]
        attempt.paste("")
        attempt.paste("what?")
        attempt.paste(f"http://127.0.0.1:{port}/callback?code=evil&state=other")
        attempt.paste(attempt.last_page())
    assert answers == [400] * 5
    assert attempt.failed == []


def test_declining_is_said(spotify: FakeSpotify, settings: Settings) -> None:
    spotify.accounts.declines = True
    with Attempt(settings) as attempt:
        assert requests.get(attempt.last_page(), timeout=WAIT_S).status_code == 400
    assert [type(error) for error in attempt.failed] == [LoginNeeded]
    assert "declined" in str(attempt.failed[0])


def test_nobody_is_waited_for_longer_than_asked(settings: Settings) -> None:
    with Attempt(settings, timeout_s=0.2) as attempt:
        pass
    assert "nobody logged in within 0 s" in str(attempt.failed[0])


def test_without_a_keyboard_the_browser_is_still_heard(settings: Settings) -> None:
    with Attempt(settings) as attempt:
        attempt.keyboard.close()
        requests.get(attempt.last_page(), timeout=WAIT_S)
    assert attempt.failed == []


def test_a_port_that_is_taken_is_named(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.spotify_redirect_port))
        taken.listen()
        with Attempt(settings) as attempt:
            pass
    assert [type(error) for error in attempt.failed] == [ConfigurationError]
    assert "SEGUE_SPOTIFY_REDIRECT_PORT" in str(attempt.failed[0])


def test_a_login_that_fails_leaves_the_earlier_one(spotify: FakeSpotify, settings: Settings) -> None:
    log_in(spotify, settings)
    before = tokens(settings).get_cached_token()
    spotify.fault("api/token", Reply(400, {"error": "invalid_grant"}))
    with Attempt(settings) as attempt:
        attempt.paste(attempt.last_page())
    assert "does not take this code" in str(attempt.failed[0])
    assert tokens(settings).get_cached_token() == before


def test_the_token_is_its_owners_only(settings: Settings) -> None:
    with Attempt(settings) as attempt:
        attempt.paste(attempt.last_page())
    assert stat.S_IMODE(tokens(settings).path.stat().st_mode) == 0o600
    assert stat.S_IMODE(tokens(settings).path.parent.stat().st_mode) == 0o700


def test_the_account_is_known_by_a_digest(spotify: FakeSpotify, settings: Settings) -> None:
    log_in(spotify, settings)
    with open_session(settings, FakeClock()) as session:
        note_account(session, tokens(settings))
    assert tokens(settings).account() == "ad651276afd0"
    assert "wizzler" not in tokens(settings).path.read_text()


def test_refreshing_keeps_the_time_of_the_login_and_the_account(spotify: FakeSpotify, settings: Settings) -> None:
    log_in(spotify, settings)
    tokens(settings).note_account("abc")
    at = tokens(settings).authorized_at()
    spotify.accounts.expire()
    with open_session(settings, FakeClock()) as session:
        session.ask(lambda client: client.me(), "account")
    assert (tokens(settings).authorized_at(), tokens(settings).account()) == (at, "abc")
    assert spotify.accounts.grants == ["refresh_token"]


@pytest.mark.parametrize(("days", "warned"), [(0, False), (149, False), (151, True), (200, True)])
def test_a_login_that_ends_soon_is_warned_of(spotify: FakeSpotify, settings: Settings, days: int, warned: bool) -> None:
    log_in(spotify, settings)
    said = tokens(settings).warning(datetime.now(UTC) + timedelta(days=days))
    assert bool(said and "segue ingest auth" in said) is warned


def test_a_login_without_all_scopes_asks_for_a_new_one(spotify: FakeSpotify, settings: Settings) -> None:
    tokens(settings).save_token_to_cache(spotify.accounts.log_in() | {"scope": "user-library-read"})
    with open_session(settings, FakeClock()) as session, pytest.raises(LoginNeeded, match="segue ingest auth"):
        session.ask(lambda client: client.me(), "account")
    assert spotify.paths == []
