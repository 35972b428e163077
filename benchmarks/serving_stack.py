"""A whole stack for one benchmark: servers, workers, a catalogue, a history, a model and the API, in a directory of its own."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from infra.local.api_probe import ApiProbe, ApiUnavailable
from infra.local.demo import begin_catalogue
from infra.local.stack import LocalStack
from segue.kafka import consumer_lag
from segue.settings import Settings, load_settings
from segue.topics import TOPICS

console = Console(stderr=True)


@contextmanager
def streaming_stack(workers: int, environment: dict[str, str] | None = None) -> Iterator[tuple[LocalStack, Settings]]:
    """Servers with topics and tables; workers are configured but not started. Everything is removed at the end."""
    before = dict(os.environ)
    os.environ |= environment or {}
    folder = Path(tempfile.mkdtemp(prefix="segue-bench-"))
    stack = LocalStack(folder, workers=workers, preferred_ports={}, environment=environment or {})
    try:
        os.environ |= stack.start_servers()
        stack.prepare_stores()
        console.print(f"servers ready, {workers} workers to start")
        yield stack, load_settings()
    finally:
        stack.erase()
        # Left there, these addresses would look like servers of somebody else's to the next stack of this process.
        os.environ.clear()
        os.environ |= before


@contextmanager
def serving_stack(workers: int, listeners: int = 300) -> Iterator[tuple[LocalStack, Settings, str]]:
    """The streaming stack with a catalogue, a month of simulated history, a model and the API; yields the API's base URL."""
    with streaming_stack(workers) as (stack, settings):
        stack.start(*(f"process-{number}" for number in range(1, workers + 1)))
        begin_catalogue(stack)()
        await_drained(settings)
        stack.run_segue("simulate", "--listeners", str(listeners), "--backlog-days", "30")
        await_drained(settings)
        stack.run_segue("train", "--once")
        stack.start("api")
        base_url = f"http://127.0.0.1:{stack.environment['SEGUE_API_PORT']}"
        await_model(base_url)
        console.print("catalogue, history, model and API ready")
        yield stack, settings, base_url


def await_model(base_url: str, within_s: float = 120.0) -> None:
    """Wait until an API answers from a model. Raises TimeoutError."""
    probe, deadline = ApiProbe(base_url), time.monotonic() + within_s
    while True:
        try:
            if probe.readiness().model is not None:
                return
        except ApiUnavailable as error:
            console.log(f"waiting for the API: {error}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"the API did not load a model within {within_s:.0f} s")
        time.sleep(0.5)


def await_drained(settings: Settings, within_s: float = 600.0) -> None:
    """Wait until the processors have acknowledged every record. Raises TimeoutError."""
    deadline = time.monotonic() + within_s
    topics = [topic.name for topic in TOPICS if topic.name != "dead-letters"]
    while sum(consumer_lag(settings.require_kafka(), settings.kafka_group, topics).values()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the processors did not catch up within {within_s:.0f} s")
        time.sleep(0.2)
