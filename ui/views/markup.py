"""HTML whose every value is escaped: markupsafe does it, so that no caller can forget it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from ui.views.text import by, one_line

TITLE = Markup('<p style="margin:0"><strong>{name}</strong> <span>– {artists}</span></p>')
LINE = Markup('<p style="margin:0;font-size:0.9rem">{text}</p>')
FACT = Markup("<div><dt style='font-size:0.85rem'>{name}</dt><dd style='margin:0 0 0.5rem 0;font-weight:600'>{value}</dd></div>")
FACTS = Markup(
    "<dl style='display:grid;grid-template-columns:repeat(auto-fill,minmax(9rem,1fr));gap:0 1rem;margin:0'>{facts}</dl>"
)
HEAD = Markup("<th scope='col' style='text-align:left;padding:0.2rem 1rem 0.2rem 0'>{text}</th>")
CELL = Markup("<td style='padding:0.2rem 1rem 0.2rem 0;overflow-wrap:anywhere'>{text}</td>")
ROW = Markup("<tr>{cells}</tr>")
TABLE = Markup(
    "<div tabindex='0' role='region' aria-label='{caption}' style='overflow-x:auto'>"
    "<table style='border-collapse:collapse;font-size:0.9rem'>"
    "<caption style='text-align:left;font-weight:600'>{caption}</caption>"
    "<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
)


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """Rows of text under their columns; wide ones scroll within themselves."""
    heads = Markup("").join(HEAD.format(text=column) for column in columns)
    lines = Markup("").join(ROW.format(cells=Markup("").join(CELL.format(text=one_line(text)) for text in row)) for row in rows)
    return TABLE.format(caption=caption, heads=heads, rows=lines)


def title(name: str, artists: Sequence[str]) -> Markup:
    """A track's name and artists."""
    return TITLE.format(name=one_line(name), artists=one_line(by(artists)))


def line(text: str) -> Markup:
    """A sentence below a title."""
    return LINE.format(text=one_line(text))


def facts(pairs: Iterable[tuple[str, str]]) -> Markup:
    """Names with their values."""
    listed = Markup("").join(FACT.format(name=one_line(name), value=one_line(value)) for name, value in pairs)
    return FACTS.format(facts=listed)
