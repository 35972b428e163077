"""The demo while it runs: a live view on a terminal, one line every ten seconds elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table

from infra.local.api_probe import ApiProbe, ApiUnavailable, Recommendation
from infra.local.demo import SHOWN, SOMEBODY
from infra.local.scrape import WorkerMetrics, quantile, scrape

LINE_EVERY_S = 10.0


@dataclass(frozen=True)
class Reading:
    """What is shown: events per second, records of lag, latencies in seconds (None: nothing seen), one listener's answer."""

    events_per_s: float
    lag: float
    p50_s: float | None
    p99_s: float | None
    dead_letters: float
    missing_workers: int
    answer: Recommendation | None

    def line(self) -> str:
        """One plain line."""
        model = self.answer.model if self.answer else None
        top = self.answer.titles[0] if self.answer and self.answer.titles else "–"
        return (
            f"{self.events_per_s:.0f} events/s, lag {self.lag:.0f}, event to state p50 {_ms(self.p50_s)} p99 {_ms(self.p99_s)}, "
            f"model {model or '–'}, {SOMEBODY}: {top}"
        )


class DemoView:
    """Reads the metrics and the API once per call, and tells rates from the difference to the reading before."""

    def __init__(self, api: ApiProbe, worker_ports: list[int], urls: Mapping[str, str]) -> None:
        self._api = api
        self._ports = worker_ports
        self._urls = urls
        self._before, self._before_at = scrape(worker_ports), time.monotonic()
        self._last_titles: list[str] = []

    def read(self) -> Reading:
        """What has happened since the last call."""
        now, metrics = time.monotonic(), scrape(self._ports)
        reading = Reading(
            events_per_s=max(0.0, metrics.events_written - self._before.events_written) / max(now - self._before_at, 1e-3),
            lag=metrics.lag,
            p50_s=quantile(self._before.buckets, metrics.buckets, 0.5),
            p99_s=quantile(self._before.buckets, metrics.buckets, 0.99),
            dead_letters=metrics.dead_letters,
            missing_workers=metrics.missing,
            answer=self._answer(),
        )
        self._remember(metrics, now)
        return reading

    def render(self, reading: Reading) -> RenderableType:
        """The live view; titles that are new since the last one stand out."""
        numbers = Table.grid(padding=(0, 3))
        numbers.add_row("events/s", f"[bold]{reading.events_per_s:.0f}[/]", "lag", f"[bold]{reading.lag:.0f}[/] records")
        numbers.add_row("event to state", f"p50 [bold]{_ms(reading.p50_s)}[/]", "", f"p99 [bold]{_ms(reading.p99_s)}[/]")
        model = reading.answer.model if reading.answer else None
        numbers.add_row("model", f"[bold]{model or '–'}[/]", "dead letters", f"[bold]{reading.dead_letters:.0f}[/]")
        titles = reading.answer.titles if reading.answer else []
        top = Table.grid(padding=(0, 1))
        for place, title in enumerate(titles, 1):
            style = "bold green" if self._last_titles and title not in self._last_titles else ""
            top.add_row(f"{place}.", title, style=style)
        self._last_titles = titles
        links = "   ".join(f"{name} {url}" for name, url in self._urls.items())
        return Group(
            Panel(numbers, title="Segue", title_align="left"),
            Panel(top, title=f"next for {SOMEBODY}", title_align="left"),
            f"{links}   Ctrl-C stops everything",
        )

    def _answer(self) -> Recommendation | None:
        try:
            return self._api.recommend(SOMEBODY, SHOWN)
        except ApiUnavailable:
            return None

    def _remember(self, metrics: WorkerMetrics, now: float) -> None:
        # A worker that did not answer would look like events undone, then done again.
        if not metrics.missing:
            self._before, self._before_at = metrics, now


def print_line(console: Console, reading: Reading) -> None:
    """The view where there is no terminal."""
    console.print(reading.line(), highlight=False, markup=False, soft_wrap=True)


def _ms(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1000:.0f} ms"
