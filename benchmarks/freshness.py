"""How long until an answer contains an event: POST /events to the first POST /recommend/user/ that shows the change."""

from __future__ import annotations

import http.client
import json
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.background_load import start_load
from benchmarks.results import percentile, report
from benchmarks.serving_stack import await_drained, serving_stack
from segue.settings import Settings
from segue.stores.postgres.catalogue import CatalogueStore
from segue.stores.postgres.database import Database

WARM_UP_S = 5.0
PAUSE_S = 0.05
GIVE_UP_S = 30.0


def freshness(rate_per_s: float, probes: int, workers: int, json_path: Path | None) -> None:
    """Measure with `rate_per_s` background events a second; prints and writes p50_ms, p99_ms, rate_per_s, events, lost.

    `awaited_…`: the same until the one answer that was asked with the event's id (`min_event_id`).
    """
    with serving_stack(workers) as (_, settings, base_url):
        database = Database(settings.require_postgres())
        track_ids = [track.track_id for track in CatalogueStore(database).all_tracks()[:2000]]
        load = start_load(base_url, rate_per_s, 5_000, track_ids, seed=1)
        time.sleep(WARM_UP_S)
        waits_ms = _probe(base_url, probes)
        awaited_ms, without = _probe_awaited(base_url, probes)
        accepted, refused, lasted_s = load.stop()
        await_drained(settings)
        lost = accepted + 2 * probes - _stored(settings)
        figures = {
            "p50_ms": percentile(waits_ms, 50),
            "p95_ms": percentile(waits_ms, 95),
            "p99_ms": percentile(waits_ms, 99),
            "max_ms": max(waits_ms),
            "awaited_p50_ms": percentile(awaited_ms, 50),
            "awaited_p99_ms": percentile(awaited_ms, 99),
            "awaited_max_ms": max(awaited_ms),
            "awaited_without_event": without,
            "rate_per_s": accepted / lasted_s,
            "asked_rate_per_s": rate_per_s,
            "events": accepted + 2 * probes,
            "refused": refused,
            "probes": probes,
            "workers": workers,
            "lost": lost,
        }
        report("freshness: POST /events to the changed answer", figures, json_path)


def _probe(base_url: str, probes: int) -> list[float]:
    """Post a play of the listener's own top recommendation, then ask until it is gone from the list and counted."""
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=30)
    waits_ms = []
    for number in range(probes):
        user_id = f"probe-{number % 50}"
        before = _ask(connection, user_id)
        track_id, events = before["items"][0]["track_id"], before["state"]["events"]
        began = time.perf_counter()
        _call(connection, "/events", {"event_id": str(uuid.uuid4()), "type": "play", "user_id": user_id, "track_id": track_id})
        while True:
            answer = _ask(connection, user_id)
            waited_s = time.perf_counter() - began
            if answer["state"]["events"] > events and track_id not in {item["track_id"] for item in answer["items"]}:
                break
            if waited_s > GIVE_UP_S:
                raise TimeoutError(f"the play of {track_id} did not reach the answer within {GIVE_UP_S:.0f} s")
        waits_ms.append(waited_s * 1000)
        time.sleep(PAUSE_S)
    return waits_ms


def _probe_awaited(base_url: str, probes: int) -> tuple[list[float], int]:
    """Post a play, then ask once with its id; also how many answers did not include it."""
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=30)
    waits_ms, without = [], 0
    for number in range(probes):
        user_id = f"probe-{number % 50}"
        track_id = _ask(connection, user_id)["items"][0]["track_id"]
        began = time.perf_counter()
        sent = _call(connection, "/events", {"type": "play", "user_id": user_id, "track_id": track_id})
        answer = _ask(connection, user_id, min_event_id=sent["events"][0]["event_id"], max_wait_ms=10_000)
        waits_ms.append((time.perf_counter() - began) * 1000)
        without += not answer["state"]["includes_event"] or track_id in {item["track_id"] for item in answer["items"]}
        time.sleep(PAUSE_S)
    return waits_ms, without


def _ask(connection: http.client.HTTPConnection, user_id: str, **more: object) -> dict[str, Any]:
    return _call(connection, "/recommend/user/", {"user_id": user_id, "n": 10, **more})


def _call(connection: http.client.HTTPConnection, path: str, body: dict[str, Any]) -> dict[str, Any]:
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer: dict[str, Any] = json.loads(response.read())
    if response.status >= 300:
        raise RuntimeError(f"{path} answered {response.status}: {answer}")
    return answer


def _stored(settings: Settings) -> int:
    with Database(settings.require_postgres()).transaction(read_only=True) as cursor:
        cursor.execute(
            "select count(*) from listens join users using (user_no) where user_id like 'load-%' or user_id like 'probe-%'"
        )
        row = cursor.fetchone()
        return int(row[0]) if row else 0
