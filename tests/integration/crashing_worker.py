"""A real worker with a bug: its processor of listening events raises what nothing expects, in a traced batch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from segue.logs import configure_logging
from segue.settings import load_settings
from segue.topics import LISTENING_EVENTS
from segue.tracing import Tracing
from stream_processors.app import create_app, run
from stream_processors.bootstrap import build_worker
from stream_processors.processing import batch_span
from stream_processors.records import Record


class Crashing:
    """Fails at the first batch."""

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing

    def process(self, records: Sequence[Record]) -> None:
        """Raise."""
        with batch_span(self._tracing, LISTENING_EVENTS, records):
            raise AssertionError(f"a bug, at {records[0].value!r}")


if __name__ == "__main__":
    settings = load_settings()
    configure_logging(settings.log_level)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    worker = build_worker(settings)
    worker.processors[LISTENING_EVENTS] = Crashing(worker.tracing)
    run(create_app(settings, worker, loop), worker, settings, loop)
