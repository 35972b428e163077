"""Settings and sessions that lead to the made-up Spotify, and a clock that nobody waits for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from producers.spotify.login import TokenFile, spotify_folder
from producers.spotify.session import SpotifySession, open_session
from segue.settings import Settings
from tests.fakes.spotify import FakeSpotify, Library

START_S = 1_790_000_000.0


@dataclass
class FakeClock:
    """Sleeping moves it; `slept`: for how long each time."""

    at_s: float = START_S
    slept: list[float] = field(default_factory=list)

    def now_s(self) -> float:
        return self.at_s

    def wait(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at_s += seconds

    def stopped(self) -> bool:
        return False


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def spotify() -> Iterator[FakeSpotify]:
    with FakeSpotify(library=Library()) as running:
        yield running


@pytest.fixture
def settings(spotify: FakeSpotify, tmp_path: Path) -> Settings:
    """Of somebody who is logged in."""
    found = settings_for(spotify, tmp_path)
    log_in(spotify, found)
    return found


@pytest.fixture
def session(settings: Settings, clock: FakeClock) -> Iterator[SpotifySession]:
    with open_session(settings, clock) as opened:
        yield opened


def settings_for(spotify: FakeSpotify, folder: Path, **changed: object) -> Settings:
    """Settings that lead to a made-up Spotify."""
    values: dict[str, object] = {name.removeprefix("SEGUE_").lower(): value for name, value in spotify.environment.items()}
    return Settings(**(values | {"state_dir": folder / "state"} | changed))  # type: ignore[arg-type]  # of many types


def log_in(spotify: FakeSpotify, settings: Settings) -> None:
    """Have a token of the person."""
    TokenFile(spotify_folder(settings)).save_token_to_cache(spotify.accounts.log_in())
