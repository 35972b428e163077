"""Jars are used only when their sha256 is the listed one."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath

import pytest

from infra.local.jars import Jar, JarCache, JarsUnavailable, listed_jars

GOOD = b"good jar"
JAR = Jar(PurePosixPath("org/example/one/1.0/one-1.0.jar"), hashlib.sha256(GOOD).hexdigest())


class Repository:
    """Stands in for Maven Central: hands out these contents one after the other, the last one for ever."""

    def __init__(self, *contents: bytes) -> None:
        self.contents = list(contents)
        self.fetched = 0

    def fetch(self, path: PurePosixPath, folder: Path) -> Path:
        """One download."""
        self.fetched += 1
        folder.mkdir(parents=True)
        target = folder / path.name
        target.write_bytes(self.contents.pop(0) if len(self.contents) > 1 else self.contents[0])
        return target


def test_a_missing_jar_is_fetched_and_named_as_in_the_list(tmp_path: Path) -> None:
    repository = Repository(GOOD)
    assert JarCache(tmp_path, [JAR], repository.fetch).class_path() == [tmp_path / JAR.path]
    assert (tmp_path / JAR.path).read_bytes() == GOOD


def test_a_cached_jar_is_not_fetched_again(tmp_path: Path) -> None:
    repository = Repository(GOOD)
    JarCache(tmp_path, [JAR], repository.fetch).class_path()
    JarCache(tmp_path, [JAR], repository.fetch).class_path()
    assert repository.fetched == 1


def test_a_damaged_jar_is_replaced_and_said_so(tmp_path: Path) -> None:
    lines: list[str] = []
    cache = JarCache(tmp_path, [JAR], Repository(GOOD).fetch, lines.append)
    cache.class_path()
    (tmp_path / JAR.path).write_bytes(b"half a jar")
    cache.class_path()
    assert (tmp_path / JAR.path).read_bytes() == GOOD
    assert "one-1.0.jar is damaged: removing and fetching it again" in lines


def test_a_download_that_arrives_damaged_is_tried_again(tmp_path: Path) -> None:
    repository = Repository(b"goo", GOOD)
    JarCache(tmp_path, [JAR], repository.fetch).class_path()
    assert repository.fetched == 2


def test_what_never_matches_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    cache = JarCache(tmp_path, [JAR], Repository(b"something else").fetch)
    with pytest.raises(JarsUnavailable, match=r"does not match its sha256 .* `segue prepare`"):
        cache.class_path()
    assert list(tmp_path.rglob("*.jar")) == []


def test_the_checked_in_list_holds_the_broker_and_a_logging_binding() -> None:
    names = [jar.path.name for jar in listed_jars()]
    assert "kafka_2.13-4.1.2.jar" in names
    assert "log4j-slf4j-impl-2.25.3.jar" in names
    assert len(names) == 46
    assert all(len(jar.sha256) == 64 for jar in listed_jars())
