"""`segue evaluate` on files, and what it judges of a live state."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from typer.testing import CliRunner

from segue.cli import build_app
from segue.errors import InvalidInput
from tests.unit.models.tables import N_TRACKS, checkerboard, left_out
from tests.unit.trainer.test_dataset import data, pairs
from trainer.dataset import first_heard
from trainer.evaluation import Cut, from_files

LISTENERS = 60


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """The checkerboard, and for each listener the square it lacks."""
    board = checkerboard(LISTENERS).preference
    lines = [f"{row} {' '.join(map(str, board[row].indices))}" for row in range(LISTENERS)]
    (tmp_path / "train.txt").write_text("\n".join(lines))
    (tmp_path / "test.txt").write_text("\n".join(f"{row} {left_out(row)}" for row in range(LISTENERS)))
    return str(tmp_path / "train.txt"), str(tmp_path / "test.txt")


def run(*arguments: str) -> tuple[str, BaseException | None]:
    result = CliRunner().invoke(build_app(["evaluate"]), ["evaluate", *arguments])
    return result.stdout, result.exception


def test_files_are_judged_and_the_report_is_written(files: tuple[str, str], tmp_path: Path) -> None:
    report = tmp_path / "report"
    printed, error = run("--train", files[0], "--test", files[1], "--k", "1", "--report", str(report))
    assert error is None
    figures = json.loads((report / "report.json").read_text())
    assert (figures["listeners"], figures["k"]) == (LISTENERS, 1)
    assert figures["counts"] == {
        "listeners": LISTENERS, "playlists": 0, "tracks": N_TRACKS, "known interactions": 5 * LISTENERS,
        "held-out tracks": LISTENERS,
    }  # fmt: skip
    assert figures["models"]["blend"]["recall@1"]["mean"] > figures["models"]["random"]["recall@1"]["high"]
    assert str(report / "report.md") in printed.replace("\n", "")
    assert "next: " in printed


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--train", "FILE"], "belong together"),
        (["--train", "FILE", "--test", "absent.txt"], "absent.txt: cannot be read"),
        (["--last", "3"], "--split user"),
    ],
)
def test_what_cannot_be_meant_is_refused(files: tuple[str, str], arguments: list[str], says: str) -> None:
    _, error = run(*[files[0] if argument == "FILE" else argument for argument in arguments])
    assert isinstance(error, InvalidInput)
    assert says in str(error)


def test_a_report_that_cannot_be_written_says_where_else(files: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    _, error = run("--train", files[0], "--test", files[1], "--report", str(tmp_path / "taken"))
    assert "--report" in str(error)


def test_items_that_the_training_file_holds_are_not_held_out(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("0 1 2")
    (tmp_path / "test.txt").write_text("0 2 3")
    assert from_files(tmp_path / "train.txt", tmp_path / "test.txt").case.split.held_out.indices.tolist() == [3]


def test_a_cut_says_in_words_what_it_holds_out() -> None:
    assert "newest 10%" in str(Cut())
    assert str(Cut(by_time=False, last=3)).startswith("the last 3 discoveries")
    assert "random 20%" in str(Cut(by_time=False, share=0.2))


def test_first_listens_stand_in_rows_and_columns_of_the_dataset() -> None:
    now = pairs((4, 3, 1.0, 0, 0, 90.0), (7, 5, 1.0, 0, 0, 90.0))
    past = pairs((4, 3, 1.0, 0, 0, 10.0), (7, 5, 0.0, 0, 0, 20.0), (9, 3, 1.0, 0, 0, 30.0))
    found = first_heard(data(now, past, 15.0), np.array([3, 5], np.int32))
    assert found.toarray().tolist() == [[10.0, 0.0], [0.0, 20.0]]


def test_without_listens_nobody_knows_when_a_track_was_first_heard() -> None:
    found: csr_matrix[np.float64] = first_heard(data(pairs((4, 3, 1.0, 0, 0, 90.0))), np.array([3, 5], np.int32))
    assert (found.shape, found.nnz) == ((1, 2), 0)
