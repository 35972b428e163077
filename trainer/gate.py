"""Whether a new model may serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MIN_LISTENERS = 50
"""Fewer judged listeners prove nothing either way."""
CHAMPION_LISTENERS = 1_000
"""Fewer say nothing about a difference between two models: with 100 the standard error of a lead is a quarter of the lead."""
CHAMPION_TOLERANCE = 0.2
"""How much of the champion's lead over popularity a new model may lose: leads of different weeks differ by chance."""
QUALITY = "ndcg@20"

Metrics = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Verdict:
    """`promoted` or kept, and why in one sentence."""

    promoted: bool
    reason: str

    def __str__(self) -> str:
        return f"{'promoted' if self.promoted else 'kept'}: {self.reason}"


def judged(metrics: Metrics, champion: Metrics | None) -> Verdict:
    """The verdict on a model with `metrics` (by model, on its validation part) against popularity and the champion's metrics.

    Model and champion were judged on different weeks, and the champion may have seen this week's listens, so it is their leads
    over popularity of the same week that are compared.
    """
    if metrics.get("blend", {}).get("listeners", 0) < MIN_LISTENERS:
        return Verdict(True, f"too little data to judge (fewer than {MIN_LISTENERS} listeners with new tracks)")
    quality, popular = metrics["blend"][QUALITY], metrics["popularity"][QUALITY]
    if quality < popular:
        return Verdict(False, f"worse than popularity ({QUALITY} {quality:.4f} < {popular:.4f})")
    before = _lead(champion) if metrics["blend"]["listeners"] >= CHAMPION_LISTENERS else None
    if before is not None and quality < popular * before * (1.0 - CHAMPION_TOLERANCE):
        lead = quality / popular if popular else float("inf")
        return Verdict(False, f"worse than the champion ({lead:.2f} times popularity, champion {before:.2f})")
    return Verdict(True, f"not worse than popularity ({QUALITY} {quality:.4f} against {popular:.4f})")


def _lead(metrics: Metrics | None) -> float | None:
    """Quality as a multiple of popularity's; None when too few listeners judged it."""
    if metrics is None or metrics.get("blend", {}).get("listeners", 0) < CHAMPION_LISTENERS:
        return None
    popular = metrics["popularity"][QUALITY]
    return metrics["blend"][QUALITY] / popular if popular else None
