"""The figures of `python -m benchmarks quality` on files small enough to know the answer."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.memory import Peak, peak_memory, together
from benchmarks.quality import quality
from segue.models.blend import BlendConfig

USERS = 80
GROUP = 12
"""Tracks of one taste: even listeners play the first group, odd ones the second."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("split")
    train, test = [], []
    for user in range(USERS):
        tracks = [GROUP * (user % 2) + i for i in range(GROUP)]
        left_out = tracks.pop(user // 2 % GROUP)
        train.append(f"{user} {' '.join(map(str, tracks))}")
        test.append(f"{user} {left_out}")
    (folder / "train.txt").write_text("\n".join(train))
    (folder / "test.txt.gz").write_bytes(gzip.compress("\n".join(test).encode()))
    return folder / "train.txt", folder / "test.txt.gz"


def test_every_model_reports_quality_time_and_memory(files: tuple[Path, Path], tmp_path: Path) -> None:
    quality(*files, tmp_path / "out" / "quality.json")
    report = json.loads((tmp_path / "out" / "quality.json").read_text())
    assert list(report) == ["blend", "als", "co_listening", "popularity"]
    for row in report.values():
        assert {"recall@20", "ndcg@20", "fit_s", "score_ms_per_user", "rss_mb"} <= row.keys()
        assert row["score_ms_per_user"] > 0
        assert row["rss_mb"] >= 0
        assert row["listeners"] == USERS
    # Two groups of twelve, one of them left out: everybody's track is among the thirteen that remain.
    assert report["blend"]["recall@20"] == 1.0


def test_a_limit_scores_fewer_listeners_and_learns_from_all(files: tuple[Path, Path]) -> None:
    limited, again = quality(*files, limit_users=10), quality(*files, limit_users=10)
    assert limited["blend"]["listeners"] == 10
    assert limited["blend"]["weights"] == quality(*files)["blend"]["weights"]
    assert limited["als"]["ndcg@20"] == again["als"]["ndcg@20"]


def test_a_file_too_small_to_hold_anything_out_keeps_the_weights(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("0 0 1")
    (tmp_path / "test.txt").write_text("0 2")
    report = quality(tmp_path / "train.txt", tmp_path / "test.txt")
    assert report["blend"]["weights"] == BlendConfig().weights
    assert report["blend"]["tune_s"] == 0.0
    assert report["blend"]["recall@20"] == 1.0


def test_the_peak_of_a_block_counts_what_was_freed_again() -> None:
    with peak_memory() as peak:
        block = np.ones(8_000_000)
        del block
    assert 60 < peak.peak_mb < 100


def test_peaks_of_blocks_stand_on_what_the_earlier_ones_left() -> None:
    assert together([Peak(100, 50), Peak(140, 30)]) == Peak(100, 70)
