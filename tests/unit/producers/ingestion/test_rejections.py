"""The list of what was rejected: bounded, without doubles, and never over a file of somebody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from producers.ingestion.contract import Rejected
from producers.ingestion.rejections import Rejections
from segue.errors import ConfigurationError


def row(number: int) -> Rejected:
    return Rejected("no_title", f"line {number}", "no title")


def lines(path: Path) -> list[str]:
    return [line.split('"')[7] for line in path.read_text().splitlines()]


def test_each_is_a_line_of_json(tmp_path: Path) -> None:
    Rejections(tmp_path / "new" / "list", 0, 10).add([Rejected("no_title", "line 3", 'not "that"')])
    assert (tmp_path / "new" / "list").read_text() == '{"code":"no_title","where":"line 3","reason":"not \\"that\\""}\n'


def test_only_the_first_ones_are_listed(tmp_path: Path) -> None:
    rejections = Rejections(tmp_path / "list", 0, 3)
    rejections.add([row(1), row(2)])
    assert not rejections.full
    rejections.add([row(3), row(4)])
    rejections.add([row(5)])
    assert (lines(tmp_path / "list"), rejections.full) == (["line 1", "line 2", "line 3"], True)


def test_the_first_five_are_shown(tmp_path: Path) -> None:
    rejections = Rejections(tmp_path / "list", 0, 100)
    rejections.add([row(1), row(2), row(3)])
    rejections.add([row(4), row(5), row(6)])
    assert [one.where for one in rejections.first] == [f"line {number}" for number in range(1, 6)]


def test_what_was_not_counted_is_cut_off_and_comes_again(tmp_path: Path) -> None:
    Rejections(tmp_path / "list", 0, 10).add([row(1), row(2), row(3)])
    Rejections(tmp_path / "list", 2, 10).add([row(3)])
    assert lines(tmp_path / "list") == ["line 1", "line 2", "line 3"]


def test_an_import_from_the_start_begins_a_new_list(tmp_path: Path) -> None:
    Rejections(tmp_path / "list", 0, 10).add([row(1)])
    Rejections(tmp_path / "list", 0, 10).add([row(2)])
    assert lines(tmp_path / "list") == ["line 2"]


def test_a_file_that_is_no_such_list_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("my thesis")
    with pytest.raises(ConfigurationError, match="choose another file with --rejected"):
        Rejections(tmp_path / "list", 0, 10)
    assert (tmp_path / "list").read_text() == "my thesis"


def test_without_a_file_the_first_ones_are_known(tmp_path: Path) -> None:
    rejections = Rejections(None, 0, 10)
    rejections.add([row(1)])
    assert rejections.first == [row(1)]
