"""Logging in to Spotify: PKCE with a browser anywhere, whose last address arrives at a port of this machine or is pasted."""

from __future__ import annotations

import hmac
import os
import secrets
import selectors
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from spotipy.exceptions import SpotifyOauthError

from producers.spotify.login import TokenFile, fetched, oauth_error, pkce_of, spotify_folder
from producers.spotify.records import digest
from producers.spotify.session import SpotifySession, http_session, quiet_spotipy
from segue.errors import ConfigurationError, LoginNeeded
from segue.settings import Settings

MAX_TYPED = 16_384
"""Bytes of a pasted line."""
CLIENT_TIMEOUT_S = 5.0
"""How long something that connects to the port may say nothing."""

_DONE = "<!doctype html><title>Segue</title><p>You are logged in. This page can be closed."
_REFUSED = "<!doctype html><title>Segue</title><p>This is not the login that Segue waits for."


@dataclass(frozen=True)
class Authorization:
    """`say` shows people a line; `typed`: the descriptor at which they may paste the address, None where nobody is there."""

    settings: Settings
    say: Callable[[str], None]
    typed: int | None
    timeout_s: float

    def run(self) -> None:
        """Log in. Raises LoginNeeded, ConfigurationError or SpotifyUnavailable; an earlier login stays then."""
        quiet_spotipy()
        folder, state = spotify_folder(self.settings), secrets.token_urlsafe(24)
        new = TokenFile(folder, "new-token.json")
        new.forget()
        with http_session() as http, _listening(self.settings.spotify_redirect_port, state) as server:
            pkce = pkce_of(self.settings, http, new)
            self._explain(pkce.get_authorize_url(state))
            code = _Answers(server, self.typed, self.timeout_s).code()
            try:
                fetched(lambda: pkce.get_access_token(code, check_cache=False))
            except LoginNeeded:
                raise LoginNeeded("Spotify does not take this code (any more): run `segue ingest auth` again") from None
        new.path.replace(TokenFile(folder).path)

    def _explain(self, url: str) -> None:
        self.say("Open this address in a browser, on any machine, and agree:")
        self.say(url)
        self.say(
            "On this machine the browser then tells Segue by itself. On another one, or from a container, its last page does not "
            "load: paste that page's address here."
        )


def note_account(session: SpotifySession, tokens: TokenFile) -> None:
    """Ask whose login it is and keep a digest of it, by which imports are told apart. Raises as `SpotifySession.ask`."""
    body = session.ask(lambda client: client.me(), "account")
    tokens.note_account(digest(str(body.get("id") or body.get("account_id"))))


def code_in(address: str, state: str) -> str | None:
    """The code that the browser's last address carries; None if it belongs to another login. Raises LoginNeeded if declined."""
    said = parse_qs(urlsplit(address.strip()).query)
    if not hmac.compare_digest(said.get("state", [""])[0].encode(), state.encode()):
        return None
    if "code" in said:
        return said["code"][0]
    raise oauth_error(SpotifyOauthError("declined", error=said.get("error", ["access_denied"])[0]))


class _Answers:
    """Waits for the browser's last address, whichever way it comes."""

    def __init__(self, server: _Server, typed: int | None, timeout_s: float) -> None:
        self._server, self._timeout_s = server, timeout_s
        self._line = b""
        # epoll takes no files, which standard input may be.
        self._selector = selectors.SelectSelector()
        self._selector.register(server, selectors.EVENT_READ, server.take)
        if typed is not None:
            self._selector.register(typed, selectors.EVENT_READ, lambda: self._pasted(typed))

    def code(self) -> str:
        deadline = time.monotonic() + self._timeout_s
        with self._selector:
            while (left_s := deadline - time.monotonic()) > 0:
                for key, _ in self._selector.select(left_s):
                    code = key.data()
                    if code is not None:
                        return str(code)
        raise LoginNeeded(f"nobody logged in within {self._timeout_s:.0f} s: run `segue ingest auth` again")

    def _pasted(self, typed: int) -> str | None:
        # Lines of a text file are read ahead into a buffer that no selector sees.
        read = os.read(typed, MAX_TYPED)
        if not read:
            self._selector.unregister(typed)
        *lines, self._line = (self._line + read)[-MAX_TYPED:].split(b"\n")
        for line in lines:
            if code := code_in(line.decode(errors="replace"), self._server.state):
                return code
        return None


class _Server(HTTPServer):
    def __init__(self, port: int, state: str) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.state, self.found = state, ""
        self.declined: LoginNeeded | None = None

    def take(self) -> str | None:
        """Answer one request; the code, if it brought it."""
        self.handle_request()
        if self.declined is not None:
            raise self.declined
        return self.found or None


class _Handler(BaseHTTPRequestHandler):
    timeout = CLIENT_TIMEOUT_S
    server: _Server

    def do_GET(self) -> None:
        try:
            code = code_in(self.path, self.server.state) if urlsplit(self.path).path == "/callback" else None
        except LoginNeeded as declined:
            self.server.declined, code = declined, None
        self.server.found = code or ""
        page = (_DONE if code else _REFUSED).encode()
        self.send_response(200 if code else 400)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """Say nothing: the path holds the code."""


@contextmanager
def _listening(port: int, state: str) -> Iterator[_Server]:
    try:
        server = _Server(port, state)
    except OSError as error:
        raise ConfigurationError(
            f"port {port} of 127.0.0.1 cannot be used ({error.strerror}): set SEGUE_SPOTIFY_REDIRECT_PORT to a free one and add "
            "its redirect URI in Spotify's dashboard"
        ) from error
    with server:
        yield server
