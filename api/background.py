"""Tasks that run as long as the process; an unforeseen error in one ends the process, for the supervisor to restart."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from segue.logs import fields

log = logging.getLogger(__name__)


@asynccontextmanager
async def running(on_crash: Callable[[], None], **loops: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run the loops during the block; `on_crash` is called when one of them ends with an error."""
    tasks = [asyncio.create_task(loop, name=name) for name, loop in loops.items()]
    for task in tasks:
        task.add_done_callback(lambda ended: _report(ended, on_crash))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


def end_process() -> None:
    """Ask the server to finish what it is answering and to end."""
    os.kill(os.getpid(), signal.SIGTERM)


def _report(ended: asyncio.Task[None], on_crash: Callable[[], None]) -> None:
    if ended.cancelled():
        return
    error = ended.exception()
    if error is not None:
        log.critical("background task failed", exc_info=error, extra=fields(task=ended.get_name()))
        on_crash()
