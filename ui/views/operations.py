"""What runs, how far behind it is, and which models there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prometheus_client.parser import text_string_to_metric_families

from segue.client.generated.shapes import DependencyShown, LetterShown, ModelShown, StatusAnswer
from ui.views.playlists import counted

LAG = "segue_api_state_lag_seconds"
ABSENT = "–"


def status_facts(status: StatusAnswer) -> list[tuple[str, str]]:
    """The API process in short."""
    return [
        ("Status", status.status),
        ("Version", status.version),
        ("Running since", f"{status.started_at:%Y-%m-%d %H:%M} UTC"),
        ("Waiting for Kafka", counted(status.queued, "record")),
    ]


def dependency_rows(dependencies: Mapping[str, DependencyShown]) -> list[tuple[str, str, str]]:
    """Each server, how it is, and why or with what."""
    return [(name, one.status, one.reason or _with(one)) for name, one in dependencies.items()]


def lag_rows(lag: Mapping[str, int] | None) -> list[tuple[str, str]]:
    """Records of each topic that the processors have not taken; none while Kafka does not answer."""
    return [(topic, f"{records:,}") for topic, records in (lag or {}).items()]


def freshness(metrics: str) -> str:
    """How far the states behind answers were behind their listeners, from the histogram in the API's metrics."""
    buckets = _buckets(metrics)
    total = buckets.get(float("inf"), 0.0)
    if not total:
        return "No answer about a listener was given yet."
    half, most = (_within(buckets, total * share) for share in (0.5, 0.95))
    told = f"{half} in half of {total:,.0f} answers, {most} in 95 of 100"
    return f"From a listener's newest event to the state behind an answer: {told}. Imported histories count as old."


def _buckets(metrics: str) -> dict[float, float]:
    samples = (s for family in text_string_to_metric_families(metrics) if family.name == LAG for s in family.samples)
    return {float(s.labels["le"]): s.value for s in samples if s.name == f"{LAG}_bucket"}


def _within(buckets: Mapping[float, float], wanted: float) -> str:
    bound = min(edge for edge, count in buckets.items() if count >= wanted)
    if bound == float("inf"):
        return "more than an hour"
    return f"at most {1000 * bound:.0f} ms" if bound < 1 else f"at most {bound:.0f} s"


def model_rows(models: Sequence[ModelShown]) -> list[tuple[str, str, str, str, str]]:
    """Version, when it was made, its state, and how its blend did on the validation split."""
    return [
        (one.version, f"{one.created_at:%Y-%m-%d %H:%M}", _state(one), _metric(one, "ndcg@20"), _metric(one, "recall@20"))
        for one in models
    ]


def letter_rows(letters: Sequence[LetterShown]) -> list[tuple[str, str, str, str]]:
    """When a record was set aside, from which topic, and why."""
    return [(f"{one.first_seen:%Y-%m-%d %H:%M:%S}", one.topic, one.error, one.message) for one in letters]


def _with(one: DependencyShown) -> str:
    return one.version or (f"{one.tracks:,} tracks" if one.tracks is not None else "")


def _state(model: ModelShown) -> str:
    words = [model.verdict, "champion" if model.champion else "", "serving" if model.serving else ""]
    return ", ".join(word for word in words if word)


def _metric(model: ModelShown, name: str) -> str:
    blend = model.metrics.get("blend")
    value = blend.get(name) if isinstance(blend, Mapping) else None
    return f"{value:.3f}" if isinstance(value, int | float) else ABSENT
