"""A class-data archive of Kafka: the classes of one earlier run, mapped instead of parsed. It halves the start, no more."""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from infra.local.java import Java
from infra.local.kafka import HEAP, KafkaRuntime, format_storage, server_properties
from infra.local.ports import any_free_port, is_listening

log = logging.getLogger(__name__)

START_TIMEOUT_S = 60
WRITE_TIMEOUT_S = 60


def kafka_runtime(java: Java, class_path: Sequence[Path], cache: Path) -> KafkaRuntime:
    """The runtime, with its archive if `build_archive` has made one for this Java and these jars."""
    archive = archive_path(java, class_path, cache)
    return KafkaRuntime(java, class_path, archive if archive.exists() else None, checkpoint_path(class_path, cache))


def archive_path(java: Java, class_path: Sequence[Path], cache: Path) -> Path:
    """Where the archive belongs; its name changes with anything that makes Java refuse it."""
    marks = [f"{java.path} {java.version}", *(f"{jar} {jar.stat().st_mtime_ns}" for jar in class_path)]
    return cache / f"kafka-{hashlib.sha256('|'.join(marks).encode()).hexdigest()[:16]}.jsa"


def checkpoint_path(class_path: Sequence[Path], cache: Path) -> Path:
    """Where the bootstrap metadata of these jars is kept."""
    names = "|".join(jar.name for jar in class_path)
    return cache / f"kafka-{hashlib.sha256(names.encode()).hexdigest()[:16]}.checkpoint"


def build_archive(java: Java, class_path: Sequence[Path], cache: Path) -> Path | None:
    """Run a broker once in a temporary place and let Java write down its classes. None where Java cannot."""
    archive = archive_path(java, class_path, cache)
    if archive.exists():
        return archive
    if not java.archives:
        log.info("Java %s writes no class-data archive; Kafka starts about 2 s slower", java.version)
        return None
    fresh = archive.with_suffix(f".{os.getpid()}")
    with tempfile.TemporaryDirectory(prefix="segue-archive-") as folder:
        _run_once(KafkaRuntime(java, class_path, None, checkpoint_path(class_path, cache)), fresh, Path(folder))
    if not fresh.exists():
        log.warning("Java %s wrote no class-data archive; Kafka starts about 2 s slower", java.version)
        return None
    fresh.replace(archive)
    return archive


def _run_once(runtime: KafkaRuntime, archive: Path, folder: Path) -> None:
    port, properties, data = any_free_port(), folder / "server.properties", folder / "data"
    properties.write_text(server_properties(data, port, any_free_port(), partitions=1))
    format_storage(runtime, data, properties)
    command = runtime.command("kafka.Kafka", str(properties), options=[HEAP, f"-XX:ArchiveClassesAtExit={archive}"])
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder) as broker:
        deadline = time.monotonic() + START_TIMEOUT_S
        while broker.poll() is None and not is_listening(port) and time.monotonic() < deadline:
            time.sleep(0.1)
        broker.terminate()
        try:
            broker.wait(WRITE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            broker.kill()
