"""Asking Spotify: what each answer becomes, and that no pause is slept through."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
import spotipy

from producers.spotify.answers import About
from producers.spotify.login import TokenFile, spotify_folder
from producers.spotify.session import SpotifySession, open_session
from segue.errors import (
    ConfigurationError,
    InvalidInput,
    LoginNeeded,
    NotAllowed,
    NotFound,
    Postponed,
    SegueError,
    SpotifyUnavailable,
)
from segue.logs import configure_logging
from segue.settings import Settings
from tests.fakes.spotify import FakeSpotify, Reply
from tests.unit.producers.spotify.conftest import START_S, FakeClock, settings_for


def me(client: spotipy.Spotify) -> object:
    return client.me()


def test_an_answer_is_its_json(session: SpotifySession) -> None:
    assert session.ask(me, "account")["id"] == "wizzler"


def test_requests_are_a_second_apart(session: SpotifySession, clock: FakeClock) -> None:
    for _ in range(3):
        session.ask(me, "account")
    assert clock.slept == [1.0, 1.0]


@pytest.mark.parametrize(
    ("reply", "about", "kind", "says"),
    [
        (Reply(403, "Active premium subscription required for the owner of the app."), "account", NotAllowed, "Premium"),
        (
            Reply(403, "User not registered in the Developer Dashboard"),
            "account",
            NotAllowed,
            r"User Management .* \(at most 5\)",
        ),
        (Reply.error(403, "Forbidden"), "playlist items", NotAllowed, "only playlists that you own or collaborate on"),
        (Reply.error(404, "Not found"), "playlist", NotFound, "missing, private or Spotify's own"),
        (Reply.error(403, "Forbidden"), "audio features", NotAllowed, "closed to this application since 27 November 2024"),
        (Reply.error(400, "Invalid limit"), "search", InvalidInput, "at most 10 results"),
        (Reply.error(403, "Insufficient client scope"), "saved", LoginNeeded, "segue ingest auth"),
        (Reply.error(403, "Forbidden"), "tracks", NotAllowed, "may not ask Spotify for tracks: Forbidden"),
        (Reply.error(404, "Not found"), "album", NotFound, "no such album"),
        (Reply.error(400, "Only valid bearer authentication supported"), "top", InvalidInput, "400"),
        (Reply(403, {"error": "a text"}), "tracks", NotAllowed, "a text"),
    ],
)
def test_each_refusal_says_what_to_do(
    spotify: FakeSpotify, session: SpotifySession, reply: Reply, about: About, kind: type[SegueError], says: str
) -> None:
    spotify.fault("me", reply)
    with pytest.raises(kind, match=says):
        session.ask(me, about)
    assert spotify.paths == ["me"]


def test_a_pause_of_half_a_day_ends_the_command_at_once(spotify: FakeSpotify, session: SpotifySession, clock: FakeClock) -> None:
    spotify.fault("me", Reply.error(429, "API rate limit exceeded", retry_after="48925"))
    with pytest.raises(Postponed, match="before 2026-09-22 03:48:45 UTC") as stopped:
        session.ask(me, "account")
    assert clock.slept == []
    assert stopped.value.not_before == datetime.fromtimestamp(START_S + 48_925, UTC)


def test_nothing_is_asked_before_the_pause_is_over(spotify: FakeSpotify, settings: Settings, clock: FakeClock) -> None:
    spotify.fault("me", Reply.error(429, "API rate limit exceeded", retry_after="48925"))
    with open_session(settings, clock) as first, pytest.raises(Postponed):
        first.ask(me, "account")
    with open_session(settings, clock) as second, pytest.raises(Postponed, match="03:48:45"):
        second.ask(me, "account")
    assert spotify.paths == ["me"]
    clock.at_s += 48_926
    with open_session(settings, clock) as third:
        assert third.ask(me, "account")["id"] == "wizzler"


@pytest.mark.parametrize(("asked", "waited_s"), [("inf", 7 * 86_400), ("1e300", 7 * 86_400)])
def test_a_pause_without_end_is_one_of_a_week(spotify: FakeSpotify, session: SpotifySession, asked: str, waited_s: float) -> None:
    spotify.fault("me", Reply.error(429, "API rate limit exceeded", retry_after=asked))
    with pytest.raises(Postponed) as stopped:
        session.ask(me, "account")
    assert stopped.value.not_before == datetime.fromtimestamp(START_S + waited_s, UTC)


@pytest.mark.parametrize(
    ("asked", "waited_s"), [("soon", 30.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 30.0), ("-5", None), ("nan", None)]
)
def test_a_pause_that_is_no_number_is_the_usual_one(
    spotify: FakeSpotify, session: SpotifySession, clock: FakeClock, asked: str, waited_s: float | None
) -> None:
    spotify.fault("me", Reply.error(429, "API rate limit exceeded", retry_after=asked))
    assert session.ask(me, "account")["id"] == "wizzler"
    assert clock.slept == [waited_s or 1.0]


def test_a_short_pause_is_waited_out(spotify: FakeSpotify, session: SpotifySession, clock: FakeClock) -> None:
    spotify.fault("me", Reply.error(429, "API rate limit exceeded", retry_after="7"))
    assert session.ask(me, "account")["id"] == "wizzler"
    assert clock.slept == [7.0]


def test_the_third_short_pause_ends_the_command(spotify: FakeSpotify, session: SpotifySession, clock: FakeClock) -> None:
    spotify.fault("me", Reply.error(429, "API rate limit exceeded", retry_after="7"), times=3)
    with pytest.raises(Postponed):
        session.ask(me, "account")
    assert clock.slept == [7.0, 7.0]
    assert spotify.paths == ["me"] * 3


def test_a_429_without_a_pause_is_taken_for_one_of_spotifys_window(
    spotify: FakeSpotify, session: SpotifySession, clock: FakeClock
) -> None:
    spotify.fault("me", Reply(429, "Too many requests"))
    session.ask(me, "account")
    assert clock.slept == [30.0]


@pytest.mark.parametrize(
    "reply",
    [
        Reply.error(429, "Quota exceeded", reason="QUOTA_EXCEEDED"),
        Reply.error(429, "Quota exceeded", retry_after="5", reason="QUOTA_EXCEEDED"),
        Reply(429, {"error": {"status": 429, "message": "Quota exceeded"}, "reason": "QUOTA_EXCEEDED"}),
    ],
)
def test_a_spent_quota_ends_the_command_whatever_its_pause(
    spotify: FakeSpotify, session: SpotifySession, clock: FakeClock, reply: Reply
) -> None:
    spotify.fault("me", reply)
    with pytest.raises(Postponed, match="quota"):
        session.ask(me, "account")
    assert clock.slept == []


def test_a_quota_without_a_pause_is_asked_again_when_the_oldest_request_is_a_day_old(
    spotify: FakeSpotify, session: SpotifySession, clock: FakeClock
) -> None:
    session.ask(me, "account")
    clock.at_s += 600
    spotify.fault("me", Reply.error(429, "Quota exceeded", reason="QUOTA_EXCEEDED"))
    with pytest.raises(Postponed) as stopped:
        session.ask(me, "account")
    assert stopped.value.not_before == datetime.fromtimestamp(START_S + 86_400, UTC)


def test_a_server_error_is_asked_again_and_counted(spotify: FakeSpotify, session: SpotifySession) -> None:
    spotify.fault("me", Reply(502, "Bad gateway"), times=2)
    assert session.ask(me, "account")["id"] == "wizzler"
    assert spotify.paths == ["me"] * 3
    assert session.budget.used() == 3


def test_a_server_error_that_lasts_is_named(spotify: FakeSpotify, session: SpotifySession) -> None:
    spotify.fault("me", Reply(503, ""), times=9)
    with pytest.raises(SpotifyUnavailable, match="503"):
        session.ask(me, "account")


def test_an_answer_without_content_is_asked_for_once_more(spotify: FakeSpotify, session: SpotifySession) -> None:
    spotify.fault("me", Reply(200, ""))
    assert session.ask(me, "account")["id"] == "wizzler"
    assert spotify.paths == ["me"] * 2


def test_answers_without_content_end_the_command(spotify: FakeSpotify, session: SpotifySession) -> None:
    spotify.fault("me", Reply(200, ""), times=9)
    with pytest.raises(SpotifyUnavailable, match="without content"):
        session.ask(me, "account")


def test_a_server_that_is_away_is_named(settings: Settings, clock: FakeClock) -> None:
    away = settings.model_copy(update={"spotify_api_url": "http://127.0.0.1:9/v1/"})
    with open_session(away, clock) as session, pytest.raises(SpotifyUnavailable, match="does not answer"):
        session.ask(me, "account")


def test_a_token_that_ends_during_a_run_is_renewed(spotify: FakeSpotify, session: SpotifySession) -> None:
    session.ask(me, "account")
    spotify.accounts.expire()
    assert session.ask(me, "account")["id"] == "wizzler"
    assert spotify.accounts.grants == ["refresh_token"]


def test_a_login_that_has_ended_is_said_and_its_token_removed(
    spotify: FakeSpotify, session: SpotifySession, settings: Settings
) -> None:
    spotify.accounts.revoke()
    with pytest.raises(LoginNeeded, match="six months at most"):
        session.ask(me, "account")
    assert not TokenFile(spotify_folder(settings)).path.exists()


def test_a_renewed_token_that_is_not_taken_either_ends_the_command(spotify: FakeSpotify, session: SpotifySession) -> None:
    spotify.fault("me", Reply.error(401, "Invalid access token"), times=9)
    with pytest.raises(LoginNeeded, match="does not take the login"):
        session.ask(me, "account")
    assert spotify.paths == ["me"] * 2


def test_without_a_login_or_a_secret_nothing_is_asked(spotify: FakeSpotify, tmp_path: Path) -> None:
    with pytest.raises(LoginNeeded, match="segue ingest auth"), open_session(settings_for(spotify, tmp_path)):
        pass
    assert spotify.paths == []


def test_with_a_secret_the_catalogue_is_asked_without_a_login(spotify: FakeSpotify, tmp_path: Path, clock: FakeClock) -> None:
    settings = settings_for(spotify, tmp_path, spotify_client_secret=spotify.accounts.client_secret)
    with open_session(settings, clock) as session:
        found = session.ask(lambda client: client.search("song 7", limit=10, market="DE"), "search")
    assert found["tracks"]["items"][0]["name"] == "Song 7"
    assert spotify.accounts.grants == ["client_credentials"]


def test_a_wrong_secret_names_the_settings(spotify: FakeSpotify, tmp_path: Path, clock: FakeClock) -> None:
    settings = settings_for(spotify, tmp_path, spotify_client_secret="wrong")
    with open_session(settings, clock) as session, pytest.raises(ConfigurationError, match="SEGUE_SPOTIFY_CLIENT_SECRET"):
        session.ask(me, "account")


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize("name", ["spotify_client_id", "spotify_market"])
def test_a_missing_setting_is_named(spotify: FakeSpotify, tmp_path: Path, name: str, value: str | None) -> None:
    opened = open_session(settings_for(spotify, tmp_path, **{name: value}))
    with pytest.raises(ConfigurationError, match=f"SEGUE_{name.upper()} is not set"), opened:
        pass


def test_no_secret_is_logged_even_where_everything_is(
    spotify: FakeSpotify, tmp_path: Path, clock: FakeClock, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(spotify, tmp_path, spotify_client_secret=spotify.accounts.client_secret)
    before = logging.root.handlers[:], logging.root.level
    try:
        configure_logging("DEBUG")
        logging.getLogger("spotipy").setLevel(logging.DEBUG)
        with open_session(settings, clock) as session:
            session.ask(lambda client: client.search("song 7", limit=10, market="DE"), "search")
            spotify.fault("search", Reply.error(404, "Not found"))
            with pytest.raises(NotFound):
                session.ask(lambda client: client.search("song 7", limit=10, market="DE"), "search")
    finally:
        logging.root.handlers[:], logging.root.level = before
        logging.getLogger("spotipy").setLevel(logging.NOTSET)
    printed = capsys.readouterr().err
    assert "t0ken" not in printed
    assert "s3cr3t" not in printed
    assert "Bearer" not in printed
    assert spotify.accounts.client_secret not in repr(settings)
