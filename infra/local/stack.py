"""The local stack as an object: for `segue up`, for the tests and for the benchmarks."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import xmlrpc.client
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import TracebackType

from infra.local.orphans import MARK, end_orphans
from infra.local.ports import FIRST_WORKER_PORT, PREFERRED_PORTS, PortClaims, choose_ports
from infra.local.programs import app_programs, segue, worker_names
from infra.local.server import Server
from infra.local.settings import external_addresses
from infra.local.state import Lock, StateDir, write_private
from infra.local.supervision import ProcessStatus, SupervisorClient, SupervisorUnavailable, supervisor_config
from segue.errors import ConfigurationError, SegueError, Unavailable
from segue.settings import Settings, load_external_settings
from segue.stores.commands import state_facts
from segue.stores.postgres.database import Database
from segue.stores.postgres.migrations import migrate

log = logging.getLogger(__name__)

STACK = "stack.json"
START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 60.0
POLL_S = 0.05
HOPELESS_RESTARTS = 3
"""A process that ended this often before it was ready will not become ready."""
LOG_TAIL_LINES = 15
FATAL = "FATAL"
RUNNING = "RUNNING"
SERVERS = ("kafka", "postgres", "redis")
STOP_ORDER: tuple[tuple[str, ...], ...] = (("simulator", "ui"), ("api", "trainer", "process"), SERVERS)


class StartFailed(SegueError):
    """A process did not start; the message holds its last log lines and what to do."""


class AlreadyRunning(SegueError):
    """Another `segue up` works with this state directory."""


class LocalStack:
    """Real servers and Segue's processes under a supervisor, with all data in one state directory.

    `preferred_ports` maps names (`PREFERRED_PORTS`) to ports to take when they are free; `{}` takes any. `environment` is added
    to that of every process. As a context manager it takes everything down at the end; the data stays.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        workers: int = 1,
        settings: Settings | None = None,
        preferred_ports: Mapping[str, int] = PREFERRED_PORTS,
        environment: Mapping[str, str] | None = None,
        report: Callable[[str], None] = log.info,
    ) -> None:
        self.state = StateDir(state_dir)
        self.workers = workers
        self.environment: dict[str, str] = {}
        self._settings = settings or load_external_settings()
        self._preferred_ports = preferred_ports
        self._extra = dict(environment or {})
        self._report = report
        self._lock = Lock(self.state.run / "lock")
        self._claims = PortClaims()
        self._ports: dict[str, int] = {}
        self._servers: dict[str, Server] = {}
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._begun: list[subprocess.Popen[bytes]] = []
        self._given_up = threading.Event()

    def __enter__(self) -> LocalStack:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()

    def start_servers(self) -> dict[str, str]:
        """Start Kafka, Postgres and Redis (those without an address of their own) and wait until they answer.

        Returns the environment that connects to them. Raises AlreadyRunning, StartFailed, ConfigurationError, Unavailable.
        """
        self.launch_servers()
        return self.await_servers()

    def launch_servers(self, beside: Sequence[str] = ()) -> None:
        """Start the servers without waiting for them; `await_servers` does.

        `beside` names programs to launch at the same time: they wait for the servers themselves, and loading their code takes as
        long as the servers' start. Raises AlreadyRunning, StartFailed, ConfigurationError.
        """
        # Imported late, as below: the servers' client libraries take a second, which `segue status` should not.
        from infra.local.servers import describe_servers

        self.state.create()
        self._take_lock()
        for name in end_orphans(self.state.path):
            self._report(f"stopped {name}, left over from an earlier run")
        self._ports = self._choose_ports()
        self._servers = describe_servers(self.state, self._settings, self._ports, self._report)
        self._write_environment()
        self._start_supervisor()
        for name in (*self._servers, *beside):
            self._client().call("supervisor.startProcess", name, False)

    def await_servers(self) -> dict[str, str]:
        """Wait until every launched server answers; the environment that connects to them. Raises StartFailed."""
        with ThreadPoolExecutor(max(1, len(self._servers))) as pool:
            try:
                list(pool.map(self.wait_ready, self._servers))
            except BaseException:
                self._given_up.set()
                raise
        return dict(self.environment)

    def prepare_stores(self) -> None:
        """Bring the tables up to date and create the topics. Raises StartFailed, Unavailable, ConfigurationError."""
        from segue.kafka import ensure_topics

        with ThreadPoolExecutor(1) as pool:
            topics = pool.submit(ensure_topics, self.environment["SEGUE_KAFKA_BOOTSTRAP"], self._settings.kafka_partitions)
            with closing(Database(self.environment["SEGUE_POSTGRES_URL"])) as database:
                migrate(database, state_facts(self._settings))
            topics.result()

    def run_segue(self, *arguments: str) -> None:
        """Run a `segue` command to its end, its output in the logs. Raises StartFailed with the last lines."""
        self.begin_segue(*arguments)()

    def begin_segue(self, *arguments: str, fine: Collection[int] = (0,)) -> Callable[[], None]:
        """Begin a `segue` command; call what is returned to wait for its end. Raises StartFailed unless its code is `fine`."""
        path = self.state.log(arguments[0])
        with path.open("wb") as output:
            process = subprocess.Popen(
                segue(*arguments),
                env=os.environ | self.environment | {MARK: str(self.state.path)},
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        self._begun.append(process)

        def finish() -> None:
            try:
                code = process.wait()
            except BaseException:
                process.terminate()
                raise
            if code not in fine:
                raise StartFailed(f"`segue {' '.join(arguments)}` ended with code {code}. {self._last_words(path)}")

        return finish

    def start(self, *names: str) -> None:
        """Start programs and wait until all run. Raises StartFailed."""
        for name in names:
            try:
                self._client().call("supervisor.startProcess", name, False)
            except xmlrpc.client.Fault as fault:
                if "ALREADY_STARTED" not in fault.faultString:
                    raise StartFailed(f"{name} cannot be started ({fault.faultString}). {self.last_words(name)}") from fault
        for name in names:
            self._await(name, lambda name=name: self.status_of(name).state == RUNNING, START_TIMEOUT_S)  # type: ignore[misc]

    def stop(self, *names: str) -> None:
        """Stop programs, all at once, and wait until they have ended; they stay stopped."""
        for name in names:
            self._ask_to_stop(name)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while any(status.pid for status in self.processes() if status.name in names) and time.monotonic() < deadline:
            time.sleep(POLL_S)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal behind the supervisor's back. Raises ConfigurationError when the program does not run."""
        pid = self.pid(name)
        if pid is None:
            raise ConfigurationError(f"{name} does not run")
        os.kill(pid, number)

    def pid(self, name: str) -> int | None:
        """The process id; None when it does not run."""
        return self.status_of(name).pid

    def status_of(self, name: str) -> ProcessStatus:
        """One program's status. Raises ConfigurationError for an unknown name."""
        for status in self.processes():
            if status.name == name:
                return status
        raise ConfigurationError(f"no program is called {name}: {', '.join(status.name for status in self.processes())}")

    def processes(self) -> list[ProcessStatus]:
        """All programs. Raises SupervisorUnavailable when the stack does not run."""
        return self._client().processes()

    def restarts(self) -> dict[str, int]:
        """How often each program was restarted without being asked to."""
        return {status.name: status.restarts for status in self.processes()}

    def wait_ready(self, name: str, timeout_s: float = START_TIMEOUT_S) -> None:
        """Wait until a server of this stack answers. Raises StartFailed."""
        server, began = self._servers[name], time.monotonic()
        self._await(name, lambda: _answers(server), timeout_s)
        self._report(f"{name} ready after {time.monotonic() - began:.1f} s")

    def running(self) -> bool:
        """Whether a supervisor serves this state directory, started by whomever."""
        return self._client().answers()

    def metrics_port(self, name: str) -> int:
        """Port of the Prometheus metrics of a worker or the trainer."""
        return self.ports()[name]

    def ports(self) -> dict[str, int]:
        """The ports that were chosen, by name."""
        return self._ports or {str(name): int(port) for name, port in self.state.read(STACK).items()}

    def log_path(self, name: str) -> Path:
        """The file with what a program prints."""
        return self.state.log(name)

    def release(self) -> None:
        """Take down what this object started, and nothing of another `segue up` that holds the state directory."""
        if self._lock.held:
            self.down()

    def down(self) -> None:
        """Stop everything in order: sources first, then readers and writers, then the servers. Harmless when nothing runs."""
        for process in self._begun:
            if process.poll() is None:
                process.terminate()
        try:
            for phase in STOP_ORDER:
                self.stop(*(status.name for status in self.processes() if status.pid and status.name.split("-")[0] in phase))
            self._client().call("supervisor.shutdown")
        except SupervisorUnavailable:
            log.debug("no supervisor to shut down")
        self._await_end_of_supervisor()
        self.state.stack_env.unlink(missing_ok=True)
        self._claims.release()
        self._lock.release()

    def erase(self) -> None:
        """Take everything down and remove all data, also what Postgres keeps outside the state directory."""
        from infra.local.postgres import erase_home

        self.down()
        erase_home(self.state)
        shutil.rmtree(self.state.path, ignore_errors=True)

    def _client(self) -> SupervisorClient:
        return SupervisorClient(self.state.socket())

    def _take_lock(self) -> None:
        if not self._lock.acquire():
            raise AlreadyRunning(
                f"another `segue up` works with {self.state.path}: see `segue status`, or stop it with `segue down`"
            )
        if self.running():
            self._lock.release()
            raise AlreadyRunning(f"the stack in {self.state.path} runs already: see `segue status`, or stop it with `segue down`")

    def _choose_ports(self) -> dict[str, int]:
        wanted = {name: self._preferred_ports.get(name, 0) for name in PREFERRED_PORTS}
        first = FIRST_WORKER_PORT if self._preferred_ports else 0
        wanted |= {name: first and first + index for index, name in enumerate(worker_names(self.workers))}
        remembered = self.ports()
        for name in ("api", "ui"):
            if f"{name}_port" in self._settings.model_fields_set and getattr(self._settings, f"{name}_port"):
                remembered[name] = self._required_port(name)
        chosen = choose_ports(wanted, remembered, self._claims)
        for name in wanted:
            if remembered.get(name, chosen[name]) != chosen[name]:
                self._report(f"port {remembered[name]} of {name} is taken, using {chosen[name]}")
        self.state.write(STACK, remembered | chosen)
        return remembered | chosen

    def _required_port(self, name: str) -> int:
        port = int(getattr(self._settings, f"{name}_port"))
        if not self._claims.claim(port):
            raise ConfigurationError(
                f"SEGUE_{name.upper()}_PORT={port} is taken by another program: stop that or choose another port"
            )
        self._claims.release()
        return port

    def _write_environment(self) -> None:
        connections = {server.variable: server.url for server in self._servers.values()}
        own = connections | {f"SEGUE_{name.upper()}_PORT": str(self._ports[name]) for name in ("api", "ui")}
        self.state.write_environment(own)
        self.environment = external_addresses(self._settings) | own | {"SEGUE_STATE_DIR": str(self.state.path)} | self._extra

    def _start_supervisor(self) -> None:
        programs = [*(server.program for server in self._servers.values()), *app_programs(self.workers, self._ports, Path.cwd())]
        write_private(self.state.supervisor_config, supervisor_config(self.state, programs))
        self.state.socket().unlink(missing_ok=True)
        errors = self.state.log("supervisor-start")
        with errors.open("wb") as output:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.state.supervisor_config)],
                env=os.environ | self._extra | {"SEGUE_STATE_DIR": str(self.state.path), MARK: str(self.state.path)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self.running():
            if self._supervisor.poll() is not None or time.monotonic() > deadline:
                raise StartFailed(f"supervisor did not start. {self._last_words(errors)}")
            time.sleep(POLL_S)

    def _await(self, name: str, condition: Callable[[], bool], timeout_s: float) -> None:
        before, deadline = self.status_of(name).restarts, time.monotonic() + timeout_s
        while not condition():
            if self._given_up.is_set():
                raise StartFailed(f"stopped waiting for {name}")
            status = self.status_of(name)
            if status.state == FATAL or status.restarts - before >= HOPELESS_RESTARTS or time.monotonic() > deadline:
                raise StartFailed(f"{name} did not start (it is {status.state}). {self.last_words(name)}")
            time.sleep(POLL_S)

    def _ask_to_stop(self, name: str) -> None:
        try:
            self._client().call("supervisor.stopProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if "NOT_RUNNING" not in fault.faultString:
                raise

    def _await_end_of_supervisor(self) -> None:
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._supervisor is not None:
                if self._supervisor.poll() is not None:
                    return
            elif not self.running():
                return
            time.sleep(POLL_S)
        log.warning("supervisor did not end within %d s; the next `segue up` will end it", STOP_TIMEOUT_S)

    def server_names(self) -> list[str]:
        """The servers that this stack runs itself."""
        return list(self._servers)

    def last_words(self, name: str) -> str:
        """The end of a program's log and what to do next, for the message of an error."""
        return self._last_words(self.log_path(name))

    def _last_words(self, path: Path) -> str:
        return f"Last lines of {path}:\n{tail(path)}\nSee `segue doctor` for what is missing; `segue up` tries again."


def tail(path: Path, lines: int = LOG_TAIL_LINES) -> str:
    """The last lines of a log; a hint when there are none."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return "  (no log yet)"
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:]) or "  (nothing was printed)"


def _answers(server: Server) -> bool:
    try:
        server.probe()
    except Unavailable:
        return False
    return True
