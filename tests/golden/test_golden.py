"""Stored snapshots of this and older releases load, answer as recorded, and the newest has the form that is written today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue.stores.snapshots import MANIFEST, SnapshotStore
from tests.golden.generate import ANSWERS, GOLDEN, VERSION, answers, written

STORED = sorted(path.parent.name for path in GOLDEN.glob(f"*/{ANSWERS}"))
HOW_TO_CHANGE = "if the format changes on purpose, add a golden snapshot under a new name: see tests/golden/generate.py"


@pytest.mark.parametrize("name", STORED)
def test_a_stored_snapshot_answers_as_recorded(name: str) -> None:
    found = answers(SnapshotStore(str(GOLDEN / name)).load(VERSION))
    recorded = json.loads((GOLDEN / name / ANSWERS).read_text())
    assert found.keys() == recorded.keys()
    for question, items in recorded.items():
        assert [number for number, _ in found[question]] == [number for number, _ in items], question
        np.testing.assert_allclose([s for _, s in found[question]], [s for _, s in items], rtol=1e-3, atol=2e-3)


def test_what_is_written_today_has_the_form_of_the_newest_stored_one(tmp_path: Path) -> None:
    written(tmp_path / "today")
    today, stored = (form(directory / VERSION) for directory in (tmp_path / "today", GOLDEN / STORED[-1]))
    assert today == stored, HOW_TO_CHANGE


def form(directory: Path) -> dict[str, Any]:
    """Name, and dtype and shape or keys, of each file; sparse parts may differ in length."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): _form(path) for path in files}


def _form(path: Path) -> Any:
    if path.suffix == ".npy":
        stored = np.load(path, allow_pickle=False)
        return (str(stored.dtype), stored.ndim if path.stem.endswith(("data", "indices")) else stored.shape)
    content = json.loads(path.read_text())
    return (content["format"], sorted(content)) if path.name == MANIFEST else sorted(content)
