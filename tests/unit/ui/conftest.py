"""An API that answers from memory, and pages that ask it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Element

from segue.client import Retries, Segue
from segue.client.generated.shapes import (
    AudioFeatures,
    AudioShown,
    Counted,
    CountsAnswer,
    Item,
    PlaylistShown,
    PlaylistTrack,
    ReasonShown,
    Shared,
    SongAnswer,
    TasteShown,
    TracksFound,
    TrackShown,
    TrendingTrack,
)
from ui.views.text import JOINER

HOSTILE = "<script>alert(1)</script> [x](javascript:alert(2)) $\\alpha$ **bold** :smile: https://evil.example www.evil.example"
_ESCAPE = re.compile(r"\\(.)")
FEATURES = AudioFeatures(
    danceability=0.5, energy=0.9, key=5, loudness=-6.0, mode=1, speechiness=0.05, acousticness=0.1, instrumentalness=0.0,
    liveness=0.1, valence=0.7, tempo=128.0,
)  # fmt: skip


def track(track_id: str, name: str, **changes: Any) -> TrackShown:
    """A track of which everything is known."""
    known = TrackShown(
        track_id=track_id, name=name, artists=("The Placeholders",), album="Firsts", year=1999, duration_ms=185_000,
        explicit=False, popularity=64, genres=("rock",), mood="energetic", features=FEATURES,
    )  # fmt: skip
    return msgspec.structs.replace(known, **changes)


def item(track_id: str, name: str, reason: str = "Close in sound", **changes: Any) -> Item:
    """A recommended track."""
    told = ReasonShown(code="similar_sound", text=reason, seed_track_id=None)
    made = Item(track_id=track_id, name=name, artists=("The Placeholders",), score=0.5, reason=told, sources=("als", "content"))
    return msgspec.structs.replace(made, **changes)


def similar(*items: Item, **changes: Any) -> SongAnswer:
    """Songs like `a`."""
    made = SongAnswer(rec_id="r", track_id="a", model_version="v1", degraded=(), items=items, notes=())
    return msgspec.structs.replace(made, **changes)


def audio(**changes: Any) -> AudioShown:
    """How `a` sounds."""
    ranks = {"danceability": 0.4, "energy": 0.95, "valence": 0.7, "tempo": 0.6}
    made = AudioShown(track_id="a", mood="energetic", features=FEATURES, key="F major", ranks=ranks, degraded=())
    return msgspec.structs.replace(made, **changes)


def taste(**changes: Any) -> TasteShown:
    """A taste for rock."""
    rock, artist = Shared(name="rock", share=1.0), Shared(name="The Placeholders", share=1.0)
    made = TasteShown(
        tracks=3, plays=2, skips=1, liked=1, disliked=0, genres=(rock,), artists=(artist,), moods=(), eras=(), audio={}
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def in_playlist(track_id: str, duration_ms: int | None, name: str | None = "Silver") -> PlaylistTrack:
    """A track of a playlist."""
    return PlaylistTrack(track_id=track_id, name=name, artists=("The Placeholders",), duration_ms=duration_ms)


def playlist(**changes: Any) -> PlaylistShown:
    """An empty private playlist."""
    made = PlaylistShown(
        playlist_id="p1", name="Evening", owner_id="ann", public=False, version=1, applied=True, changed_at=None, tracks=(),
        notes=(),
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def charted(**changes: Any) -> TrendingTrack:
    """The first of a chart."""
    made = TrendingTrack(
        place=1, track_id="a", name="Silver", artists=("The Placeholders",), genres=("rock",), mood=None, listeners=18, score=9.0,
        growth=None,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def problem(status: int, code: str, detail: str, **headers: str) -> httpx.Response:
    """An error of the API."""
    document = {"code": code, "detail": detail, "request_id": "r-17", "errors": []}
    return httpx.Response(status, json=document, headers={name.replace("_", "-"): value for name, value in headers.items()})


@dataclass
class FakeApi:
    """Answers by method and path: a shape of the client, a response, an error to raise, or what makes one of a request."""

    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    asked: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.get((request.method, request.url.path), problem(404, "not_found", "no such thing"))
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)
        return httpx.Response(200, content=msgspec.json.encode(answer))

    def client(self) -> Segue:
        """A client of it, which asks once."""
        return Segue("http://segue.test", transport=httpx.MockTransport(self), retries=Retries(attempts=1))

    def queries(self, path: str) -> list[httpx.QueryParams]:
        """What a path was asked for."""
        return [request.url.params for request in self.asked if request.url.path == path]

    def bodies(self, path: str) -> list[dict[str, Any]]:
        """What was sent to a path."""
        return [msgspec.json.decode(request.content) for request in self.asked if request.url.path == path]


@pytest.fixture
def api() -> FakeApi:
    """A catalogue of two songs."""
    found = TracksFound(query="sil", items=(track("a", "Silver"), track("b", "Silent")), forgiven=False, next_cursor=None)
    return FakeApi(
        {
            ("GET", "/tracks/search"): found,
            ("GET", "/tracks/a"): track("a", "Silver"),
            ("GET", "/tracks/a/audio"): audio(),
            ("GET", "/recommend/song/a"): similar(item("b", "Silent", "Close to Silver in sound")),
            ("GET", "/genres"): CountsAnswer(tracks=2, items=(Counted(name="rock", tracks=2), Counted(name="jazz", tracks=1))),
            ("GET", "/moods"): CountsAnswer(tracks=2, items=(Counted(name="energetic", tracks=2),)),
        }
    )


@pytest.fixture
def opened(api: FakeApi) -> Iterator[Callable[..., AppTest]]:
    """`opened(page, song="a")`: a visit of a page, whose address has these parameters."""
    st.cache_resource.clear()

    def visit(page: Callable[[], None], **parameters: str) -> AppTest:
        app = AppTest.from_function(page, default_timeout=20)
        app.session_state["client"] = api.client()
        for name, value in parameters.items():
            app.query_params[name] = value
        return app.run()

    yield visit
    st.cache_resource.clear()


def labels(app: AppTest) -> list[str]:
    """Labels of a page's buttons, as they are read."""
    return [_ESCAPE.sub(r"\1", button.label).replace(JOINER, "") for button in app.button]


def words(app: AppTest) -> str:
    """Everything that a page says, as it is sent to the browser."""
    parts = [*app.markdown, *app.caption, *app.text, *app.title, *app.header]
    html = (part for part in app.get("html") if isinstance(part, Element))
    return "\n".join(str(part.value) for part in (*parts, *html))
