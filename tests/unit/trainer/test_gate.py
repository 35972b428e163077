from __future__ import annotations

import pytest

from trainer.gate import judged


def metrics(blend: float, popularity: float, listeners: int = 1_000) -> dict[str, dict[str, float]]:
    return {"blend": {"ndcg@20": blend, "listeners": listeners}, "popularity": {"ndcg@20": popularity, "listeners": listeners}}


@pytest.mark.parametrize(
    ("new", "champion", "promoted", "reason"),
    [
        (metrics(0.10, 0.05), None, True, "not worse than popularity"),
        (metrics(0.05, 0.05), None, True, "not worse than popularity"),
        (metrics(0.04, 0.05), None, False, "worse than popularity"),
        (metrics(0.04, 0.05, listeners=49), None, True, "too little data to judge"),
        ({}, metrics(0.10, 0.05), True, "too little data to judge"),
        (metrics(0.10, 0.05), metrics(0.20, 0.10), True, "not worse than popularity"),
        (metrics(0.081, 0.05), metrics(0.10, 0.05), True, "not worse than popularity"),
        (metrics(0.079, 0.05), metrics(0.10, 0.05), False, "worse than the champion"),
        (metrics(0.06, 0.05), metrics(0.90, 0.05, listeners=999), True, "not worse than popularity"),
        (metrics(0.06, 0.05, listeners=999), metrics(0.90, 0.05), True, "not worse than popularity"),
        (metrics(0.06, 0.05), metrics(0.06, 0.0), True, "not worse than popularity"),
    ],
)
def test_verdict(
    new: dict[str, dict[str, float]], champion: dict[str, dict[str, float]] | None, promoted: bool, reason: str
) -> None:
    verdict = judged(new, champion)
    assert verdict.promoted is promoted
    assert verdict.reason.startswith(reason)
