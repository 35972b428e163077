"""The state directory: where everything that the local stack remembers lives.

<state>/stack.json      ports and places chosen at the first start (kept from then on)
<state>/secrets.json    generated passwords (mode 0600)
<state>/stack.env       addresses and passwords for every `segue` command (mode 0600, only while servers run)
<state>/run/            generated configuration, supervisor's socket, the lock
<state>/logs/           one log for each process
<state>/data/           the servers' data
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from segue.errors import ConfigurationError
from segue.settings import STACK_ENV

LONGEST_SOCKET_PATH = 90
"""sockaddr_un holds 107 bytes; supervisor binds to a temporary name with a suffix of its own first."""


class StateDir:
    """Paths inside one state directory. Creating it is `create()`; nothing else touches the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.run = self.path / "run"
        self.logs = self.path / "logs"
        self.data = self.path / "data"
        self.stack_env = self.path / STACK_ENV
        self.supervisor_config = self.run / "supervisord.conf"

    def create(self) -> None:
        """Make the directories. Raises ConfigurationError when they cannot be written."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.run, self.logs, self.data):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"the state directory {self.path} cannot be written ({error.strerror}): set SEGUE_STATE_DIR to one that can"
            ) from error

    def log(self, program: str) -> Path:
        """Where supervisor writes what `program` prints."""
        return self.logs / f"{program}.log"

    def socket(self) -> Path:
        """Supervisor's socket; in a private folder of /tmp when this path is too long for a Unix socket."""
        near = self.run / "supervisor.sock"
        if len(os.fsencode(near)) <= LONGEST_SOCKET_PATH:
            return near
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        return _private_folder(Path(tempfile.gettempdir()) / f"segue-{os.getuid()}-{digest}") / "supervisor.sock"

    def read(self, name: str) -> dict[str, Any]:
        """A small JSON object of this directory; empty when it does not exist. Raises ConfigurationError when it is damaged."""
        try:
            value = json.loads((self.path / name).read_text())
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise ConfigurationError(
                f"{self.path / name} is damaged ({error}): restore it, or start with a new SEGUE_STATE_DIR"
            ) from error
        if not isinstance(value, dict):
            raise ConfigurationError(f"{self.path / name} is damaged (not an object): restore it, or use a new SEGUE_STATE_DIR")
        return value

    def write(self, name: str, value: Mapping[str, object]) -> None:
        """Replace a small JSON object of this directory."""
        write_private(self.path / name, json.dumps(value, indent=2, sort_keys=True) + "\n")

    def write_environment(self, environment: Mapping[str, str]) -> None:
        """Note addresses and passwords where `load_settings` finds them."""
        write_private(self.stack_env, "".join(f"{name}={value}\n" for name, value in environment.items()))


def write_private(path: Path, text: str) -> None:
    """Replace a file atomically, readable by its owner only, and on the disk before this returns."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


class Lock:
    """An exclusive lock that ends with its process, however that ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    @property
    def held(self) -> bool:
        """Whether this object has it."""
        return self._file is not None

    def acquire(self) -> bool:
        """True if the lock is ours now; False if another process has it."""
        file = self.path.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def wait(self) -> None:
        """Take the lock, after whoever has it now."""
        self._file = self.path.open("a")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _private_folder(path: Path) -> Path:
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ConfigurationError(f"{path} belongs to somebody else: remove it or use a shorter SEGUE_STATE_DIR")
    return path
