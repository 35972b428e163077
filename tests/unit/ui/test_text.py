"""Names show as the letters that they are, whatever they are made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.unit.ui.conftest import HOSTILE
from ui.views.markup import facts, line, title
from ui.views.text import JOINER, by, duration, one_line, percent, plain

MARKDOWN = MarkdownIt("commonmark").enable(["strikethrough", "table"])


def read(label: str) -> tuple[set[str], str]:
    """What a reader of Markdown makes of a label: the kinds of its parts, and its text."""
    parts = MARKDOWN.parseInline(label)[0].children or []
    return {part.type for part in parts}, "".join(part.content for part in parts)


@given(st.text())
def test_a_label_reads_as_its_text(text: str) -> None:
    kinds, shown = read(plain(text))
    assert kinds <= {"text", "text_special"}
    assert shown.replace(JOINER, "") == one_line(text).replace(JOINER, "")


@pytest.mark.parametrize(
    ("name", "never"),
    [
        ("https://evil.example", "https://"),
        ("WWW.evil.example", "WWW."),
        ("me@evil.example", "me@evil"),
        (":smile:", ":smile:"),
        ("a -> b", "->"),
        (":material/home:", ":material/home:"),
    ],
)
def test_what_is_made_of_plain_text_after_markdown_is_broken_up(name: str, never: str) -> None:
    assert never not in plain(name).replace("\\", "")


def test_a_name_keeps_to_its_line() -> None:
    assert plain("one\n\n# two") == "one \\# two"


def test_a_name_does_not_turn_what_stands_beside_it() -> None:
    assert one_line("\u202egnos\u202c \u2067x\u2069") == "gnos x"
    assert one_line("שיר") == "שיר"


def test_markup_holds_names_as_text() -> None:
    assert title(HOSTILE, [HOSTILE]).count("<") == 6
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in line(HOSTILE)
    assert facts([("Album", '"><img src=x onerror=alert(1)>')]).count("<img") == 0


def test_an_unknown_artist_and_length_are_called_so() -> None:
    assert (by([]), duration(None)) == ("unknown artist", "unknown")


def test_numbers_for_people() -> None:
    assert (duration(185_400), duration(59_600), percent(0.951)) == ("3:05", "1:00", "95%")
