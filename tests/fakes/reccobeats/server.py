"""The server: `GET /v1/audio-features?ids=` of at most 40 ids, in an order of its own, without unknown ones; faults."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

MOST_IDS = 40
FEATURES = {
    "acousticness": 0.2, "danceability": 0.7, "energy": 0.8, "instrumentalness": 0.0, "key": 5, "liveness": 0.1, "loudness": -6.0,
    "mode": 1, "speechiness": 0.05, "tempo": 120.0, "valence": 0.9,
}  # fmt: skip


def entry(spotify_id: str, isrc: str = "GBAYE0601498", **changed: Any) -> dict[str, Any]:
    """What the service says of one track."""
    own_id = str(uuid.uuid5(uuid.NAMESPACE_URL, spotify_id))
    return {"id": own_id, "href": f"https://open.spotify.com/track/{spotify_id}", "isrc": isrc} | FEATURES | changed


@dataclass(frozen=True)
class Failure:
    """An answer that is none. `cut`: the connection closes in the middle of it; `drips`: it comes byte by byte, without end."""

    status: int
    body: str = "{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    drips: bool = False


@dataclass
class FakeReccoBeats:
    """Runs in a thread while used as a context. `known`: its entries; `asked`: the ids of each request; `failures` come first.

    `answered`: the ids of each request that got 200.
    """

    known: list[dict[str, Any]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    asked: list[list[str]] = field(default_factory=list)
    answered: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.closing = threading.Event()
        self._left: int | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        """`http://127.0.0.1:<port>`."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop_after(self, answers: int) -> None:
        """Give so many more answers, then ask for a pause of half a day, until `go_on`."""
        self._left = answers

    def go_on(self) -> None:
        """Answer everything."""
        self._left = None

    def __enter__(self) -> FakeReccoBeats:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, target: str) -> Failure:
        """What a request gets."""
        url = urlsplit(target)
        ids = parse_qs(url.query).get("ids", [""])[0].split(",")
        self.asked.append(ids)
        if self.failures:
            return self.failures.pop(0)
        if url.path != "/v1/audio-features":
            return Failure(404, '{"error":"Not Found"}')
        if len(ids) > MOST_IDS or ids == [""]:
            return Failure(400, '{"error":"Invalid ids"}')
        if self._left == 0:
            return Failure(429, '{"error":"Too many requests"}', {"Retry-After": "43200"})
        self._left = None if self._left is None else self._left - 1
        self.answered.append(ids)
        found = [one for one in self.known if one["href"].rsplit("/", 1)[-1] in ids or one["isrc"] in ids]
        return Failure(200, json.dumps({"content": sorted(found, key=lambda one: str(one["id"]))}))


def _handler_of(service: FakeReccoBeats) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in two packets would cost each answer 40 ms.
        wbufsize = -1
        disable_nagle_algorithm = True

        def handle(self) -> None:
            # A client that has given up has closed the connection.
            with suppress(ConnectionError):
                super().handle()

        def do_GET(self) -> None:
            reply = service.answer(self.path)
            raw = reply.body.encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw) + 100 if reply.cut else 10**9 if reply.drips else len(raw)))
            self.end_headers()
            self.wfile.write(raw)
            self.close_connection = reply.cut or reply.drips
            if reply.drips:
                self._drip()

        def _drip(self) -> None:
            while not service.closing.wait(0.02):
                self.wfile.write(b" ")
                self.wfile.flush()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
            """Say nothing."""

    return Handler
