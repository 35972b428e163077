"""What the doctor says of each kind of application, and that it is remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from producers.spotify.doctor import examined
from producers.spotify.session import open_session
from segue.errors import NotAllowed
from tests.fakes.spotify import EXT, EXT_WITH_FEATURES, NEW_DEV, OLD_DEV, AppKind, FakeSpotify, Library, Reply
from tests.unit.producers.spotify.conftest import FakeClock, log_in, settings_for
from tests.unit.producers.spotify.made import saved


def library() -> Library:
    """A Spotify that has the track which the doctor asks for, since it has all."""

    class Whole(Library):
        def number(self, kind: str, wanted: str) -> int | None:  # noqa: ARG002  # the base class's
            return 1

    return Whole()


@pytest.mark.parametrize(
    ("kind", "batch", "search", "features", "popularity"),
    [
        (NEW_DEV, "no", "up to 10 results in one request", "no", "without popularity, as newer applications get them"),
        (OLD_DEV, "yes", "up to 50 results in one request", "no", "with popularity"),
        (EXT, "yes", "up to 50 results in one request", "no", "with popularity"),
        (EXT_WITH_FEATURES, "yes", "up to 50 results in one request", "yes", "with popularity"),
    ],
)
def test_each_capability_costs_one_request(
    tmp_path: Path, kind: AppKind, batch: str, search: str, features: str, popularity: str
) -> None:
    with FakeSpotify(kind, library()) as spotify:
        settings = settings_for(spotify, tmp_path)
        log_in(spotify, settings)
        with open_session(settings, FakeClock()) as session:
            found = {finding.what: finding for finding in examined(session)}
    assert (found["several ids"].verdict, found["audio features"].verdict) == (batch, features)
    assert (found["search"].sentence, found["tracks"].sentence) == (search, popularity)
    assert spotify.paths == ["me", "me/playlists", "tracks/11dFghVXANMlKmJXsNCbNl", "tracks", "search", "audio-features"]


def test_what_was_found_is_not_asked_again(tmp_path: Path) -> None:
    with FakeSpotify(NEW_DEV, library()) as spotify:
        spotify.library.account.saved = [(1, "2026-01-01T00:00:00Z")]
        settings = settings_for(spotify, tmp_path)
        log_in(spotify, settings)
        with open_session(settings, FakeClock()) as session:
            list(examined(session))
        with open_session(settings, FakeClock()) as session:
            list(saved(session).pages(None))
    assert spotify.paths.count("audio-features") == 1


def test_without_a_person_only_the_catalogue_is_examined(tmp_path: Path) -> None:
    with FakeSpotify(NEW_DEV, library()) as spotify:
        settings = settings_for(spotify, tmp_path, spotify_client_secret=spotify.accounts.client_secret)
        with open_session(settings, FakeClock()) as session:
            (login, *_) = list(examined(session))
    assert (login.what, login.verdict) == ("login", "no")
    assert not [path for path in spotify.paths if path.startswith("me")]


def test_what_concerns_everything_is_raised(tmp_path: Path) -> None:
    with FakeSpotify(NEW_DEV, library()) as spotify:
        settings = settings_for(spotify, tmp_path)
        log_in(spotify, settings)
        spotify.fault("me", Reply(403, "User not registered in the Developer Dashboard"))
        with open_session(settings, FakeClock()) as session, pytest.raises(NotAllowed, match="User Management"):
            list(examined(session))
