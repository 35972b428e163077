"""How fast the processors drain a backlog: from Kafka to committed in Postgres and visible in Redis."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
import psutil
import redis
from confluent_kafka import Producer

from benchmarks.results import report
from benchmarks.serving_stack import console, streaming_stack
from benchmarks.stored import store
from infra.local.stack import LocalStack
from segue.events import ListeningEvent, encode, encode_envelope
from segue.kafka import producer_config
from segue.partitioning import partition_for
from segue.settings import Settings
from segue.stores.postgres.database import Database
from segue.stores.redis.rows import guard_key
from segue.topics import LISTENING_EVENTS
from segue.tracing import TRACEPARENT, Headers

USERS, TRACKS, PER_ENVELOPE = 20_000, 30_000, 100
STORED = (100_000, 1_000_000, 5_000_000)
Mode = Literal["envelope", "single"]


def ingest(mode: Mode, events: int, workers: int, stored: int, traced: float, json_path: Path | None) -> None:
    """Prints and writes events_per_s, cpu_s_per_million, rss_mb (largest worker), log_bytes_per_event, mode, workers."""
    report("ingest: Kafka to Postgres and Redis", measure(mode, events, workers, stored, traced), json_path)


def growth(events: int, workers: int, json_path: Path | None) -> None:
    """The cost of an event at growing numbers of stored interactions, and its ratio to the first; all in one run."""
    figures: dict[str, float | str] = {}
    for stored in STORED:
        found = measure("envelope", events, workers, stored)
        figures |= {f"{name}_at_{stored}": found[name] for name in ("events_per_s", "cpu_s_per_million")}
    for name in ("events_per_s", "cpu_s_per_million"):
        first, last = float(figures[f"{name}_at_{STORED[0]}"]), float(figures[f"{name}_at_{STORED[-1]}"])
        figures[f"{name}_ratio"] = last / first
    report("growth: the cost of an event as the state grows", figures | {"events": events, "workers": workers}, json_path)


def measure(mode: Mode, events: int, workers: int, stored: int, traced: float = 0.0) -> dict[str, float | str]:
    """Publish `events` first, then start `workers` and time them until every row is in Redis too.

    Both stores hold `stored` interactions of the same listeners and tracks before. `traced`: the share of the records that carry
    a traceparent, each of a trace of its own; the workers are traced if SEGUE_TRACING is on here.
    """
    with streaming_stack(workers) as (stack, settings):
        database = Database(settings.require_postgres())
        if stored:
            store(stack, settings, stored, USERS, TRACKS)
            console.print(f"{stored:,} interactions stored before")
        already = _stored(database)
        records = _publish(settings, mode, events, traced)
        logged = sum(path.stat().st_size for path in stack.state.data.glob(f"kafka/{LISTENING_EVENTS}-*/*.log"))
        names = [f"process-{number}" for number in range(1, workers + 1)]
        stack.start(*names)
        _await(lambda: _stored(database) > already, 120)
        counted, began, cpu_before = _stored(database) - already, time.perf_counter(), _cpu_s(stack)
        _await(lambda: _stored(database) >= already + events and _visible(settings, records), 3600)
        lasted_s = time.perf_counter() - began
        cpu_s = _cpu_s(stack)
        rss = max(psutil.Process(stack.pid(name)).memory_info().rss for name in names) / 2**20
        per_million = {name: (cpu_s[name] - cpu_before[name]) / (events - counted) * 1e6 for name in cpu_s}
        return {
            "events_per_s": (events - counted) / lasted_s,
            "cpu_s_per_million": sum(per_million.values()),
            **{f"cpu_s_per_million_{name}": value for name, value in per_million.items()},
            "rss_mb": rss,
            "log_bytes_per_event": logged / events,
            "traced": traced,
            "mode": mode,
            "workers": workers,
            "events": events,
            "stored": stored,
            "seconds": lasted_s,
        }


def _publish(settings: Settings, mode: Mode, events: int, traced: float) -> int:
    """Zipf-distributed listeners and tracks, spread over the last month, in envelopes or one by one; how many records."""
    producer = Producer(producer_config(settings) | {"queue.buffering.max.messages": 500_000, "linger.ms": 20})
    traces = random.Random(2)
    generator, rng, now = np.random.default_rng(1), random.Random(1), datetime.now(UTC)
    users, tracks = generator.zipf(1.2, events) % USERS, generator.zipf(1.3, events) % TRACKS
    size = PER_ENVELOPE if mode == "envelope" else 1
    waiting: dict[int, list[ListeningEvent]] = {}
    records = 0
    for number in range(events):
        user_id = f"user-{users[number]}"
        partition = partition_for(user_id, settings.kafka_partitions)
        group = waiting.setdefault(partition, [])
        group.append(_event(rng, number, user_id, f"track-{tracks[number]:018d}", now))
        if len(group) == size:
            _produce(producer, partition, waiting.pop(partition), _headers(traces, traced))
            records += 1
    for partition, group in waiting.items():
        _produce(producer, partition, group, _headers(traces, traced))
    producer.flush(120)
    console.print(f"{events:,} events published")
    return records + len(waiting)


def _event(rng: random.Random, number: int, user_id: str, track_id: str, now: datetime) -> ListeningEvent:
    return ListeningEvent(
        event_id=uuid.UUID(int=(number << 64) | rng.getrandbits(62)),
        type="play" if rng.random() < 0.8 else "skip",
        user_id=user_id,
        track_id=track_id,
        occurred_at=now - timedelta(seconds=rng.randrange(30 * 86_400)),
        ms_played=180_000,
        session_id=f"session-{number // 20}",
    )


def _headers(rng: random.Random, traced: float) -> Headers:
    if rng.random() >= traced:
        return []
    return [(TRACEPARENT, f"00-{rng.getrandbits(128):032x}-{rng.getrandbits(64):016x}-01".encode())]


def _produce(producer: Producer, partition: int, group: list[ListeningEvent], headers: Headers) -> None:
    value = encode(group[0]) if len(group) == 1 else encode_envelope(group)
    while True:
        try:
            producer.produce(LISTENING_EVENTS, value, partition=partition, headers=headers)
            producer.poll(0)
            return
        except BufferError:
            producer.poll(0.05)


def _stored(database: Database) -> int:
    with database.transaction(read_only=True) as cursor:
        cursor.execute("select coalesce(sum(events), 0) from users")
        row = cursor.fetchone()
        return int(row[0]) if row else 0


def _visible(settings: Settings, records: int) -> bool:
    """Whether the guards in Redis, each its partition's next offset, have passed every record."""
    partitions = range(settings.kafka_partitions)
    with redis.Redis.from_url(settings.require_redis()) as client:
        guards = client.mget([guard_key(number, number) for number in partitions])
    return sum(int(guard or 0) for guard in guards) >= records


def _cpu_s(stack: LocalStack) -> dict[str, float]:
    """CPU seconds so far of each kind of process, children included (Postgres forks one for each connection)."""
    totals: dict[str, float] = {}
    for status in stack.processes():
        if status.pid:
            kind = status.name.split("-")[0]
            totals[kind] = totals.get(kind, 0.0) + _tree_cpu_s(psutil.Process(status.pid))
    return totals


def _tree_cpu_s(process: psutil.Process) -> float:
    total = 0.0
    for member in [process, *process.children(recursive=True)]:
        times = member.cpu_times()
        total += times.user + times.system
    return total


def _await(condition: Callable[[], bool], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not done within {within_s:.0f} s")
        time.sleep(0.2)
