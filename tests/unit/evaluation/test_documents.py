from __future__ import annotations

import json
import struct
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from segue.evaluation.bootstrap import Interval
from segue.evaluation.comparison import Comparison, compared
from segue.evaluation.documents import About, as_json, markdown, shown, written
from segue.evaluation.lists import TrackFacts
from segue.evaluation.splits import Split
from segue.models.contract import Interactions

ABOUT = About(
    "Live state in Postgres",
    "cut in time",
    3,
    datetime(2026, 11, 24, 12, 0, tzinfo=UTC),
    "0.1.0",
    {"listeners": 3},
    {"fit": 1.25},
)


@pytest.fixture
def comparison() -> Comparison:
    known = csr_matrix(np.array([[1, 0, 0, 0]] * 3, np.float32))
    held_out = csr_matrix(np.array([[0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], np.float32))
    facts = TrackFacts.of(Interactions(known, np.arange(4, dtype=np.int32), 3), [None] * 4)
    lists = {
        "blend": np.array([[1, 2], [1, 2], [2, 1]], np.int32),
        "random": np.array([[3, 1], [3, 1], [3, 2]], np.int32),
    }
    return compared(lists, Split(known, held_out), facts, "blend")


def test_the_report_has_a_page_for_people_one_for_programs_and_plots(comparison: Comparison, tmp_path: Path) -> None:
    files = written(comparison, ABOUT, tmp_path / "new" / "folder")
    assert [file.name for file in files] == [
        "report.md",
        "report.json",
        "accuracy.png",
        "lead.png",
        "exposure.png",
        "warmth.png",
    ]
    for plot in files[2:]:
        width, height = struct.unpack(">II", plot.read_bytes()[16:24])
        assert (width, height) == (880, 440)


def test_every_plot_that_the_page_shows_is_there(comparison: Comparison, tmp_path: Path) -> None:
    page = written(comparison, ABOUT, tmp_path)[0].read_text()
    shown_plots = [part.split(")")[0] for part in page.split("](")[1:]]
    assert sorted(shown_plots) == sorted(path.name for path in tmp_path.glob("*.png"))


def test_the_page_keeps_its_structure(comparison: Comparison) -> None:
    page = markdown(comparison, ABOUT)
    assert [line for line in page.splitlines() if line.startswith("#")] == [
        "# Evaluation of 2026-11-24 12:00 UTC",
        "## How often the lists are right",
        "## What blend gains",
        "## What the lists are like",
        "## By warmth of the listener",
        "## By warmth of the track",
        "## Terms",
    ]
    assert "Live state in Postgres; cut in time. 3 listeners judged, lists of 2," in page
    assert "| model | recall@2 | ndcg@2 | map@2 | mrr@2 | hit_rate@2 |" in page
    assert "| random | 1.0000 [1.0000, 1.0000] | 0.6309 [0.6309, 0.6309] | 0.5000 [0.5000, 0.5000] |" in page
    assert (
        "| model | ndcg@2, cold (0-4), 3 listeners | ndcg@2, warm (5-19), 0 listeners | ndcg@2, hot (20+), 0 listeners |" in page
    )
    assert "| blend | 1.0000 [1.0000, 1.0000] | – | – |" in page


def test_every_row_of_a_table_has_the_cells_of_its_header(comparison: Comparison) -> None:
    for table in [part for part in markdown(comparison, ABOUT).split("\n\n") if part.startswith("|")]:
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_the_json_keeps_its_structure_and_is_json(comparison: Comparison) -> None:
    plain: dict[str, Any] = json.loads(json.dumps(as_json(comparison, ABOUT), allow_nan=False))
    assert list(plain) == [
        "created_at", "code_version", "source", "split", "k", "seed", "confidence", "resamples", "listeners", "counts", "seconds",
        "models", "blend_minus", "by_listener_warmth", "by_track_warmth",
    ]  # fmt: skip
    assert list(plain["models"]["blend"]) == [
        "recall@2", "ndcg@2", "map@2", "mrr@2", "hit_rate@2", "popularity@2", "novelty@2", "diversity@2", "calibration@2",
        "coverage@2", "gini@2",
    ]  # fmt: skip
    assert plain["models"]["random"]["mrr@2"] == {"mean": 0.5, "low": 0.5, "high": 0.5}
    assert plain["models"]["random"]["diversity@2"] is None
    assert plain["blend_minus"]["random"]["mrr@2"]["mean"] == 0.5
    assert plain["by_listener_warmth"]["hot (20+)"] == {"listeners": 0, "models": {}}


def test_an_interval_that_misses_its_mean_can_still_be_drawn(comparison: Comparison, tmp_path: Path) -> None:
    skewed = {model: dict(metrics) | {"ndcg": Interval(0.5, 0.6, 0.7)} for model, metrics in comparison.metrics.items()}
    assert len(written(replace(comparison, metrics=skewed), ABOUT, tmp_path)) == 6


def test_unknown_figures_are_a_dash() -> None:
    assert shown(Interval(float("nan"), float("nan"), float("nan"))) == "–"
    assert shown(Interval(0.12345, 0.1, 0.2)) == "0.1235 [0.1000, 0.2000]"
