"""The configuration that is generated for supervisor."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from infra.local.server import Program
from infra.local.state import StateDir
from infra.local.supervision import supervisor_config
from segue.errors import ConfigurationError


def parsed(state: StateDir, program: Program) -> configparser.ConfigParser:
    """The configuration as supervisor reads it."""
    parser = configparser.ConfigParser(inline_comment_prefixes=(";", "#"), interpolation=None)
    parser.read_string(supervisor_config(state, [program]))
    return parser


def test_a_program_is_started_again_but_not_before_it_is_asked_for(tmp_path: Path) -> None:
    section = parsed(StateDir(tmp_path), Program("redis", ["/bin/redis", "a b"], tmp_path))["program:redis"]
    assert section["command"] == "/bin/redis 'a b'"
    assert section["autostart"] == "false"
    assert section["autorestart"] == "true"


def test_postgres_gets_its_account_and_a_fast_shutdown(tmp_path: Path) -> None:
    program = Program("postgres", ["postgres"], tmp_path, user="nobody", stop_signal="INT", stop_wait_s=30)
    section = parsed(StateDir(tmp_path), program)["program:postgres"]
    assert (section["user"], section["stopsignal"], section["stopwaitsecs"]) == ("nobody", "INT", "30")


def test_percent_signs_are_escaped(tmp_path: Path) -> None:
    program = Program("api", ["serve"], tmp_path, environment={"RATE": "50%"})
    assert parsed(StateDir(tmp_path), program)["program:api"]["environment"] == 'RATE="50%%"'


def test_the_socket_is_private(tmp_path: Path) -> None:
    section = parsed(StateDir(tmp_path), Program("api", ["serve"], tmp_path))["unix_http_server"]
    assert section["chmod"] == "0700"


def test_what_would_read_as_a_comment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="choose a SEGUE_STATE_DIR"):
        supervisor_config(StateDir(tmp_path / "a ;b"), [])


def test_a_socket_path_that_is_too_long_moves_to_a_private_folder(tmp_path: Path) -> None:
    socket = StateDir(tmp_path / ("long" * 30)).socket()
    assert len(str(socket)) < 90
    assert socket.parent.stat().st_mode & 0o777 == 0o700
    socket.parent.rmdir()
