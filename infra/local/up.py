"""`segue up` in the foreground: start, tell, watch, and take everything down in order."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.live import Live

from infra.local.api_probe import ApiProbe
from infra.local.demo import Demo, begin_catalogue, has_model, wait_for_api
from infra.local.demo_view import LINE_EVERY_S, DemoView, print_line
from infra.local.health import HealthWatch
from infra.local.ports import LOOPBACK
from infra.local.programs import room_names, worker_names
from infra.local.report import process_table, report_to, urls
from infra.local.stack import LocalStack
from infra.local.supervision import SupervisorUnavailable
from segue.settings import Settings

LOOK_EVERY_S = 1.0
ROOM_MISSING = "the listening room needs the extra `ui`: make install"
ENDINGS = (signal.SIGTERM, signal.SIGHUP)


class Foreground:
    """One `segue up`: owns the stack from its start to its end."""

    def __init__(self, stack: LocalStack, settings: Settings, console: Console, *, demo: bool, duration_s: float | None) -> None:
        self._stack = stack
        self._settings = settings
        self._console = console
        self._demo = demo
        self._duration_s = duration_s
        self._began = time.monotonic()

    def run(self) -> int:
        """Until a signal, `segue down`, or the end of the time. Returns the exit code; raises what kept it from starting."""
        with endings_as_interrupts():
            try:
                return self._start_and_watch()
            except KeyboardInterrupt:
                self._console.print("stopping: simulator, then API, trainer and workers, then the servers …")
                return 0 if self._duration_s is None else 1
            finally:
                with interrupts_ignored():
                    self._stack.release()
                self._console.print(f"stopped; the data stays in {self._stack.state.path}", soft_wrap=True)

    def _start_and_watch(self) -> int:
        warm = self._demo and has_model(self._stack)
        self._stack.launch_servers(beside=["api"] if warm else self._worker_names())
        reading = begin_catalogue(self._stack) if self._demo and not warm else None
        self._stack.await_servers()
        self._stack.prepare_stores()
        api = ApiProbe(f"http://{LOOPBACK}:{self._stack.ports()['api']}")
        try:
            self._start_apps(api, reading)
            self._summary()
            return self._watch(api)
        finally:
            api.close()

    def _start_apps(self, api: ApiProbe, reading: Callable[[], None] | None) -> None:
        if not self._demo:
            self._stack.start(*self._names())
            wait_for_api(self._stack, api)
            return
        demo = Demo(self._stack, self._settings, api, self._report, reading)
        demo.open()
        self._console.print(f"[bold green]first recommendation after {demo.opened_at - self._began:.1f} s[/]")

    def _worker_names(self) -> list[str]:
        return worker_names(self._stack.workers)

    def _names(self) -> list[str]:
        return [*self._worker_names(), "api", "trainer", *room_names(), *(["simulator"] if self._demo else [])]

    def _summary(self) -> None:
        processes = self._stack.processes()
        self._console.print(process_table([process for process in processes if process.pid]))
        found = urls(self._stack, processes)
        self._console.print(f"listen   {found['ui'] or ROOM_MISSING}", soft_wrap=True)
        self._console.print(f"API      {found['api']}/docs")
        self._console.print("status   segue status        stop   Ctrl-C or segue down")

    def _watch(self, api: ApiProbe) -> int:
        health = HealthWatch([*self._names(), *self._stack.server_names()], api, must_recommend=self._demo)
        try:
            with self._shown(api) as show:
                while not self._is_over():
                    health.look(self._stack.processes())
                    show()
                    time.sleep(LOOK_EVERY_S)
        except SupervisorUnavailable:
            self._console.print("the stack was stopped from outside (`segue down`)")
            return 0 if self._duration_s is None else 1
        return self._verdict(health.conclude())

    def _is_over(self) -> bool:
        return self._duration_s is not None and time.monotonic() - self._ready >= self._duration_s

    @contextmanager
    def _shown(self, api: ApiProbe) -> Iterator[Callable[[], None]]:
        self._ready = time.monotonic()
        if not self._demo:
            yield lambda: None
            return
        ports = [self._stack.metrics_port(name) for name in self._worker_names()]
        view = DemoView(api, ports, self._links())
        if not self._console.is_terminal:
            yield _every(LINE_EVERY_S, lambda: print_line(self._console, view.read()))
            return
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            yield lambda: live.update(view.render(view.read()), refresh=True)

    def _links(self) -> dict[str, str]:
        found = urls(self._stack, self._stack.processes())
        return {"API": f"{found['api']}/docs"} | ({"listen": found["ui"]} if found["ui"] else {})

    def _verdict(self, reasons: list[str]) -> int:
        if not reasons:
            self._console.print("[green]everything was healthy all along[/]")
            return 0
        self._console.print("[red]not healthy:[/]")
        for reason in reasons:
            self._console.print(f"  {reason}", markup=False)
        return 1

    def _report(self, text: str) -> None:
        report_to(self._console)(text)


@contextmanager
def endings_as_interrupts() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in ENDINGS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def interrupts_ignored() -> Iterator[None]:
    """Stopping in order is not interrupted; `kill -9` still ends it, and the next start cleans up."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, *ENDINGS)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _every(seconds: float, act: Callable[[], None]) -> Callable[[], None]:
    last = float("-inf")

    def maybe() -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            last = time.monotonic()
            act()

    return maybe
