"""Traces kept in memory: a real SDK, whose spans are read here instead of being sent."""

from __future__ import annotations

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Sampler
from opentelemetry.trace import SpanContext

from segue.otel import OtelTracing

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"
UNSAMPLED = f"00-{TRACE_ID}-b7ad6b7169203331-00"


class Traces:
    """`tracing` for what is tested, and the spans that ended in it."""

    def __init__(self, sampler: Sampler = DEFAULT_ON, most_links: int | None = 128) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracing = OtelTracing(self.provider, most_links)

    def spans(self) -> list[ReadableSpan]:
        """In the order in which they ended."""
        return list(self._exporter.get_finished_spans())

    def names(self) -> list[str]:
        """The spans' names."""
        return [span.name for span in self.spans()]

    def one(self, name: str) -> ReadableSpan:
        """The only span of this name."""
        (found,) = [span for span in self.spans() if span.name == name]
        return found


def context_of(span: ReadableSpan) -> SpanContext:
    """Which every span that ended has."""
    context = span.get_span_context()
    assert context is not None
    return context


def trace_id_of(span: ReadableSpan) -> str:
    """32 hex digits."""
    return f"{context_of(span).trace_id:032x}"


def span_id_of(span: ReadableSpan) -> str:
    """16 hex digits."""
    return f"{context_of(span).span_id:016x}"


def parent_of(span: ReadableSpan) -> str | None:
    """Its parent's span id, 16 hex digits."""
    return None if span.parent is None else f"{span.parent.span_id:016x}"


def traceparent_of(span: ReadableSpan) -> str:
    """As a header names the span."""
    return _traceparent(context_of(span))


def linked_by(span: ReadableSpan) -> list[str]:
    """The traceparents of its links."""
    return [_traceparent(link.context) for link in span.links]


def _traceparent(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
