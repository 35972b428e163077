"""Supervisor: the configuration that is generated for it, and talking to it over its private socket."""

from __future__ import annotations

import http.client
import os
import resource
import shlex
import socket
import xmlrpc.client
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from infra.local.server import Program
from infra.local.state import StateDir
from segue.errors import ConfigurationError, Unavailable

LOG_BYTES = 10_000_000
LOG_FILES = 3
START_RETRIES = 20
"""Attempts in a row, each a second later than the last, before a process counts as failed: three and a half minutes."""
MOST_FILES = 16_384
RPC_TIMEOUT_S = 60


class SupervisorUnavailable(Unavailable):
    """No supervisor answers on the state directory's socket."""

    service = "supervisor"


@dataclass(frozen=True)
class ProcessStatus:
    """One supervised process. `pid` None when it does not run; `restarts`: how often it ended without being asked to."""

    name: str
    pid: int | None
    state: str
    restarts: int


def supervisor_config(state: StateDir, programs: Iterable[Program]) -> str:
    """The whole configuration file. It holds no secret; processes read those from `stack.env`."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MOST_FILES if most == resource.RLIM_INFINITY else min(MOST_FILES, most)
    sections = [
        _section("unix_http_server", {"file": _value(state.socket()), "chmod": "0700"}),
        _section(
            "supervisord",
            {
                "logfile": _value(state.log("supervisor")),
                "logfile_maxbytes": str(LOG_BYTES),
                "logfile_backups": "1",
                "pidfile": _value(state.run / "supervisord.pid"),
                "nodaemon": "true",
                "silent": "true",
                "umask": "077",
                "minfds": str(files),
                "identifier": "segue",
            }
            | ({"user": "root"} if os.geteuid() == 0 else {}),
        ),
        _section(
            "rpcinterface:supervisor", {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"}
        ),
        _section("rpcinterface:segue", {"supervisor.rpcinterface_factory": "infra.local.restarts:make_rpcinterface"}),
        *(_program(state, program) for program in programs),
    ]
    return "\n".join(sections)


def _program(state: StateDir, program: Program) -> str:
    values = {
        "command": _value(shlex.join(program.command)),
        "directory": _value(program.directory),
        "priority": str(program.priority),
        "autostart": "false",
        "autorestart": "true",
        "startsecs": str(program.start_s),
        "startretries": str(START_RETRIES),
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(program.stop_wait_s),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": _value(state.log(program.name)),
        "stdout_logfile_maxbytes": str(LOG_BYTES),
        "stdout_logfile_backups": str(LOG_FILES),
    }
    if program.user is not None:
        values["user"] = program.user
    if program.environment:
        values["environment"] = ",".join(f'{name}="{_value(value)}"' for name, value in program.environment.items())
    return _section(f"program:{program.name}", values)


def _section(name: str, values: Mapping[str, str]) -> str:
    return "".join([f"[{name}]\n", *(f"{key} = {value}\n" for key, value in values.items())])


def _value(value: object) -> str:
    """A value as supervisor's parser reads it back. Raises ConfigurationError for what it cannot hold."""
    text = str(value)
    if not text.isprintable() or " ;" in text or " #" in text or '"' in text:
        raise ConfigurationError(
            f"{text!r} cannot be written to supervisor's configuration: choose a SEGUE_STATE_DIR without quotes, ' ;' and ' #'"
        )
    return text.replace("%", "%%")


class SupervisorClient:
    """Supervisor's XML-RPC interface over its Unix socket; errors become `SupervisorUnavailable`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def call(self, method: str, *arguments: object) -> object:
        """One call, such as `supervisor.startProcess`. Raises SupervisorUnavailable; xmlrpc.client.Fault for a refusal."""
        try:
            with xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=_UnixTransport(self._path)) as proxy:
                target: object = proxy
                for part in method.split("."):
                    target = getattr(target, part)
                return target(*arguments)  # type: ignore[operator]
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            raise SupervisorUnavailable(f"no supervisor answers on {self._path}: start the stack with `segue up`") from error

    def processes(self) -> list[ProcessStatus]:
        """All configured processes, in starting order."""
        restarts = cast("dict[str, int]", self.call("segue.restarts"))
        found = cast("list[dict[str, Any]]", self.call("supervisor.getAllProcessInfo"))
        return [ProcessStatus(row["name"], row["pid"] or None, row["statename"], restarts.get(row["name"], 0)) for row in found]

    def answers(self) -> bool:
        """Whether a supervisor runs."""
        try:
            self.call("supervisor.getState")
        except SupervisorUnavailable:
            return False
        return True


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: tuple[str, dict[str, str]] | str) -> http.client.HTTPConnection:
        connection = _UnixConnection(self._path)
        # Where `close()` looks for what it has to close.
        self._connection = host, connection
        return connection


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=RPC_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
