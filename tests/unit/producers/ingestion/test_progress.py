"""How far an import is, in a terminal and in a log."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from producers.ingestion import progress
from producers.ingestion.contract import Rejected
from producers.ingestion.pages import Checked
from producers.ingestion.progress import shown


def page(read: int, rejected: int = 0) -> Checked:
    return Checked({}, [Rejected("no_title", "line 1", "no title")] * rejected, {}, {}, read)


def show(terminal: bool, total: int | None, done: int) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
    with shown(console, "a list", total, done) as watch:
        watch.page(page(2_000))
        watch.page(page(1_000, rejected=3))
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    first, second = show(terminal=False, total=50_000, done=10_000).splitlines()
    assert first.startswith("a list of 50,000: 12,000 read, ")
    assert second.startswith("a list of 50,000: 13,000 read, ")
    assert second.endswith(", 3 rejected")


def test_a_short_import_says_nothing_in_a_log() -> None:
    assert show(terminal=False, total=None, done=0) == ""


@pytest.mark.parametrize("total", [None, 6_000])
def test_a_terminal_has_a_bar_with_rows_and_what_was_rejected(total: int | None) -> None:
    said = show(terminal=True, total=total, done=0)
    assert "a list" in said
    assert "3,000 read" in said
    assert "3 rejected" in said
    assert ("50%" in said) is (total is not None)
