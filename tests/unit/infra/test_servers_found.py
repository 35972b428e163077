"""Which programs are used, and what is said when they do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.commands import parse_duration
from infra.local.java import find_java, major
from infra.local.kafka import kafka_uuid, server_properties
from infra.local.postgres_binaries import data_major, find_binaries
from infra.local.redis import find_redis, redis_config
from segue.errors import ConfigurationError, InvalidInput


def fake_program(path: Path, prints: str, *, to: str = "1") -> Path:
    """A program that prints a version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{prints}' >&{to}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(("version", "expected"), [("17.0.15", 17), ("25.0.2", 25), ("1.8.0_392", 8), ("21-ea", 21)])
def test_major_version_of_java(version: str, expected: int) -> None:
    assert major(version) == expected


def test_a_java_that_is_asked_for_and_too_old_is_refused(tmp_path: Path) -> None:
    old = fake_program(tmp_path / "java", 'openjdk version "11.0.2"', to="2")
    with pytest.raises(ConfigurationError, match=r"is Java 11\.0\.2, Kafka needs 17"):
        find_java(old)


def test_postgres_of_the_datas_major_version_is_required(tmp_path: Path) -> None:
    fake_program(tmp_path / "postgres", "postgres (PostgreSQL) 18.4")
    fake_program(tmp_path / "initdb", "initdb (PostgreSQL) 18.4")
    assert find_binaries(tmp_path, None).major == 18
    with pytest.raises(ConfigurationError, match=r"made by Postgres 9; found: 18 in .*`apt install postgresql-9`"):
        find_binaries(tmp_path, 9)


def test_the_major_version_of_a_data_directory(tmp_path: Path) -> None:
    assert data_major(tmp_path) is None
    (tmp_path / "PG_VERSION").write_text("18\n")
    assert data_major(tmp_path) == 18


def test_a_redis_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="SEGUE_REDIS_BIN"):
        find_redis(tmp_path / "redis-server")


def test_redis_keeps_what_it_was_told_and_evicts_nothing() -> None:
    lines = redis_config(Path("/data"), 7000, "secret").splitlines()
    assert {"appendonly yes", "appendfsync everysec", "maxmemory-policy noeviction", "requirepass secret"} <= set(lines)
    assert "bind 127.0.0.1" in lines


def test_kafka_listens_on_loopback_and_creates_no_topic_by_accident() -> None:
    lines = server_properties(Path("/data"), 9092, 9093, 8).splitlines()
    assert "listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093" in lines
    assert "auto.create.topics.enable=false" in lines
    assert "group.min.session.timeout.ms=1000" in lines


def test_a_cluster_id_is_22_characters_and_new_each_time() -> None:
    ids = {kafka_uuid() for _ in range(200)}
    assert len(ids) == 200
    assert all(len(text) == 22 and not text.startswith("-") for text in ids)


@pytest.mark.parametrize(("text", "seconds"), [("120s", 120), ("5m", 300), ("1h", 3600), ("90", 90)])
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


def test_a_length_of_time_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput, match="write 120s, 5m or 1h"):
        parse_duration("soon")
