"""The load of `python -m benchmarks serve`: every thing is asked for in turn, and every failure counts."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from benchmarks.load import Target, load, require_wrk
from benchmarks.serve import target_of
from segue.errors import ConfigurationError
from tests.unit.api.conftest import World, listening
from tests.unit.api.fakes import FakePostgres
from tests.unit.api.made import CATALOGUE, row

with_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed (apt install wrk)")


@pytest.fixture
def served() -> World:
    made = World(FakePostgres(CATALOGUE))
    made.postgres.promoted = "v1"
    for number in range(5):
        made.redis.rows[f"listener-{number}"] = row(1, 2, 3)
    return made


@with_wrk
def test_every_listener_is_asked_for(served: World, wait_until: Callable[..., None]) -> None:
    target = Target("POST", "/recommend/user/", 5, '{"user_id":"listener-%d"}')
    with listening(served, wait_until) as base_url:
        found = load(base_url, target, 2, 1)
    assert (found["errors"], found["requests"] > 0, found["seconds"] > 0) == (0, True, True)
    assert 0 < found["p50_ms"] <= found["p90_ms"] <= found["p99_ms"] <= found["longest_ms"]
    answered = served.metrics.registry.get_sample_value("segue_api_state_source_total", {"source": "redis"}) or 0
    assert answered >= found["requests"]


@with_wrk
def test_an_answer_other_than_2xx_is_an_error(served: World, wait_until: Callable[..., None]) -> None:
    with listening(served, wait_until) as base_url:
        found = load(base_url, Target("GET", "/recommend/song/no-such-%d", 3), 1, 1)
    assert found["errors"] == found["requests"] > 0


def test_without_wrk_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigurationError, match="apt install wrk"):
        require_wrk()


def test_songs_are_asked_for_by_their_ids() -> None:
    assert target_of("song", 30_000) == Target("GET", "/recommend/song/t%d", 30_000)
