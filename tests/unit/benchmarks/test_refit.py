"""The figures of `python -m benchmarks refit` on a file that takes no time."""

from __future__ import annotations

import json

import pytest

from benchmarks.refit import refit

LISTENERS, TRACKS = 60, 40


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    folder = tmp_path_factory.mktemp("refit")
    lines = (f"{user} {' '.join(str(track) for track in range(user % 2, TRACKS, 2))}" for user in range(LISTENERS))
    (folder / "train.txt").write_text("\n".join(lines))
    refit(folder / "train.txt", folder / "out" / "refit.json")
    found: dict[str, float] = json.loads((folder / "out" / "refit.json").read_text())
    return found


def test_the_whole_refit_stands_beside_what_its_models_cost_alone(figures: dict[str, float]) -> None:
    assert figures["interactions"] == LISTENERS * TRACKS / 2
    bare = figures["bare_als_s"] + figures["bare_product_s"]
    assert figures["ratio"] == pytest.approx(figures["refit_s"] / bare, rel=1e-2)


def test_stages_add_up_to_the_refit(figures: dict[str, float]) -> None:
    stages = {name for name in figures if name.endswith("_s")} - {"refit_s", "bare_als_s", "bare_product_s"}
    assert {"fit_als_on_the_past_s", "learn_weights_s", "judge_s", "fit_als_s", "fit_co_listening_s"} <= stages
    assert 0 < sum(figures[stage] for stage in stages) <= figures["refit_s"] + 0.001 * len(stages)


def test_memory_is_told_with_the_model_and_without(figures: dict[str, float]) -> None:
    csr_mb = (LISTENERS * TRACKS / 2 * 8 + (LISTENERS + 1) * 4) / 1e6
    assert figures["csr_mb"] == pytest.approx(csr_mb, abs=0.006)
    assert figures["working_mb"] == pytest.approx(figures["peak_mb"] - figures["model_mb"], abs=0.02)
    assert figures["model_mb"] > 0
    assert {"memory_ratio", "working_ratio"} <= figures.keys()
