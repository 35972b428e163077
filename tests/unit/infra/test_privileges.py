"""Root gives Postgres to another account, and finds out by trying what that account can reach."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra.local.postgres import choose_home
from infra.local.privileges import can_write, run_as, server_account
from infra.local.state import StateDir

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can drop to another account")


def test_an_ordinary_user_runs_postgres_itself() -> None:
    assert server_account(uid=1000) is None


def test_root_runs_postgres_as_somebody_without_rights() -> None:
    account = server_account(uid=0)
    assert account is not None
    assert account.uid != 0
    assert account.name in {"postgres", "nobody"}


def test_an_ordinary_users_data_stays_in_the_state_directory(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "state")
    state.create()
    assert choose_home(state, None) == tmp_path / "state" / "data" / "postgres"


@as_root
def test_a_command_runs_as_the_account() -> None:
    account = server_account()
    assert account is not None
    assert run_as(account, ["id", "-u"]).stdout.strip() == str(account.uid)


@as_root
def test_an_account_cannot_write_below_a_private_folder(tmp_path: Path) -> None:
    private = tmp_path / "private"
    (private / "data").mkdir(parents=True)
    (private / "data").chmod(0o777)
    private.chmod(0o700)
    assert can_write(None, private / "data")
    assert not can_write(server_account(), private / "data")


@as_root
def test_data_goes_outside_a_state_directory_that_the_account_cannot_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (tmp_path.parent.parent, tmp_path.parent, tmp_path):
        folder.chmod(0o711)
    outside = tmp_path / "outside"
    monkeypatch.setattr("infra.local.postgres.OUTSIDE", outside)
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    state = StateDir(private / "state")
    state.create()
    account = server_account()
    home = choose_home(state, account)
    assert home.parent == outside
    assert can_write(account, home)
    assert choose_home(state, account) == home
