"""What `python -m benchmarks answers` calls the same answer."""

from __future__ import annotations

from typing import Any

from benchmarks.answers import differences


def told(*tracks: int, score: float = 1.0, reason: str = "popular_now") -> dict[str, Any]:
    shared = {"score": score, "reason": reason, "sources": ["als"], "propensity": 1.0, "parts": {"als": score}}
    return {"items": [{"track_no": number, **shared} for number in tracks], "notes": []}


def test_equal_answers_do_not_differ() -> None:
    assert differences({"q": told(1, 2)}, {"q": told(1, 2, score=1.00005)}) == {}


def test_another_track_or_none_is_told() -> None:
    before = {"other": told(1, score=2.0), "fewer": told(1, 2), "gone": told(1)}
    after = {"other": told(3, score=1.0), "fewer": told(1)}
    assert differences(before, after) == {"tracks": ["other"], "notes or length": ["fewer"], "missing": ["gone"]}


def test_tracks_of_one_score_in_another_order_are_a_tie() -> None:
    assert differences({"q": told(1, 2)}, {"q": told(2, 1)}) == {"tie": ["q"]}


def test_scores_and_reasons_are_compared() -> None:
    before = {"score": told(1), "reason": told(1)}
    after = {"score": told(1, score=1.001), "reason": told(1, reason="discovery")}
    assert differences(before, after) == {"scores": ["score"], "reason": ["reason"]}
