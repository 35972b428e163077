"""The pages "Trending" and "Under the hood", against an API in memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from streamlit.testing.v1 import AppTest

from segue.client.generated.shapes import (
    DependencyShown,
    LettersAnswer,
    LetterShown,
    ModelsAnswer,
    ModelShown,
    NoteShown,
    StatusAnswer,
    TrendingAnswer,
)
from tests.unit.ui.conftest import HOSTILE, FakeApi, charted, labels, problem, words

Opened = Callable[..., AppTest]
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def trending() -> None:
    from ui.pages.trending import trending_page

    trending_page()


def under_the_hood() -> None:
    from ui.pages.under_the_hood import under_the_hood_page

    under_the_hood_page()


def chart(**changes: object) -> TrendingAnswer:
    given: dict[str, object] = {"items": (charted(),), "notes": ()} | changes
    return TrendingAnswer(window="24h", order="top", counted_at=NOON, degraded=(), **given)  # type: ignore[arg-type]


def model(version: str, champion: bool) -> ModelShown:
    return ModelShown(
        version=version, created_at=NOON, verdict="promoted", champion=champion, serving=champion, parameters={}, metrics={}
    )  # fmt: skip


@pytest.fixture
def api(api: FakeApi) -> FakeApi:
    """A chart, two models, and one dead letter."""
    letter = LetterShown(id="1", topic="catalogue", error="InvalidEvent", message=HOSTILE, first_seen=NOON, cut_from=None)
    models = ModelsAnswer(champion="v2", serving="v2", items=(model("v2", True), model("v1", False)))
    servers = {"redis": DependencyShown(status="down", reason="refused")}
    api.answers |= {
        ("GET", "/trending"): chart(),
        ("GET", "/admin/status"): StatusAnswer(
            version="0.1.0", started_at=NOON, queued=2, lag={"listening-events": 7}, status="degraded", degraded=("redis",),
            dependencies=servers,
        ),
        ("GET", "/metrics"): httpx.Response(200, text=""),
        ("GET", "/models"): models,
        ("POST", "/models/v1/promote"): models,
        ("POST", "/models/rollback"): models,
        ("GET", "/admin/dead-letters"): LettersAnswer(items=(letter,)),
    }  # fmt: skip
    return api


def test_the_chart_of_the_day(opened: Opened, api: FakeApi) -> None:
    app = opened(trending)
    assert labels(app) == ["1. Silver – The Placeholders"]
    assert dict(api.queries("/trending")[0]) == {"window": "24h", "order": "top", "limit": "50"}


def test_a_chart_by_window_order_and_genre(opened: Opened, api: FakeApi) -> None:
    app = opened(trending)
    app.segmented_control(key="window").set_value("1h")
    app.segmented_control(key="order").set_value("rising")
    app.multiselect(key="trending-genres").set_value(["jazz"]).run()
    assert dict(api.queries("/trending")[-1]) == {"window": "1h", "order": "rising", "genre": "jazz", "limit": "50"}


def test_an_empty_chart_says_why(opened: Opened, api: FakeApi) -> None:
    api.answers["GET", "/trending"] = chart(items=(), notes=(NoteShown(code="nothing_heard", text="Nobody plays", fields=()),))
    assert "Nobody plays." in words(opened(trending))


def test_what_runs_and_how_far_behind_it_is(opened: Opened) -> None:
    shown = words(opened(under_the_hood))
    assert "refused" in shown
    assert "listening-events" in shown
    assert "2 records" in shown


def test_a_model_is_promoted_and_the_champion_retired(opened: Opened, api: FakeApi) -> None:
    app = opened(under_the_hood)
    app.selectbox(key="version").set_value("v1").run()
    app.button(key="promote").click().run()
    assert "v1 is the champion." in words(app)
    app.button(key="rollback").click().run()
    assert [r.url.path for r in api.asked if r.method == "POST"] == ["/models/v1/promote", "/models/rollback"]


def test_who_may_not_promote_is_told(opened: Opened, api: FakeApi) -> None:
    api.answers["POST", "/models/rollback"] = problem(403, "insufficient_scope", "this needs a key with the scope admin")
    app = opened(under_the_hood)
    app.button(key="rollback").click().run()
    assert [error.value for error in app.error] == ["Your key does not open this"]
    assert "scope admin" in words(app)


def test_dead_letters_are_text(opened: Opened) -> None:
    shown = words(opened(under_the_hood))
    assert "&lt;script&gt;" in shown
    assert "<script" not in shown


def test_no_model_and_no_dead_letters_are_said(opened: Opened, api: FakeApi) -> None:
    api.answers["GET", "/models"] = ModelsAnswer(champion=None, serving=None, items=())
    api.answers["GET", "/admin/dead-letters"] = LettersAnswer(items=())
    shown = words(opened(under_the_hood))
    assert "segue train --once" in shown
    assert "Nothing was set aside." in shown


@pytest.mark.parametrize("page", [trending, under_the_hood])
def test_failures_are_told(opened: Opened, api: FakeApi, page: Callable[[], None]) -> None:
    api.answers = dict.fromkeys(api.answers, httpx.ConnectError("refused"))
    app = opened(page)
    assert not app.exception
    assert {error.value for error in app.error} == {"The API does not answer"}
