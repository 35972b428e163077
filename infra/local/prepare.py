"""`segue prepare`: everything that a first `segue up` would otherwise have to wait for."""

from __future__ import annotations

from collections.abc import Callable

from infra.local.class_archive import build_archive
from infra.local.jars import kafka_jars
from infra.local.java import find_java
from infra.local.postgres_binaries import find_binaries
from infra.local.redis import find_redis
from infra.local.settings import cache_dir, external_addresses, load_local_settings
from segue.settings import Settings


def prepare_machine(settings: Settings, report: Callable[[str], None]) -> None:
    """Fetch and verify Kafka's jars, build the class-data archive, check the other programs.

    What belongs to a server that somebody else runs is left out. Raises ConfigurationError and Unavailable.
    """
    local, external = load_local_settings(), external_addresses(settings)
    if "SEGUE_POSTGRES_URL" not in external:
        found = find_binaries(local.postgres_bin, None)
        report(f"Postgres {found.major}: {found.folder}")
    if "SEGUE_REDIS_URL" not in external:
        report(f"Redis: {find_redis(local.redis_bin)}")
    if "SEGUE_KAFKA_BOOTSTRAP" in external:
        return
    java, cache = find_java(local.java), cache_dir(local)
    report(f"Java {java.version}: {java.path}")
    class_path = kafka_jars(cache, report).class_path()
    report(f"Kafka: {len(class_path)} jars, checksums right")
    report("class-data archive: building it once, about 10 s" if java.archives else "class-data archive: not with this Java")
    archive = build_archive(java, class_path, cache)
    if archive is not None:
        report(f"class-data archive: {archive}")
