"""The local stack with real servers: up, what it says of itself, a killed server, down, and what survives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest
import redis

from infra.local.orphans import find_orphans
from infra.local.stack import AlreadyRunning, LocalStack

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory of this module's own."""
    return tmp_path_factory.mktemp("stack") / "state"


@pytest.fixture(scope="module")
def cli(state_dir: Path) -> Cli:
    """`cli("status", "--json")`: a `segue` command as a person would run it, without addresses in the environment."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SEGUE_") or name == "SEGUE_CACHE_DIR"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "segue.cli", *arguments]
        environment = inherited | {"SEGUE_STATE_DIR": str(state_dir), "COLUMNS": "200"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    return run


@pytest.fixture(scope="module")
def own_stack(state_dir: Path) -> Iterator[LocalStack]:
    """The servers on ports of their own, whatever the session's environment says."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SEGUE_KAFKA_BOOTSTRAP", "SEGUE_POSTGRES_URL", "SEGUE_REDIS_URL", "SEGUE_API_PORT", "SEGUE_UI_PORT"):
            patch.delenv(name, raising=False)
        stack = LocalStack(state_dir, preferred_ports={})
    try:
        stack.start_servers()
        yield stack
    finally:
        stack.erase()


def report_of(cli: Cli, *options: str) -> dict[str, Any]:
    """What `segue status --json` prints."""
    done = cli("status", "--json", *options)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_nothing_runs_before_it_is_started(cli: Cli) -> None:
    done = cli("status")
    assert done.returncode == 3
    assert "start it with `segue up`" in done.stderr


def test_doctor_finds_what_it_needs(cli: Cli) -> None:
    done = cli("doctor", "--json")
    verdicts = {row["subject"]: row["verdict"] for row in json.loads(done.stdout)["findings"]}
    assert done.returncode == 0
    assert {verdicts[name] for name in ("Python", "Java", "Kafka jars", "Postgres", "Redis", "disk")} == {"ok"}


def test_status_names_the_addresses_and_processes(own_stack: LocalStack, cli: Cli, wait_until: Callable[..., None]) -> None:
    report = report_of(cli)

    # A server answers before the supervisor, which waits a second for an early death, calls it running.
    def servers_run() -> bool:
        states = {row["name"]: row["state"] for row in report_of(cli)["processes"]}
        return {states[name] for name in ("kafka", "postgres", "redis")} == {"RUNNING"}

    wait_until(servers_run, 30, "three running servers")
    assert set(report) == {"urls", "bootstrap", "postgres", "redis", "processes"}
    assert report["bootstrap"] == own_stack.environment["SEGUE_KAFKA_BOOTSTRAP"]


def test_status_shows_passwords_only_when_asked(own_stack: LocalStack, cli: Cli) -> None:
    url = own_stack.environment["SEGUE_POSTGRES_URL"]
    assert "segue:***@127.0.0.1" in report_of(cli)["postgres"]
    assert report_of(cli, "--secrets")["postgres"] == url


def test_no_password_is_on_a_command_line_or_in_a_log(own_stack: LocalStack) -> None:
    secrets = json.loads((own_stack.state.path / "secrets.json").read_text()).values()
    lines = [" ".join(process.cmdline()) for process in find_orphans(own_stack.state.path)]
    logs = [path.read_text(errors="replace") for path in own_stack.state.logs.iterdir()]
    assert len(lines) >= 4
    assert not [text for text in lines + logs if any(secret in text for secret in secrets)]


def test_postgres_never_runs_as_root(own_stack: LocalStack) -> None:
    pid = own_stack.pid("postgres")
    assert pid is not None
    assert psutil.Process(pid).uids().real != 0


def test_a_second_up_says_what_runs_and_changes_nothing(own_stack: LocalStack, cli: Cli) -> None:
    before = own_stack.pid("kafka")
    done = cli("up")
    assert done.returncode == 0
    assert "runs already" in done.stdout
    assert "kafka" in done.stdout
    assert own_stack.pid("kafka") == before


def test_a_second_stack_on_the_same_directory_is_refused(own_stack: LocalStack) -> None:
    with pytest.raises(AlreadyRunning, match="segue down"):
        LocalStack(own_stack.state.path, preferred_ports={}).start_servers()


@pytest.mark.parametrize("name", ["redis", "postgres"])
def test_a_killed_server_comes_back_and_is_counted(own_stack: LocalStack, name: str) -> None:
    before, restarts = own_stack.pid(name), own_stack.restarts()[name]
    own_stack.kill(name)
    deadline = time.monotonic() + 20
    while own_stack.pid(name) in (before, None) and time.monotonic() < deadline:
        time.sleep(0.05)
    own_stack.wait_ready(name, timeout_s=20)
    assert own_stack.restarts()[name] == restarts + 1


def test_data_addresses_and_passwords_survive_down_and_up(own_stack: LocalStack, cli: Cli) -> None:
    before = dict(own_stack.environment)
    query(before, "create table kept as select 42 as answer")
    with redis.Redis.from_url(before["SEGUE_REDIS_URL"]) as client:
        client.set("kept", "42")
    assert cli("down").returncode == 0
    assert find_orphans(own_stack.state.path) == []
    assert cli("status").returncode == 3
    own_stack.down()

    own_stack.start_servers()

    assert own_stack.environment == before
    assert query(before, "table kept") == "SELECT 1"
    with redis.Redis.from_url(before["SEGUE_REDIS_URL"]) as client:
        assert client.get("kept") == b"42"


def query(environment: dict[str, str], statement: str) -> str | None:
    """Run one statement and return what Postgres says it did."""
    connection = psycopg2.connect(environment["SEGUE_POSTGRES_URL"])
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.statusmessage
    finally:
        connection.close()


def test_servers_left_over_by_a_killed_supervisor_are_ended_and_replaced(own_stack: LocalStack) -> None:
    supervisor = int((own_stack.state.run / "supervisord.pid").read_text())
    left_over = own_stack.pid("redis")
    assert left_over is not None
    psutil.Process(supervisor).kill()
    own_stack.down()

    own_stack.start_servers()

    assert own_stack.pid("redis") != left_over
    assert not psutil.pid_exists(left_over)
