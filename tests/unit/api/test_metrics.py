"""What the API counts, and where the time of an answer goes."""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path

import httpx
import pytest

from api.metrics import Metrics
from segue.logs import KeyValueFormatter, fields, in_logs
from tests.unit.api.conftest import World
from tests.unit.api.made import row

pytestmark = pytest.mark.anyio

STAGES = ["state", "queue", "filter", "retrieve", "score", "rank", "diversify", "explain"]


def stages(answer: httpx.Response) -> dict[str, float]:
    parts = (part.split(";dur=") for part in answer.headers["server-timing"].split(", "))
    return {name: float(ms) for name, ms in parts}


def sample(world: World, name: str, **labels: str) -> float | None:
    return world.metrics.registry.get_sample_value(name, labels)


async def test_an_answer_says_where_its_time_went(world: World, client: httpx.AsyncClient) -> None:
    world.redis.rows["ada"] = row(1, 2, 3)
    answer = await client.post("/recommend/user/", json={"user_id": "ada"})
    assert list(stages(answer)) == STAGES
    assert all(ms >= 0 for ms in stages(answer).values())
    for stage in STAGES:
        assert sample(world, "segue_api_stage_seconds_count", route="/recommend/user/", stage=stage) == 1


async def test_a_song_needs_no_state(client: httpx.AsyncClient) -> None:
    assert list(stages(await client.get("/recommend/song/t1"))) == STAGES[1:]


async def test_stages_of_requests_at_once_do_not_mix(world: World, client: httpx.AsyncClient) -> None:
    song, track, listener = await asyncio.gather(
        client.get("/recommend/song/t1"), client.get("/tracks/t1"), client.post("/recommend/user/", json={"user_id": "ada"})
    )
    assert list(stages(song)) == STAGES[1:]
    assert "server-timing" not in track.headers
    assert list(stages(listener)) == STAGES


async def test_how_far_a_row_is_behind_its_newest_event(world: World, client: httpx.AsyncClient) -> None:
    world.redis.rows["ada"] = row(1)
    await client.post("/recommend/user/", json={"user_id": "ada"})
    await client.post("/recommend/user/", json={"user_id": "nobody"})
    assert sample(world, "segue_api_state_lag_seconds_count") == 1
    assert sample(world, "segue_api_state_lag_seconds_bucket", le="1.0") == 1


def test_every_line_of_a_request_carries_its_id() -> None:
    record = logging.LogRecord("api", logging.INFO, "", 0, "explored", (), None)
    record.__dict__.update(fields(seed=7))
    formatter = KeyValueFormatter()
    with in_logs(request_id="r-1"):
        inside = formatter.format(record)
    assert inside.endswith("msg=explored request_id=r-1 seed=7")
    assert "request_id" not in formatter.format(record)


def test_the_guide_names_every_metric(project_root: Path) -> None:
    guide = (project_root / "docs/guide/api-metrics.md").read_text("utf-8")
    families = [family for family in Metrics().registry.collect() if family.name.startswith("segue_")]
    names = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    assert set(re.findall(r"^\| `(segue_\w+)`", guide, re.MULTILINE)) == names
