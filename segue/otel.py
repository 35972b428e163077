"""Spans and traces of the OpenTelemetry SDK, in the shape of `segue.tracing`."""

from __future__ import annotations

import re
import threading
import time
import traceback
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler, SamplingResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace import Span as SdkSpan

from segue import __version__
from segue.tracing import NOBODY, Attributes, Kind, Span, Tracing

FLUSH_WITHIN_S = 2.0
"""How long a process that ends waits for a collector."""
FRAMES = 20
"""Of an error's stack, the innermost."""

_KINDS = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
    "client": SpanKind.CLIENT,
}
_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z", re.ASCII | re.DOTALL)
_LONGEST_TRACEPARENT = 512


class OtelSpan(Span):
    """One that is recorded."""

    def __init__(self, recorded: SdkSpan, tracer: Tracer) -> None:
        context = recorded.get_span_context()
        self.trace_id = f"{context.trace_id:032x}"
        self.traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
        self._span, self._tracer = recorded, tracer
        self._failed = False

    def rename(self, name: str) -> None:
        """See Span."""
        self._span.update_name(name)

    def note(self, attributes: Attributes) -> None:
        """See Span."""
        self._span.set_attributes(attributes)

    def fail(self, reason: BaseException | str) -> None:
        """See Span."""
        kind = reason if isinstance(reason, str) else _name(reason)
        if isinstance(reason, BaseException):
            # Messages quote what people sent; code does not.
            stack = "".join(traceback.format_tb(reason.__traceback__, -FRAMES))
            self._span.add_event("exception", {"exception.type": kind, "exception.stacktrace": stack})
        if not self._failed:
            # The first is the cause; a status of 500 is what came of it.
            self._span.set_attribute("error.type", kind)
            self._span.set_status(StatusCode.ERROR)
        self._failed = True

    def begin(self, name: str, kind: Kind = "internal", attributes: Attributes | None = None) -> Span:
        """See Span."""
        inside = set_span_in_context(self._span, Context())
        return _recorded(self._tracer.start_span(name, inside, _KINDS[kind], attributes), self._tracer)

    def passed(self, name: str, seconds: float) -> None:
        """See Span."""
        ended_ns = time.time_ns()
        began_ns = ended_ns - round(seconds * 1e9)
        inside = set_span_in_context(self._span, Context())
        self._tracer.start_span(name, inside, start_time=began_ns).end(ended_ns)

    def end(self) -> None:
        """See Span."""
        self._span.end()


class OtelTracing(Tracing):
    """Traces of one provider."""

    def __init__(self, provider: TracerProvider, most_links: int | None = None) -> None:
        """`most_links`: of one span; None: no bound but that of a batch."""
        provider.sampler = LinkedSampler(provider.sampler)
        self._provider, self._most_links = provider, most_links
        self._tracer = provider.get_tracer("segue", __version__)

    def begin(
        self,
        name: str,
        kind: Kind,
        attributes: Attributes | None = None,
        parents: Iterable[str] = (),
        links: Iterable[bytes] = (),
    ) -> Span:
        """See Tracing."""
        distinct = dict.fromkeys(links)
        linked = self._links(distinct)
        begun = self._tracer.start_span(name, _context_of(list(parents)), _KINDS[kind], attributes, linked)
        if self._most_links is not None and len(distinct) > self._most_links:
            begun.set_attribute("segue.links_left_out", len(distinct) - len(linked))
        return _recorded(begun, self._tracer)

    def close(self) -> None:
        """See Tracing. The SDK's own way out waits for as long as its exporter does."""
        ending = threading.Thread(target=self._provider.shutdown, name="traces-out", daemon=True)
        ending.start()
        ending.join(FLUSH_WITHIN_S)

    def _links(self, traceparents: Iterable[bytes]) -> list[Link]:
        """To those that were sampled; the others are nowhere to be found."""
        contexts = (parse_traceparent(traceparent) for traceparent in traceparents)
        sampled = (Link(context) for context in contexts if context is not None and context.trace_flags.sampled)
        return list(islice(sampled, self._most_links))


class LinkedSampler(Sampler):
    """Decides as another one does, which takes a sampled link for a sampled parent where there is no parent.

    So "parentbased" samplers record what becomes of every request that they recorded; the others ask nobody, as ever.
    """

    def __init__(self, deciding: Sampler) -> None:
        self._deciding = deciding

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Any = None,
        links: Sequence[Link] | None = None,
        trace_state: Any = None,
    ) -> SamplingResult:
        """See Sampler."""
        if links and not get_current_span(parent_context).get_span_context().is_valid:
            parent_context = set_span_in_context(NonRecordingSpan(links[0].context), Context())
        return self._deciding.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """See Sampler."""
        return f"Linked{{{self._deciding.get_description()}}}"


def parse_traceparent(header: str | bytes) -> SpanContext | None:
    """The span that a W3C traceparent names; None unless it is well-formed. Source: https://www.w3.org/TR/trace-context/, 3.2."""
    if len(header) > _LONGEST_TRACEPARENT:
        return None
    found = _FORM.match(header.decode("latin-1") if isinstance(header, bytes) else header)
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more):
        return None
    context = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))
    return context if context.is_valid else None


def _context_of(parents: Sequence[str]) -> Context:
    """What a span begins in: never what happens to be current, which is another library's."""
    parent = parse_traceparent(parents[0]) if len(parents) == 1 else None
    return Context() if parent is None else set_span_in_context(NonRecordingSpan(parent), Context())


def _recorded(begun: SdkSpan, tracer: Tracer) -> Span:
    return OtelSpan(begun, tracer) if begun.get_span_context().trace_flags.sampled and begun.is_recording() else NOBODY


def _name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
