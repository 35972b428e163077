"""How far an import is: a bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from producers.ingestion.pages import Checked
from producers.ingestion.runner import Watch

LINE_EVERY_S = 10.0


class _Bar:
    def __init__(self, bar: Progress, label: str, total: int | None, done: int) -> None:
        self._bar, self._done, self._rejected = bar, done, 0
        self._task = bar.add_task(label, total=total, completed=done, said="")

    def page(self, page: Checked) -> None:
        self._done += page.read
        self._rejected += len(page.rejected)
        speed = self._bar.tasks[self._task].speed or 0
        self._bar.update(self._task, completed=self._done, said=_said(self._done, speed, self._rejected))


class _Lines:
    def __init__(self, console: Console, label: str, total: int | None, done: int) -> None:
        self._console, self._label, self._total = console, label, total
        self._done, self._rejected = done, 0
        self._began = self._said_at = time.monotonic()
        self._before = done

    def page(self, page: Checked) -> None:
        self._done += page.read
        self._rejected += len(page.rejected)
        now = time.monotonic()
        if now - self._said_at >= LINE_EVERY_S:
            self._said_at = now
            of = f" of {self._total:,}" if self._total else ""
            speed = (self._done - self._before) / (now - self._began)
            self._console.print(f"{self._label}{of}: {_said(self._done, speed, self._rejected)}", markup=False, highlight=False)


@contextmanager
def shown(console: Console, label: str, total: int | None, done: int) -> Iterator[Watch]:
    """What is told of each page is shown on `console` within the block; `done` was read before, out of `total`."""
    if not console.is_terminal:
        yield _Lines(console, label, total, done)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[said]}"))
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        yield _Bar(bar, label, total, done)


def _said(done: int, speed: float, rejected: int) -> str:
    return f"{done:,} read, {speed:,.0f}/s" + (f", {rejected:,} rejected" if rejected else "")
