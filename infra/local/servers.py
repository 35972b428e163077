"""The three servers: which of them are ours to run, and preparing those at the same time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from infra.local.class_archive import kafka_runtime
from infra.local.jars import kafka_jars
from infra.local.java import find_java
from infra.local.kafka import kafka_server
from infra.local.passwords import load_passwords
from infra.local.postgres import postgres_server, prepare_cluster
from infra.local.redis import find_redis, redis_server
from infra.local.server import Server
from infra.local.settings import LocalSettings, cache_dir, external_addresses, load_local_settings
from infra.local.state import StateDir
from segue.settings import Settings

Report = Callable[[str], None]


def describe_servers(state: StateDir, settings: Settings, ports: Mapping[str, int], report: Report) -> dict[str, Server]:
    """The servers to run, by name, with data directories made and programs found; nothing is started.

    Raises ConfigurationError and Unavailable, whose messages say what to do.
    """
    local, external = load_local_settings(), external_addresses(settings)
    builders: dict[str, tuple[str, Callable[[], Server]]] = {
        "kafka": ("SEGUE_KAFKA_BOOTSTRAP", lambda: _kafka(state, local, settings.kafka_partitions, ports, report)),
        "postgres": ("SEGUE_POSTGRES_URL", lambda: _postgres(state, local, ports)),
        "redis": ("SEGUE_REDIS_URL", lambda: _redis(state, local, ports)),
    }
    load_passwords(state)
    with ThreadPoolExecutor(len(builders)) as pool:
        futures = {}
        for name, (variable, build) in builders.items():
            if variable in external:
                report(f"{name}: not started, {variable} is set")
            else:
                futures[name] = pool.submit(build)
        return {name: future.result() for name, future in futures.items()}


def _kafka(state: StateDir, local: LocalSettings, partitions: int, ports: Mapping[str, int], report: Report) -> Server:
    cache = cache_dir(local)
    class_path = kafka_jars(cache, report).class_path()
    return kafka_server(state, kafka_runtime(find_java(local.java), class_path, cache), ports, partitions)


def _postgres(state: StateDir, local: LocalSettings, ports: Mapping[str, int]) -> Server:
    password = load_passwords(state).postgres
    return postgres_server(prepare_cluster(state, password, local.postgres_bin), ports["postgres"], password)


def _redis(state: StateDir, local: LocalSettings, ports: Mapping[str, int]) -> Server:
    return redis_server(state, find_redis(local.redis_bin), ports["redis"], load_passwords(state).redis)
