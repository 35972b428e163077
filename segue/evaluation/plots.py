"""A comparison as PNG files. matplotlib is imported when the first one is drawn: it takes half a second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from segue.evaluation.bootstrap import Interval
from segue.evaluation.comparison import Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLOTS = {
    "accuracy.png": "NDCG and recall of each model with its interval",
    "lead.png": "What the blend gains on each other model in NDCG",
    "exposure.png": "Share of all places in lists that the most shown tracks take",
    "warmth.png": "NDCG by warmth of the listener",
}
"""File and caption, in the order of the report."""
_SIZE_INCHES = (8.0, 4.0)
_DPI = 110


def drawn(comparison: Comparison, directory: Path) -> list[Path]:
    """Draw PLOTS into an existing directory; the files."""
    # Not pyplot: it keeps global state and may ask for a screen.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    draw: Mapping[str, Callable[[Axes, Comparison], None]] = {
        "accuracy.png": _accuracy,
        "lead.png": _lead,
        "exposure.png": _exposure,
        "warmth.png": _warmth,
    }
    paths = []
    for name, caption in PLOTS.items():
        figure = Figure(figsize=_SIZE_INCHES, dpi=_DPI, layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(caption, fontsize="medium")
        draw[name](axes, comparison)
        FigureCanvasAgg(figure)  # attaches itself
        figure.savefig(directory / name)
        paths.append(directory / name)
    return paths


def _accuracy(axes: Axes, comparison: Comparison) -> None:
    models = list(comparison.metrics)
    for place, name in enumerate(("ndcg", "recall")):
        found = [comparison.metrics[model][name] for model in models]
        axes.bar(np.arange(len(models)) + 0.4 * place, _means(found), 0.38, yerr=_errors(found), capsize=3, label=name)
    axes.set_xticks(np.arange(len(models)) + 0.2, models)
    axes.set_ylabel(f"at {comparison.k}")
    axes.legend()


def _lead(axes: Axes, comparison: Comparison) -> None:
    models = list(comparison.differences)
    found = [comparison.differences[model]["ndcg"] for model in models]
    axes.errorbar(_means(found), np.arange(len(models)), xerr=_errors(found), fmt="o", capsize=4)
    axes.axvline(0.0, color="grey", linewidth=1)
    axes.set_yticks(np.arange(len(models)), models)
    axes.set_xlabel(f"{comparison.subject} minus model, NDCG at {comparison.k}")


def _exposure(axes: Axes, comparison: Comparison) -> None:
    for model, shown in comparison.exposure.items():
        share = np.cumsum(shown) / max(float(shown.sum()), 1.0)
        axes.plot(np.arange(1, len(shown) + 1) / max(len(shown), 1), share, label=model)
    axes.set_xlabel("share of the catalogue, most shown tracks first")
    axes.set_ylabel("share of places in lists")
    axes.legend()


def _warmth(axes: Axes, comparison: Comparison) -> None:
    bands = [band for band in comparison.by_listener if band.metrics]
    models = list(comparison.metrics)
    width = 0.8 / max(len(models), 1)
    for place, model in enumerate(models):
        found = [band.metrics[model]["ndcg"] for band in bands]
        axes.bar(np.arange(len(bands)) + place * width, _means(found), width, yerr=_errors(found), capsize=2, label=model)
    axes.set_xticks(np.arange(len(bands)) + 0.4 - width / 2, [f"{band.label}: {band.listeners:,}" for band in bands])
    axes.set_ylabel(f"NDCG at {comparison.k}")
    axes.legend(fontsize="small")


def _means(found: list[Interval]) -> list[float]:
    return [interval.mean for interval in found]


def _errors(found: list[Interval]) -> list[list[float]]:
    """Distances to both ends; a percentile interval of a skewed sample may just miss its mean."""
    return [[max(i.mean - i.low, 0.0) for i in found], [max(i.high - i.mean, 0.0) for i in found]]
