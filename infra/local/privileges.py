"""Postgres refuses to run as root, so root hands it to another account; what that account can reach is tried, not guessed."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from segue.errors import ConfigurationError

CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """A system account to drop to."""

    name: str
    uid: int
    gid: int


def server_account(uid: int | None = None) -> Account | None:
    """The account that Postgres runs as: None (our own) unless we are root. Raises ConfigurationError when there is none."""
    if (os.geteuid() if uid is None else uid) != 0:
        return None
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise ConfigurationError(
        "running as root, and neither 'postgres' nor 'nobody' exists to run Postgres as: add one with `useradd -r postgres`"
    )


def run_as(account: Account | None, command: Sequence[str], cwd: Path | str = "/") -> subprocess.CompletedProcess[str]:
    """Run to the end as `account` (None: as ourselves) with stdout and stderr in `.stdout`. Raises OSError if it cannot start."""
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
    identity = {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}
    environment = {"PATH": os.defpath, "LC_ALL": "C"}
    return subprocess.run(command, cwd=cwd, text=True, check=False, env=environment, **output, **identity)  # type: ignore[call-overload,no-any-return]


def can_write(account: Account | None, folder: Path) -> bool:
    """Whether the account can create a file in this existing folder."""
    probe = folder / f".probe-{os.getpid()}"
    return _succeeds(account, ["/bin/sh", "-c", 'cd "$1" && : > "$2" && rm "$2"', "sh", str(folder), str(probe)])


def can_run(account: Account | None, binary: Path) -> bool:
    """Whether the account can start this program (tried with `--version`)."""
    return _succeeds(account, [str(binary), "--version"])


def hand_over(folder: Path, account: Account | None) -> None:
    """Make the folder, private to the account."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account is not None:
        os.chown(folder, account.uid, account.gid)


def open_to_traverse(folder: Path) -> None:
    """Let other accounts pass through a folder of ours without letting them list it."""
    folder.chmod(folder.stat().st_mode | 0o111)


def _succeeds(account: Account | None, command: Sequence[str]) -> bool:
    try:
        return run_as(account, command).returncode == 0
    except OSError:
        return False
