"""A listener's taste, and how it has moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from segue.client.generated.shapes import Shared, TasteShown
from ui.views.text import one_line, percent

LEAST_MOVE = 0.0005
"""A share that moved by less reads as unmoved."""
ROW = Markup(
    "<tr><th scope='row' style='text-align:left;font-weight:400;padding:0.1rem 0.6rem 0.1rem 0'>{name}</th>"
    "<td style='width:45%'><div style='height:0.6rem;width:{width}%;background:#2f6fb5;border-radius:2px'></div></td>"
    "<td style='text-align:right'>{share}</td><td style='text-align:right;min-width:4.5rem'>{moved}</td></tr>"
)
TABLE = Markup(
    "<table style='width:100%;border-collapse:collapse;font-size:0.9rem'><caption style='text-align:left;font-weight:600'>"
    "{caption}</caption>{rows}</table>"
)


@dataclass(frozen=True)
class Moved:
    """A share (0..1) of what is liked, and by how much it differs from before; None without a before."""

    name: str
    share: float
    change: float | None

    def words(self) -> str:
        """The change in points of percent."""
        if self.change is None or abs(self.change) < LEAST_MOVE:
            return ""
        return f"{'▲' if self.change > 0 else '▼'} {abs(100 * self.change):.1f}"


def moved(before: Sequence[Shared] | None, now: Sequence[Shared]) -> list[Moved]:
    """The shares of now beside those of before; what was in neither list of the largest counts from nothing."""
    earlier = None if before is None else {one.name: one.share for one in before}
    return [Moved(one.name, one.share, None if earlier is None else one.share - earlier.get(one.name, 0.0)) for one in now]


def taste_tables(before: TasteShown | None, now: TasteShown) -> Markup:
    """Genres, artists and moods by share, with what the last click moved."""
    parts = (("Genres", "genres"), ("Artists", "artists"), ("Moods", "moods"))
    return Markup("").join(
        shares_table(caption, moved(getattr(before, name) if before else None, getattr(now, name))) for caption, name in parts
    )


def shares_table(caption: str, shares: Sequence[Moved]) -> Markup:
    """Names, bars, shares and changes; nothing where there are none."""
    if not shares:
        return Markup("")
    rows = Markup("").join(
        ROW.format(name=one_line(one.name), width=f"{100 * one.share:.1f}", share=percent(one.share), moved=one.words())
        for one in shares
    )
    return TABLE.format(caption=caption, rows=rows)


def totals(taste: TasteShown) -> list[tuple[str, str]]:
    """What the live row counts."""
    counts = {
        "Tracks": taste.tracks,
        "Plays": taste.plays,
        "Skips": taste.skips,
        "Liked": taste.liked,
        "Disliked": taste.disliked,
    }
    return [(name, f"{count:,}") for name, count in counts.items()]
