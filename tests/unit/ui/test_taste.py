"""How taste is shown to have moved."""

from __future__ import annotations

from segue.client.generated.shapes import Shared
from tests.unit.ui.conftest import HOSTILE, taste
from ui.views.taste import Moved, moved, shares_table, taste_tables, totals


def shares(**names: float) -> list[Shared]:
    return [Shared(name=name, share=share) for name, share in names.items()]


def test_shares_move_by_their_difference() -> None:
    rows = moved(shares(rock=0.5, jazz=0.5), shares(rock=0.75, jazz=0.25))
    assert [(row.name, row.change, row.words()) for row in rows] == [("rock", 0.25, "▲ 25.0"), ("jazz", -0.25, "▼ 25.0")]


def test_what_is_new_grew_from_nothing() -> None:
    assert moved(shares(rock=1.0), shares(rock=0.5, jazz=0.5))[1] == Moved("jazz", 0.5, 0.5)


def test_nothing_moves_before_the_first_act() -> None:
    assert moved(None, shares(rock=1.0)) == [Moved("rock", 1.0, None)]
    assert Moved("rock", 1.0, None).words() == ""
    assert Moved("rock", 1.0, 0.0001).words() == ""


def test_names_are_escaped() -> None:
    assert "<script" not in shares_table("Artists", [Moved(HOSTILE, 0.5, None)])


def test_an_empty_part_is_left_out() -> None:
    assert "Artists" not in taste_tables(None, taste(artists=()))
    assert "Genres" in taste_tables(None, taste(artists=()))


def test_totals_for_people() -> None:
    assert totals(taste(plays=1_204))[1] == ("Plays", "1,204")
