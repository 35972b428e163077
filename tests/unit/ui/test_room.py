"""The whole room, against a service that wants a key."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from segue.client.generated.shapes import TracksFound
from tests.unit.ui.conftest import labels, track, words
from ui.commands import ENTRY

KEY = "segue_right"
FOUND = msgspec.json.encode(TracksFound(query="sil", items=(track("a", "Silver"),), forgiven=False, next_cursor=None))
REFUSED = b'{"code": "no_credentials", "detail": "send a key", "request_id": "r", "errors": []}'


class Guarded(BaseHTTPRequestHandler):
    """Answers every search, to who has the key."""

    def do_GET(self) -> None:
        known = self.headers["Authorization"] == f"Bearer {KEY}"
        body = FOUND if known else REFUSED
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Nothing on the terminal."""


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """A visit of the room."""
    st.cache_resource.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Guarded) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("SEGUE_API_URL", f"http://127.0.0.1:{server.server_port}")
        yield AppTest.from_file(ENTRY, default_timeout=20)
        server.shutdown()
        thread.join()
    st.cache_resource.clear()


def give(app: AppTest, key: str) -> AppTest:
    app.sidebar.text_input[0].set_value(key)
    return app.sidebar.button[0].click().run()


def test_a_visitor_s_key_opens_the_room(room: AppTest) -> None:
    app = room.run()
    app.text_input(key="typed").set_value("sil").run()
    assert [error.value for error in app.error] == ["The API asks who you are"]
    assert "under “Key”" in words(app)
    give(app, f" {KEY} ")
    assert not app.error
    assert "Silver – The Placeholders" in labels(app)


def test_a_wrong_key_opens_nothing_and_is_shown_nowhere(room: AppTest) -> None:
    app = give(room.run(), "segue_wrong")
    app.text_input(key="typed").set_value("sil").run()
    assert [error.value for error in app.error] == ["The API asks who you are"]
    assert "segue_wrong" not in words(app)


def test_the_key_of_the_settings_is_everybody_s(room: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_UI_KEY", KEY)
    app = room.run()
    app.text_input(key="typed").set_value("sil").run()
    assert "Silver – The Placeholders" in labels(app)
