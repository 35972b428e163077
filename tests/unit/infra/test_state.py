"""What the state directory remembers, and who can read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.passwords import load_passwords
from infra.local.report import masked
from infra.local.state import Lock, StateDir
from segue.errors import ConfigurationError


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    """A new state directory."""
    made = StateDir(tmp_path / "state")
    made.create()
    return made


def test_passwords_are_made_once(state: StateDir) -> None:
    first, second = load_passwords(state), load_passwords(state)
    assert (first.postgres, first.redis) == (second.postgres, second.redis)
    assert first.postgres != first.redis
    assert len(first.postgres) >= 32


def test_passwords_and_addresses_are_for_their_owner_only(state: StateDir) -> None:
    load_passwords(state)
    state.write_environment({"SEGUE_REDIS_URL": "redis://:secret@127.0.0.1:1/0"})
    assert (state.path / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert (state.path / "stack.env").stat().st_mode & 0o777 == 0o600
    assert state.path.stat().st_mode & 0o777 == 0o700


def test_passwords_do_not_show_when_printed(state: StateDir) -> None:
    passwords = load_passwords(state)
    assert passwords.redis not in repr(passwords)


def test_a_damaged_file_is_named(state: StateDir) -> None:
    (state.path / "secrets.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"secrets\.json is damaged"):
        load_passwords(state)


def test_only_one_holds_the_lock(state: StateDir) -> None:
    first, second = Lock(state.run / "lock"), Lock(state.run / "lock")
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()
    second.release()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://segue:geheim@127.0.0.1:5432/segue", "postgresql://segue:***@127.0.0.1:5432/segue"),
        ("redis://:geheim@127.0.0.1:6379/0", "redis://:***@127.0.0.1:6379/0"),
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        (None, None),
    ],
)
def test_addresses_are_shown_without_passwords(url: str | None, shown: str | None) -> None:
    assert masked(url) == shown
