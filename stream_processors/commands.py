"""`segue process`: run one stream processor."""

from __future__ import annotations

import asyncio

from prometheus_client import start_http_server

from segue.logs import configure_logging
from segue.settings import load_settings


def process() -> None:
    """Run one stream processor: Kafka to Postgres and Redis. Start as many as there are cores to spare, up to the partitions."""
    import uvloop

    from stream_processors.app import create_app, run
    from stream_processors.bootstrap import build_worker

    settings = load_settings()
    configure_logging(settings.log_level)
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    if settings.metrics_port:
        start_http_server(settings.metrics_port, "127.0.0.1")
    worker = build_worker(settings)
    app = create_app(settings, worker, loop)
    try:
        run(app, worker, settings, loop)
    finally:
        worker.tracing.close()
