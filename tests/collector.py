"""A collector of traces: OTLP over HTTP as the protocol has it, with what came kept in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import Span

PROTOBUF = "application/x-protobuf"
HELD_AT_MOST_S = 30.0


@dataclass
class Collector:
    """What was sent to `endpoint` and taken. While `answering` is clear, senders wait."""

    endpoint: str
    status: HTTPStatus = HTTPStatus.OK
    answering: threading.Event = field(default_factory=threading.Event)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def spans(self, service: str) -> list[Span]:
        """Of one service, in the order in which they came."""
        return [
            span
            for body in list(self.bodies)
            for sent in ExportTraceServiceRequest.FromString(body).resource_spans
            if service in {one.value.string_value for one in sent.resource.attributes if one.key == "service.name"}
            for scope in sent.scope_spans
            for span in scope.spans
        ]


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a port of its own, which answers from the start."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.headers.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
            collector.answering.wait(HELD_AT_MOST_S)
            if collector.status == HTTPStatus.OK:
                collector.bodies.append(body)
            answer = ExportTraceServiceResponse().SerializeToString()
            # Who does not wait for the answer is gone.
            with suppress(ConnectionError):
                self.send_response(collector.status)
                self.send_header("Content-Type", PROTOBUF)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's own name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_port}")
        collector.answering.set()
        thread = threading.Thread(target=server.serve_forever, name="collector")
        thread.start()
        try:
            yield collector
        finally:
            collector.answering.set()
            server.shutdown()
            thread.join()
