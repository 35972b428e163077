"""The server: one port for both services, a list of what was asked, and faults on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.spotify.accounts import Accounts
from tests.fakes.spotify.kinds import NEW_DEV, AppKind
from tests.fakes.spotify.library import Library
from tests.fakes.spotify.reply import Reply
from tests.fakes.spotify.web_api import WebApi


@dataclass(frozen=True)
class Asked:
    """One request to the Web API."""

    method: str
    path: str
    """Without `/v1/` and without a slash at its end."""
    query: Mapping[str, str]


@dataclass
class Fault:
    """The next `times` answers to paths that begin with `path`."""

    path: str
    reply: Reply
    times: int


@dataclass
class FakeSpotify:
    """Runs in a thread while used as a context. `asked`: requests to the Web API, in order."""

    kind: AppKind = NEW_DEV
    library: Library = field(default_factory=Library)
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.accounts = Accounts()
        self.answered: list[Asked] = []
        """Requests to the Web API that got 200."""
        self._faults: list[Fault] = []
        self._left: int | None = None
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        """`http://127.0.0.1:<port>`."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """Settings that lead here."""
        return {
            "SEGUE_SPOTIFY_API_URL": f"{self.url}/v1/", "SEGUE_SPOTIFY_ACCOUNTS_URL": self.url, "SEGUE_SPOTIFY_MARKET": "DE",
            "SEGUE_SPOTIFY_CLIENT_ID": self.accounts.client_id,
        }  # fmt: skip

    @property
    def paths(self) -> list[str]:
        """Paths of the requests to the Web API, in order."""
        return [asked.path for asked in self.asked]

    def fault(self, path: str, reply: Reply, times: int = 1) -> None:
        """Answer the next requests of a path so."""
        self._faults.append(Fault(path, reply, times))

    def stop_after(self, answers: int) -> None:
        """Give so many more answers other than refusals, then ask for a pause of half a day, until `go_on`."""
        self._left = answers

    def go_on(self) -> None:
        """Answer everything."""
        self._left = None

    def __enter__(self) -> FakeSpotify:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: str) -> Reply:
        """What a request gets."""
        url = urlsplit(target)
        query, path = dict(parse_qsl(url.query, keep_blank_values=True)), url.path.strip("/")
        with self._lock:
            if not path.startswith("v1/"):
                return self._fault(path) or self.accounts.answer(path, query, headers, dict(parse_qsl(body)))
            path = path.removeprefix("v1/")
            self.asked.append(Asked(method, path, query))
            if (fault := self._fault(path)) is not None:
                return fault
            reply = self._asked(path, query, self.accounts.grant_of(headers.get("Authorization", "")))
            return self._counted(reply, self.asked[-1])

    def _asked(self, path: str, query: Mapping[str, str], grant: str | None) -> Reply:
        if grant is None:
            return Reply.error(401, "The access token expired")
        return WebApi(self.kind, self.library, self.url).answer(path, query, personal=grant == "person")

    def _counted(self, reply: Reply, asked: Asked) -> Reply:
        if reply.status != 200:
            return reply
        if self._left == 0:
            return Reply.error(429, "API rate limit exceeded", retry_after="48925")
        self._left = None if self._left is None else self._left - 1
        self.answered.append(asked)
        return reply

    def _fault(self, path: str) -> Reply | None:
        for fault in self._faults:
            if fault.times and path.startswith(fault.path):
                fault.times -= 1
                return fault.reply
        return None


def _handler_of(spotify: FakeSpotify) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in two packets would cost each answer 40 ms.
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._answer("")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
            """Say nothing."""

        def _answer(self, body: str) -> None:
            reply = spotify.answer(self.command, self.path, dict(self.headers.items()), body)
            raw = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw.encode())))
            self.end_headers()
            self.wfile.write(raw.encode())

    return Handler
