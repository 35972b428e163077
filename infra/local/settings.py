"""Settings that only the local stack reads, and the shared ones without what an earlier `segue up` wrote."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from segue.errors import ConfigurationError
from segue.settings import Settings

log = logging.getLogger(__name__)


class LocalSettings(BaseSettings):
    """Where the local stack finds its programs; all may stay unset."""

    model_config = SettingsConfigDict(env_prefix="SEGUE_", extra="ignore", frozen=True)

    java: Path | None = None
    """A `java` program, 17 or newer."""
    postgres_bin: Path | None = None
    """The folder that holds `postgres` and `initdb`."""
    redis_bin: Path | None = None
    """A `redis-server` or `valkey-server` program."""
    cache_dir: Path = Path("~/.cache/segue")
    """Kafka's jars, shared by all clones of one user."""


def load_local_settings() -> LocalSettings:
    """Read them from the environment and `.env`."""
    return LocalSettings(_env_file=".env")


def cache_dir(settings: LocalSettings) -> Path:
    """The cache folder, made if needed; a private folder of /tmp, with a warning, when it cannot be written."""
    wanted = settings.cache_dir.expanduser()
    if _usable(wanted):
        return wanted
    instead = Path(tempfile.gettempdir()) / f"segue-cache-{os.getuid()}"
    log.warning("the cache %s cannot be written, using %s: set SEGUE_CACHE_DIR to choose another place", wanted, instead)
    if not _usable(instead) or instead.stat().st_uid != os.getuid():
        raise ConfigurationError(f"neither {wanted} nor {instead} can be written: set SEGUE_CACHE_DIR to a folder of yours")
    return instead


def external_addresses(settings: Settings) -> dict[str, str]:
    """Addresses (with passwords) of the servers that somebody else runs, by the name of their setting."""
    addresses = {
        "SEGUE_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "SEGUE_POSTGRES_URL": settings.postgres_url and settings.postgres_url.get_secret_value(),
        "SEGUE_REDIS_URL": settings.redis_url and settings.redis_url.get_secret_value(),
    }
    return {name: address for name, address in addresses.items() if address}


def _usable(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)
