"""A made-up ReccoBeats, and a client of it whose clock nobody waits for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from producers.features.reccobeats import ReccoBeats, open_reccobeats
from segue.settings import Settings
from tests.fakes.reccobeats import FakeReccoBeats
from tests.unit.producers.spotify.conftest import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def service() -> Iterator[FakeReccoBeats]:
    with FakeReccoBeats() as running:
        yield running


@pytest.fixture
def settings(service: FakeReccoBeats, tmp_path: Path) -> Settings:
    return Settings(reccobeats_url=service.url, state_dir=tmp_path, reccobeats_timeout_s=0.5)


@pytest.fixture
def client(settings: Settings, clock: FakeClock) -> Iterator[ReccoBeats]:
    with open_reccobeats(settings, clock) as opened:
        yield opened
