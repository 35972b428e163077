"""What an operator reads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from segue.client.generated.shapes import DependencyShown, LetterShown, ModelShown
from ui.views.operations import dependency_rows, freshness, lag_rows, letter_rows, model_rows

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def metrics(*lags_s: float) -> str:
    registry = CollectorRegistry()
    histogram = Histogram("segue_api_state_lag_seconds", "x", registry=registry, buckets=(0.05, 0.5, 5, 3_600))
    for lag_s in lags_s:
        histogram.observe(lag_s)
    return generate_latest(registry).decode()


def model(version: str, **changes: Any) -> ModelShown:
    made = ModelShown(
        version=version, created_at=NOON, verdict="promoted", champion=False, serving=False, parameters={}, metrics={}
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def test_freshness_names_half_and_most() -> None:
    told = freshness(metrics(*[0.01] * 15, *[0.3] * 4, 99_999))
    assert "at most 50 ms in half of 20 answers, at most 500 ms in 95 of 100" in told


def test_old_histories_are_older_than_any_bound() -> None:
    assert "more than an hour in half" in freshness(metrics(99_999, 99_999))
    assert "at most 5 s in half" in freshness(metrics(4))


def test_without_answers_nothing_is_known() -> None:
    for text in (metrics(), ""):
        assert freshness(text) == "No answer about a listener was given yet."


def test_servers_say_why_or_with_what() -> None:
    rows = dependency_rows(
        {
            "redis": DependencyShown(status="down", reason="refused"),
            "model": DependencyShown(status="ok", reason=None, version="v1"),
            "catalogue": DependencyShown(status="ok", reason=None, tracks=28_352),
            "kafka": DependencyShown(status="ok", reason=None),
        }
    )
    assert [row[2] for row in rows] == ["refused", "v1", "28,352 tracks", ""]


def test_lag_by_topic() -> None:
    assert lag_rows({"listening-events": 1_204}) == [("listening-events", "1,204")]
    assert lag_rows(None) == []


def test_models_with_their_state_and_quality() -> None:
    champion = model("v2", champion=True, serving=True, metrics={"blend": {"ndcg@20": 0.10219, "recall@20": 0.5}})
    assert model_rows([champion, model("v1", verdict="retired", metrics={"blend": "unreadable"})]) == [
        ("v2", "2026-11-26 12:00", "promoted, champion, serving", "0.102", "0.500"),
        ("v1", "2026-11-26 12:00", "retired", "–", "–"),
    ]


def test_dead_letters_say_why() -> None:
    letter = LetterShown(
        id="1", topic="catalogue", error="InvalidEvent", message="<b>no name</b>", first_seen=NOON, cut_from=None
    )
    assert letter_rows([letter]) == [("2026-11-26 12:00:00", "catalogue", "InvalidEvent", "<b>no name</b>")]
