"""A comparison as files: `report.json` for programs, `report.md` for people, plots beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from segue.evaluation.bootstrap import CONFIDENCE, RESAMPLES, Interval
from segue.evaluation.comparison import PER_LIST, Band, Comparison
from segue.evaluation.metrics import ACCURACY
from segue.evaluation.plots import PLOTS, drawn

MISSING = "–"
EXPLANATIONS = {
    "recall": "share of the held-out tracks that the list holds",
    "ndcg": "the same, where an earlier place counts more; 1 is ideal",
    "map": "mean average precision",
    "mrr": "1 / rank of the first right track",
    "hit_rate": "share of listeners with at least one right track",
    "popularity": "mean share of all listeners who know the shown tracks",
    "novelty": "surprise of the shown tracks, in bits",
    "diversity": "1 - mean cosine of two tracks of a list by genre and artist",
    "calibration": "how far the list's genres are from the history's (KL, nats); 0 is best",
    "coverage": "share of the catalogue shown to anybody",
    "gini": "inequality of exposure: 0 all tracks alike, 1 one track only",
}


@dataclass(frozen=True)
class About:
    """What was judged: `source` and `split` in words, sizes, seconds by stage, and what makes the run repeatable."""

    source: str
    split: str
    seed: int
    created_at: datetime
    code_version: str
    counts: Mapping[str, int]
    seconds: Mapping[str, float]


def written(comparison: Comparison, about: About, directory: Path) -> list[Path]:
    """Write report.json, report.md and the plots into `directory`, made if need be; the files, the one to open first ahead.

    Raises OSError when the directory cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    files = {"report.md": markdown(comparison, about), "report.json": json.dumps(as_json(comparison, about), indent=2) + "\n"}
    for name, text in files.items():
        (directory / name).write_text(text, encoding="utf-8")
    return [*(directory / name for name in files), *drawn(comparison, directory)]


def as_json(comparison: Comparison, about: About) -> dict[str, Any]:
    """Plain values; intervals as {"mean", "low", "high"}, null where there is nothing to average."""
    k = comparison.k
    return {
        "created_at": about.created_at.isoformat(),
        "code_version": about.code_version,
        "source": about.source,
        "split": about.split,
        "k": k,
        "seed": about.seed,
        "confidence": CONFIDENCE,
        "resamples": RESAMPLES,
        "listeners": comparison.listeners,
        "counts": dict(about.counts),
        "seconds": dict(about.seconds),
        "models": {
            model: _plain(metrics, k) | {f"{name}@{k}": value for name, value in comparison.overall[model].items()}
            for model, metrics in comparison.metrics.items()
        },
        f"{comparison.subject}_minus": {model: _plain(lead, k) for model, lead in comparison.differences.items()},
        "by_listener_warmth": {band.label: _plain_band(band, k) for band in comparison.by_listener},
        "by_track_warmth": {band.label: _plain_band(band, k) for band in comparison.by_track},
    }


def markdown(comparison: Comparison, about: About) -> str:
    """The report as Markdown, with the plots that `drawn` writes beside it."""
    k, subject = comparison.k, comparison.subject
    plots = iter(f"![{caption}]({name})" for name, caption in PLOTS.items())
    lists = [name for name in PER_LIST if name not in ACCURACY]
    sections = [
        f"# Evaluation of {about.created_at:%Y-%m-%d %H:%M} UTC",
        _introduction(comparison, about),
        _table(["size", "value"], ([name, f"{value:,}"] for name, value in about.counts.items())),
        "## How often the lists are right",
        _table(["model", *(f"{n}@{k}" for n in ACCURACY)], _rows(comparison.metrics, ACCURACY)),
        next(plots),
        f"## What {subject} gains",
        f"{subject} minus each other model, listener by listener: it is better where the interval lies above 0.",
        _table(["model", *(f"{n}@{k}" for n in ACCURACY)], _rows(comparison.differences, ACCURACY)),
        next(plots),
        "## What the lists are like",
        _table(
            ["model", *(f"{n}@{k}" for n in (*lists, "coverage", "gini"))],
            (
                [*row, *(f"{comparison.overall[row[0]][name]:.4f}" for name in ("coverage", "gini"))]
                for row in _rows(comparison.metrics, lists)
            ),
        ),
        next(plots),
        "## By warmth of the listener",
        "Liked tracks in the history that the models saw.",
        _bands(comparison.by_listener, k),
        next(plots),
        "## By warmth of the track",
        "Listeners who liked the track in the training data; only held-out tracks of the band count as right.",
        _bands(comparison.by_track, k),
        "## Terms",
        "\n".join(f"- **{name}**: {text}" for name, text in EXPLANATIONS.items()),
        f"Segue {about.code_version}; " + ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in about.seconds.items()) + ".",
    ]
    return "\n\n".join(sections) + "\n"


def _introduction(comparison: Comparison, about: About) -> str:
    return (
        f"{about.source}; {about.split}. {comparison.listeners:,} listeners judged, lists of {comparison.k}, known tracks left "
        f"out. Every model ranks the whole catalogue from the history alone, as it does when it serves. Brackets: "
        f"{CONFIDENCE:.0%} interval, {RESAMPLES:,} bootstrap samples of listeners, seed {about.seed}."
    )


def shown(interval: Interval) -> str:
    """`0.1234 [0.1200, 0.1270]`."""
    return MISSING if math.isnan(interval.mean) else f"{interval.mean:.4f} [{interval.low:.4f}, {interval.high:.4f}]"


def _rows(metrics: Mapping[str, Mapping[str, Interval]], names: Iterable[str]) -> Iterable[list[str]]:
    chosen = list(names)
    return ([model, *(shown(of_model[name]) for name in chosen)] for model, of_model in metrics.items())


def _bands(bands: tuple[Band, ...], k: int) -> str:
    models = list(next((band.metrics for band in bands if band.metrics), {}))
    header = ["model", *(f"ndcg@{k}, {band.label}, {band.listeners:,} listeners" for band in bands)]
    return _table(header, ([m, *(shown(band.metrics[m]["ndcg"]) if band.metrics else MISSING for band in bands)] for m in models))


def _table(header: list[str], rows: Iterable[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, rule, *rows])


def _plain(metrics: Mapping[str, Interval], k: int) -> dict[str, Any]:
    return {f"{name}@{k}": _interval(found) for name, found in metrics.items()}


def _plain_band(band: Band, k: int) -> dict[str, Any]:
    return {"listeners": band.listeners, "models": {model: _plain(metrics, k) for model, metrics in band.metrics.items()}}


def _interval(found: Interval) -> dict[str, float] | None:
    return None if math.isnan(found.mean) else {"mean": found.mean, "low": found.low, "high": found.high}
