"""`python -m benchmarks serve`: answers over HTTP, from the API as it is shipped, over a made-up catalogue (`made_world`).

The API has a real Postgres with the catalogue, a real Redis with LISTENERS rows of HISTORY tracks, and a snapshot with a refit's
indexes. By connections: `rps`, `p50_ms`, `p99_ms` as the client sees them, `cpu_ms_per_request` of all API processes,
`errors` (anything but 2xx counts). The client and the stores share the machine's cores. With several `processes` each has its own
load at once, and the connections are shared out, one at least for each: `rps` is their sum, the latencies are the slowest
process's.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import httpx
import psutil

from benchmarks.load import Target, load, require_wrk
from benchmarks.made_world import world
from benchmarks.results import report
from benchmarks.serving_stack import await_model, console, streaming_stack
from benchmarks.stored_world import store_listeners, store_model, store_tracks
from infra.local.ports import any_free_port
from infra.local.programs import segue
from infra.local.stack import LocalStack

Route = Literal["user", "song"]

CONNECTIONS = (1, 16)
WARM_UP_S = 8.0
"""Longer than an API that has just read a catalogue looks at what was written last again (api.live_catalogue.OVERLAP)."""
LISTENERS = 500
HISTORY = 100
FACTORS = 64
LOADED_WITHIN_S = 600.0


def serve(route: Route, tracks: int, processes: int, seconds: float, json_path: Path | None = None) -> dict[str, Any]:
    """Run it. Raises ConfigurationError without wrk."""
    require_wrk()
    target = target_of(route, tracks)
    with streaming_stack(workers=1) as (stack, settings):
        made = world(tracks)
        store_tracks(settings, made)
        store_model(settings, made, FACTORS, HISTORY)
        store_listeners(settings, made, LISTENERS, HISTORY)
        del made
        with _api(stack, processes) as found:
            figures = {f"c{connections}": _measured(found, target, connections, seconds) for connections in CONNECTIONS}
            stages = _stages(next(iter(found)), target)
    nested = figures | {"tracks": tracks, "processes": processes, "stages_ms": stages}
    title = f"{target.method} {target.path}: {tracks:,} tracks, {processes} API process{'es' if processes > 1 else ''}"
    report(title, nested, json_path)
    return nested


def target_of(route: Route, tracks: int) -> Target:
    """The listeners in turn, or the songs."""
    if route == "user":
        return Target("POST", "/recommend/user/", LISTENERS, '{"user_id":"listener-%d"}')
    return Target("GET", "/recommend/song/t%d", tracks)


@contextmanager
def _api(stack: LocalStack, processes: int) -> Iterator[dict[str, psutil.Process]]:
    """API processes by base URL, each with its model."""
    stack.start("api")
    pid = stack.pid("api")
    assert pid is not None  # noqa: S101 - it has just been waited for
    found = {f"http://127.0.0.1:{stack.environment['SEGUE_API_PORT']}": psutil.Process(pid)}
    more = [_another(stack) for _ in range(processes - 1)]
    try:
        found |= {url: psutil.Process(process.pid) for url, process in more}
        for url in found:
            await_model(url, LOADED_WITHIN_S)
        console.print(f"{processes} × API with its model, {psutil.Process(pid).memory_info().rss / 1e6:,.0f} MB")
        yield found
    finally:
        for _, process in more:
            process.terminate()
            process.wait()


def _another(stack: LocalStack) -> tuple[str, subprocess.Popen[bytes]]:
    port = any_free_port()
    with stack.log_path(f"api-{port}").open("wb") as log:
        process = subprocess.Popen(
            segue("serve", "--port", str(port)), env=os.environ | stack.environment, stdout=log, stderr=subprocess.STDOUT
        )
    return f"http://127.0.0.1:{port}", process


def _measured(found: dict[str, psutil.Process], target: Target, connections: int, seconds: float) -> dict[str, Any]:
    _loaded(found, target, connections, WARM_UP_S)
    before = _cpu_s(found)
    runs = _loaded(found, target, connections, seconds)
    requests = sum(run["requests"] for run in runs)
    return {
        "rps": round(sum(run["requests"] / run["seconds"] for run in runs), 1),
        **{name: max(run[name] for run in runs) for name in ("p50_ms", "p90_ms", "p99_ms", "longest_ms")},
        "cpu_ms_per_request": round(1_000 * (_cpu_s(found) - before) / max(1, requests), 3),
        "errors": sum(run["errors"] for run in runs),
        "load_1m": round(os.getloadavg()[0], 2),
    }


def _loaded(found: dict[str, psutil.Process], target: Target, connections: int, seconds: float) -> list[dict[str, Any]]:
    each = max(1, connections // len(found))
    with ThreadPoolExecutor(len(found)) as pool:
        return list(pool.map(lambda url: load(url, target, each, seconds), found))


def _cpu_s(found: dict[str, psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in found.values())


def _stages(base_url: str, target: Target, asked: int = 100) -> dict[str, float]:
    """Median milliseconds of each stage, from Server-Timing, of requests one after the other."""
    spent: dict[str, list[float]] = {}
    with httpx.Client(base_url=base_url, trust_env=False) as client:
        for number in range(asked):
            path, body = target.path.replace("%d", str(number)), target.body.replace("%d", str(number))
            answer = client.request(target.method, path, content=body, headers={"Content-Type": "application/json"})
            for part in answer.raise_for_status().headers["server-timing"].split(", "):
                name, _, ms = part.partition(";dur=")
                spent.setdefault(name, []).append(float(ms))
    return {name: round(sorted(values)[len(values) // 2], 3) for name, values in spent.items()}
