"""Where traces go: to a collector that takes OTLP over HTTP, as the standard OTEL_ variables say.

Only `segue.tracing` imports this, when it is asked to. The variables (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME,
OTEL_TRACES_SAMPLER, OTEL_BSP_MAX_QUEUE_SIZE, …) are read by the SDK and mean what they mean everywhere.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Sequence

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.util.re import parse_env_headers

from segue import __version__
from segue.errors import ConfigurationError
from segue.logs import fields, redacted
from segue.otel import OtelTracing
from segue.tracing import NO_TRACING, Tracing

log = logging.getLogger(__name__)

PROTOCOL = "http/protobuf"
_SAID_HERE = ("opentelemetry.util.re", "opentelemetry.exporter")
"""Loggers that quote headers, or say each time anew that a collector is away."""
_QUEUE = logging.getLogger("opentelemetry.sdk._shared_internal")


def otel_tracing(service: str) -> Tracing:
    """As the OTEL_ variables say. Raises ConfigurationError that names the wrong one."""
    for name in _SAID_HERE:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    _QUEUE.addFilter(_full_queue)
    _full_queue.told = False
    if not _exports():
        return NO_TRACING
    _check_headers()
    try:
        provider = TracerProvider(resource=_resource(service), shutdown_on_exit=False)
        most_links = SpanLimits().max_links
        provider.add_span_processor(BatchSpanProcessor(AnnouncingExporter()))
    except ValueError as error:
        raise ConfigurationError(f"an OTEL_ variable is wrong: {redacted(str(error))}") from error
    return OtelTracing(provider, most_links)


class AnnouncingExporter(SpanExporter):
    """Says once that no collector takes the spans, and once that one does again. What it does not take is dropped."""

    def __init__(self) -> None:
        """Raises ValueError for a variable that cannot be read."""
        session = requests.Session()
        session.hooks["response"].append(self._hear)
        self._exporter: SpanExporter = OTLPSpanExporter(session=session)
        self._failing = False
        self._answer = ""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See SpanExporter."""
        self._answer = "none"
        result = self._exporter.export(spans)
        failed = result is not SpanExportResult.SUCCESS
        if failed and not self._failing:
            say = "no collector takes the traces, they are dropped; check OTEL_EXPORTER_OTLP_ENDPOINT and its headers"
            log.warning(say, extra=fields(answer=self._answer))
        if self._failing and not failed:
            log.info("a collector takes the traces again")
        self._failing = failed
        return result

    def _hear(self, response: requests.Response, *_args: object, **_kwargs: object) -> None:
        # Its words may quote what it was sent.
        self._answer = str(response.status_code)

    def shutdown(self) -> None:
        """See SpanExporter."""
        self._exporter.shutdown()


class FullQueue(logging.Filter):
    """Says once that the queue is full, where the SDK says it again and again."""

    told = False

    def filter(self, record: logging.LogRecord) -> bool:
        """See Filter."""
        is_full = str(record.msg).startswith("Queue full")
        if is_full and not self.told:
            self.told = True
            log.warning("more traces than the collector takes in time: some are dropped; see OTEL_BSP_MAX_QUEUE_SIZE")
        return not is_full


_full_queue = FullQueue()


def _exports() -> bool:
    """Raises ConfigurationError for an exporter or protocol other than OTLP over HTTP."""
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp"
    if exporter not in {"otlp", "none"}:
        raise ConfigurationError("OTEL_TRACES_EXPORTER: Segue knows `otlp` and `none`")
    names = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    name = next((name for name in names if os.environ.get(name, "").strip()), None)
    if name is not None and os.environ[name].strip() != PROTOCOL:
        raise ConfigurationError(f"{name}: Segue speaks {PROTOCOL} only, to port 4318 of most collectors")
    return exporter == "otlp"


def _check_headers() -> None:
    """Raises ConfigurationError for headers that the SDK would leave out, and quote in a log line."""
    for name in ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"):
        parts = [part for part in os.environ.get(name, "").split(",") if part.strip()]
        for position, part in enumerate(parts, start=1):
            if not parse_env_headers(part, liberal=True):
                raise ConfigurationError(f"{name}: entry {position} is not `name=value`; percent-encode commas and semicolons")


def _resource(service: str) -> Resource:
    named = OTELResourceDetector().detect().attributes.get(SERVICE_NAME)
    own = {"service.version": __version__, "service.instance.id": str(uuid.uuid4())}
    return Resource.create(own if named else own | {SERVICE_NAME: service})
