"""Traces: what a request or a batch did, in spans that OpenTelemetry collectors understand.

Off is the default, and then nothing of OpenTelemetry is imported; `SEGUE_TRACING=on` brings segue/otel.py and its export. A
process has one `Tracing`, whose `root` begins a trace; `span` finds the trace that it belongs to in its context, as log lines do.

Measured (200,000, one thread of a busy machine): `span` costs 0.8 µs where nothing is recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, TypeAlias

from segue.errors import ConfigurationError
from segue.logs import in_logs
from segue.settings import Settings

TRACEPARENT = "traceparent"
"""Header of HTTP requests and Kafka records that names the span which they come from (W3C Trace Context)."""

Attributes: TypeAlias = Mapping[str, str | int | float | bool]
"""Never a listener's id, nor what a person wrote: traces are kept elsewhere, and nobody deletes a user from them."""
Headers: TypeAlias = list[tuple[str, str | bytes | None]]
"""Of a Kafka record."""
Kind = Literal["internal", "server", "producer", "consumer", "client"]


class Span:
    """A span that nobody records: all there is while tracing is off, or where the sampler left a trace out."""

    trace_id: str | None = None
    """32 hex digits; None: nothing is recorded."""
    traceparent: str | None = None
    """What names it to others; None: nothing is recorded."""

    @property
    def headers(self) -> Headers:
        """Of the Kafka records that are written inside: none where nothing is recorded, so that nothing is stored for nothing."""
        return [] if self.traceparent is None else [(TRACEPARENT, self.traceparent.encode())]

    def rename(self, name: str) -> None:
        """Give it a name that was not known when it began."""

    def note(self, attributes: Attributes) -> None:
        """Say more about it."""

    def fail(self, reason: BaseException | str) -> None:
        """Mark it as failed: by an error, of which type and stack are kept but no message, or by a word."""

    def begin(self, name: str, kind: Kind = "internal", attributes: Attributes | None = None) -> Span:
        """A child of it, to be ended."""
        return self

    def passed(self, name: str, seconds: float) -> None:
        """Add a child that ends now and took so long."""

    def end(self) -> None:
        """It is over."""


class Tracing:
    """Begins traces. This one never does."""

    def begin(
        self,
        name: str,
        kind: Kind,
        attributes: Attributes | None = None,
        parents: Iterable[str] = (),
        links: Iterable[bytes] = (),
    ) -> Span:
        """The first span of a trace, or of this process's part in one.

        `parents`: traceparent headers of the request; unless there is exactly one and it is well-formed, a new trace begins.
        `links`: traceparent headers of what is handled, which began in traces of its own.
        """
        return NOBODY

    @contextmanager
    def root(self, name: str, kind: Kind, attributes: Attributes | None = None, links: Iterable[bytes] = ()) -> Iterator[Span]:
        """`begin` for the block."""
        with entered(self.begin(name, kind, attributes, links=links)) as begun:
            yield begun

    def close(self) -> None:
        """Send what waits, within `segue.otel.FLUSH_WITHIN_S`."""


NOBODY = Span()
NO_TRACING = Tracing()
_current: ContextVar[Span] = ContextVar("segue_span", default=NOBODY)


def open_tracing(settings: Settings, service: str) -> Tracing:
    """As the settings and the standard OTEL_ variables say; `service` is the name where these have none.

    Raises ConfigurationError when it is asked for and OpenTelemetry is not installed, or cannot do what the variables ask.
    """
    if not settings.tracing:
        return NO_TRACING
    try:
        from segue.otel_export import otel_tracing
    except ModuleNotFoundError as missing:
        raise ConfigurationError(
            f"SEGUE_TRACING is on and {missing.name} is not installed: `pip install 'segue[otel]'`, or set SEGUE_TRACING=off"
        ) from missing
    return otel_tracing(service)


def current() -> Span:
    """The span that this runs in."""
    return _current.get()


@contextmanager
def span(name: str, kind: Kind = "internal", attributes: Attributes | None = None) -> Iterator[Span]:
    """A child of the span that this runs in, for the block; an error that leaves the block marks it."""
    parent = _current.get()
    if parent.trace_id is None:
        yield parent
        return
    with entered(parent.begin(name, kind, attributes)) as begun:
        yield begun


@contextmanager
def entered(begun: Span) -> Iterator[Span]:
    """Have the block, and tasks that begin in it, run in this span, and end it behind."""
    if begun.trace_id is None:
        yield begun
        return
    token = _current.set(begun)
    try:
        with in_logs(trace_id=begun.trace_id):
            yield begun
    except BaseException as error:
        begun.fail(error)
        raise
    finally:
        _current.reset(token)
        begun.end()
