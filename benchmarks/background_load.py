"""Listening events posted to the API at a steady rate, from a process of its own so that it does not disturb the probe."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import random
import time
import uuid
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from typing import NamedTuple
from urllib.parse import urlsplit

REQUESTS_PER_S = 40


class Counts(NamedTuple):
    """What a load came to: events accepted and refused, and seconds from its first request to its last."""

    accepted: int
    refused: int
    seconds: float


@dataclass
class Load:
    """A running load; `accepted` is meaningful after `stop`."""

    process: multiprocessing.Process
    ending: Event
    counts: multiprocessing.Queue[Counts]

    def stop(self) -> Counts:
        """End the load."""
        self.ending.set()
        counts = self.counts.get(timeout=30)
        self.process.join()
        return counts


def start_load(base_url: str, rate_per_s: float, listeners: int, track_ids: list[str], seed: int) -> Load:
    """Post `rate_per_s` events a second, forty requests a second (fewer, of one event, below that rate)."""
    context = multiprocessing.get_context("spawn")
    ending, counts = context.Event(), context.Queue()
    arguments = (base_url, rate_per_s, listeners, track_ids, seed, ending, counts)
    process = context.Process(target=_post_events, args=arguments, daemon=True)
    process.start()
    return Load(process, ending, counts)  # type: ignore[arg-type]


def _post_events(
    base_url: str,
    rate_per_s: float,
    listeners: int,
    track_ids: list[str],
    seed: int,
    ending: Event,
    counts: multiprocessing.Queue[Counts],
) -> None:
    rng = random.Random(seed)
    per_request = max(1, round(rate_per_s / REQUESTS_PER_S))
    interval_s = per_request / rate_per_s
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=30)
    accepted = refused = 0
    began = due = time.perf_counter()
    while not ending.is_set():
        body = json.dumps({"events": [_event(rng, listeners, track_ids) for _ in range(per_request)]})
        connection.request("POST", "/events", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
        accepted += answer.get("accepted", 0)
        refused += per_request - answer.get("accepted", 0)
        due += interval_s
        time.sleep(max(0.0, due - time.perf_counter()))
    counts.put(Counts(accepted, refused, time.perf_counter() - began))


def _event(rng: random.Random, listeners: int, track_ids: list[str]) -> dict[str, object]:
    return {
        "event_id": str(uuid.UUID(int=rng.getrandbits(128))),
        "type": "play" if rng.random() < 0.8 else "skip",
        "user_id": f"load-{rng.randrange(listeners)}",
        "track_id": rng.choice(track_ids),
        "ms_played": 180_000,
    }
