"""A real worker whose processor of listening events never returns: what a deadlock or a lost answer would do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

from segue.logs import configure_logging
from segue.settings import load_settings
from segue.topics import LISTENING_EVENTS
from stream_processors.app import create_app, run
from stream_processors.bootstrap import build_worker
from stream_processors.records import Record


class Hanging:
    """Takes a batch and never comes back."""

    def process(self, records: Sequence[Record]) -> None:  # noqa: ARG002 - the port's own name
        """Wait for what never happens."""
        threading.Event().wait()


if __name__ == "__main__":
    settings = load_settings()
    configure_logging(settings.log_level)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    worker = build_worker(settings)
    worker.processors[LISTENING_EVENTS] = Hanging()
    run(create_app(settings, worker, loop), worker, settings, loop)
