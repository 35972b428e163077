"""Postgres on loopback, with a password, durable, and never as root."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from infra.local.ports import LOOPBACK
from infra.local.postgres_binaries import Binaries, data_major, find_binaries, reachable
from infra.local.privileges import Account, can_write, hand_over, open_to_traverse, run_as, server_account
from infra.local.server import Program, Server
from infra.local.state import StateDir
from segue.errors import ConfigurationError, PostgresUnavailable

NAME = "segue"
"""Of the database and of the role."""
PLACE = "place.json"
OWNER = "state_dir"
"""Names the state directory that a folder outside belongs to."""
OUTSIDE = Path("/var/lib/segue")
"""Where the data goes when the unprivileged account cannot reach the state directory."""
PROBE_TIMEOUT_S = 1
BUILTIN_LOCALES_SINCE = 17

OPTIONS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "max_connections": "100",
    # Compiling costs more than it saves in transactions of milliseconds.
    "jit": "off",
    "log_min_messages": "warning",
    # Statements can carry ids of listeners.
    "log_min_error_statement": "panic",
}


@dataclass(frozen=True)
class Cluster:
    """A data directory and the programs and account that serve it."""

    data: Path
    binaries: Binaries
    account: Account | None


def prepare_cluster(state: StateDir, password: str, asked: Path | None) -> Cluster:
    """Find or make the data directory. Raises ConfigurationError that says what to do."""
    account = server_account()
    home = choose_home(state, account)
    data = home / "data"
    binaries = reachable(find_binaries(asked, data_major(data)), account, home)
    cluster = Cluster(data, binaries, account)
    if data_major(data) is None:
        _initialise(cluster, password)
    return cluster


def choose_home(state: StateDir, account: Account | None) -> Path:
    """The folder that holds Postgres' data: in the state directory if the account can write there, else below /var/lib/segue.

    What was chosen once is remembered, so the data is found again when the state directory has moved.
    """
    remembered = state.read(PLACE).get("postgres")
    if remembered is not None:
        return _claimed(Path(remembered), state)
    inside = state.data / "postgres"
    hand_over(inside, account)
    if account is None:
        return inside
    for folder in (state.path, state.data):
        open_to_traverse(folder)
    if can_write(account, inside):
        return inside
    inside.rmdir()
    OUTSIDE.mkdir(mode=0o711, parents=True, exist_ok=True)
    outside = OUTSIDE / uuid.uuid4().hex[:16]
    hand_over(outside, account)
    if not can_write(account, outside):
        raise ConfigurationError(
            f"Postgres must not run as root, and {account.name} can write neither {inside} nor {outside}: set SEGUE_STATE_DIR"
        )
    state.write(PLACE, {"postgres": str(outside)})
    return _claimed(outside, state)


def abandoned_homes() -> list[Path]:
    """Folders outside whose state directory is gone; nothing removes them by itself, since it may only have moved."""
    return [home for home in sorted(OUTSIDE.glob("*")) if not _owner_of(home).exists()]


def erase_home(state: StateDir) -> None:
    """Remove what `choose_home` put outside the state directory, if anything."""
    remembered = state.read(PLACE).get("postgres")
    if remembered is not None:
        shutil.rmtree(remembered)
        (state.path / PLACE).unlink()


def _claimed(home: Path, state: StateDir) -> Path:
    (home / OWNER).write_text(str(state.path))
    return home


def _owner_of(home: Path) -> Path:
    try:
        return Path((home / OWNER).read_text())
    except FileNotFoundError:
        return home


def postgres_server(cluster: Cluster, port: int, password: str) -> Server:
    """Describe how the server runs; its password is in the data directory only, as a SCRAM verifier."""
    options = [part for name, value in OPTIONS.items() for part in ("-c", f"{name}={value}")]
    program = Program(
        name="postgres",
        command=[str(cluster.binaries.postgres), "-D", str(cluster.data), "-p", str(port), *options],
        directory=cluster.data,
        user=cluster.account.name if cluster.account else None,
        stop_signal="INT",
        stop_wait_s=30,
        priority=20,
    )
    url = f"postgresql://{NAME}:{password}@{LOOPBACK}:{port}/{NAME}"
    return Server(program, "SEGUE_POSTGRES_URL", url, lambda: check_or_create(url))


def check_postgres(url: str) -> None:
    """Return when the database answers. Raises PostgresUnavailable."""
    try:
        psycopg2.connect(url, connect_timeout=PROBE_TIMEOUT_S).close()
    except psycopg2.OperationalError as error:
        raise PostgresUnavailable(f"Postgres does not answer ({str(error).strip()})") from error


def check_or_create(url: str) -> None:
    """Return when the database answers; a new cluster has none yet, so it is created. Raises PostgresUnavailable."""
    try:
        check_postgres(url)
    except PostgresUnavailable as error:
        if f'database "{NAME}" does not exist' not in str(error):
            raise
        _create_database(url)


def _create_database(url: str) -> None:
    try:
        connection = psycopg2.connect(url, dbname="postgres", connect_timeout=PROBE_TIMEOUT_S)
    except psycopg2.OperationalError as error:
        raise PostgresUnavailable(f"Postgres does not answer ({str(error).strip()})") from error
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{NAME}"')
    except psycopg2.errors.DuplicateDatabase:
        return
    finally:
        connection.close()


def _initialise(cluster: Cluster, password: str) -> None:
    """Run initdb beside the final place and move the result there, so that a half-made directory is never taken for data."""
    fresh = cluster.data.with_name("data.new")
    shutil.rmtree(fresh, ignore_errors=True)
    with tempfile.NamedTemporaryFile("w", dir=cluster.data.parent, prefix=".password-") as file:
        file.write(password)
        file.flush()
        if cluster.account is not None:
            os.chown(file.name, cluster.account.uid, cluster.account.gid)
        done = run_as(cluster.account, _initdb_command(cluster.binaries, fresh, Path(file.name)), cwd=cluster.data.parent)
    if done.returncode != 0:
        raise ConfigurationError(f"Postgres' initdb failed in {fresh}: {done.stdout.strip()[-800:]}")
    shutil.rmtree(cluster.data, ignore_errors=True)
    fresh.rename(cluster.data)


def _initdb_command(binaries: Binaries, data: Path, password_file: Path) -> list[str]:
    locale = ["--locale=C.UTF-8"]
    if binaries.major >= BUILTIN_LOCALES_SINCE:
        locale = ["--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return [
        str(binaries.initdb),
        *("-D", str(data)),
        *("-U", NAME),
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        *locale,
    ]
