"""Lists that last so long, and lists in an order to hear them in."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.catalogue import Track
from segue.ids import TrackNo
from segue.recommending.diversity import Diversity
from segue.recommending.eligibility import Note
from segue.recommending.lists import lasting, smoothed
from segue.recommending.pipeline import Answer, Recommendation
from segue.recommending.reasons import exploring
from tests.unit.models.tables import track

MINUTE = 60_000
MOST = 100
LOOSE, STRICT = Diversity(per_artist=99), Diversity(per_artist=2)


class Catalogue:
    """Tracks of these lengths in minutes, the best first; `asked` notes how many were wanted each time."""

    def __init__(self, *minutes: float | None, notes: tuple[Note, ...] = ()) -> None:
        self.tracks = [
            replace(track(n), duration_ms=None if one is None else round(one * MINUTE)) for n, one in enumerate(minutes)
        ]
        self.notes, self.asked = notes, list[int]()

    def ask(self, n: int) -> Answer:
        self.asked.append(n)
        return answer_of(self.tracks[:n], self.notes)

    def known(self, number: TrackNo) -> Track | None:
        return self.tracks[number]


def answer_of(tracks: list[Track], notes: tuple[Note, ...] = ()) -> Answer:
    return Answer(tuple(Recommendation(one.track_no, 1.0, exploring(), (), {}) for one in tracks), notes)


def numbers(answer: Answer) -> list[int]:
    return [int(item.track_no) for item in answer.items]


def lasts(made: Catalogue, minutes: float, most: int = MOST, caps: Diversity = LOOSE) -> Answer:
    return lasting(made.ask, round(minutes * MINUTE), most, made.known, caps)


def test_the_best_tracks_that_fill_the_time() -> None:
    found = lasts(Catalogue(4, 3, 3, 5, 5), 10)
    assert (numbers(found), found.notes) == ([0, 1, 2], ())


def test_what_does_not_fit_any_more_is_passed_over_for_what_does() -> None:
    assert numbers(lasts(Catalogue(6, 10, 4, 4), 10)) == [0, 2]


def test_the_last_track_may_end_later_if_that_is_nearer() -> None:
    assert numbers(lasts(Catalogue(7, 4), 10)) == [0, 1]
    assert numbers(lasts(Catalogue(7, 7), 10)) == [0]


def test_one_track_that_is_too_long_keeps_nothing_else_out() -> None:
    assert numbers(lasts(Catalogue(600, 4, 4, 2), 10)) == [1, 2, 3]


def test_tracks_of_unknown_length_are_left_out() -> None:
    assert numbers(lasts(Catalogue(None, 5, 0, -1, 5), 10)) == [1, 4]


def test_short_tracks_are_asked_for_again_in_greater_numbers() -> None:
    made = Catalogue(*[0.5] * 60)
    assert len(lasts(made, 20).items) == 40
    assert made.asked == [16, 64]


def test_nobody_asks_again_where_there_is_no_more() -> None:
    made = Catalogue(1, 1)
    found = lasts(made, 10)
    assert made.asked == [13]
    assert [(note.code, note.text, note.fields) for note in found.notes] == [
        ("fewer_than_asked", "2 of 10 minutes: no more of what passes fits", ("duration_ms",))
    ]


def test_a_list_that_is_full_says_so() -> None:
    found = lasts(Catalogue(*[1.0] * 50), 60, most=20)
    assert len(found.items) == 20
    assert [note.text for note in found.notes] == ["20 of 60 minutes: a list has 20 tracks at most"]


def test_why_nothing_passes_is_kept() -> None:
    why = Note("everything_excluded", "No track is left", ("duration_ms",))
    assert lasts(Catalogue(notes=(why,)), 10) == Answer((), (why,))


def test_of_notes_about_caps_those_stay_that_are_true_of_the_list() -> None:
    both = (Note("per_artist_relaxed", "", ("per_artist",)), Note("fewer_than_asked", "Only 3 of 13 tracks", ("n",)))
    made = Catalogue(5, 5, 5, notes=both)
    made.tracks = [replace(one, artists=("One",)) for one in made.tracks]
    assert [note.code for note in lasts(made, 15, caps=STRICT).notes] == ["per_artist_relaxed"]
    assert lasts(made, 10, caps=STRICT).notes == ()


@given(st.lists(st.one_of(st.none(), st.integers(1, 30)), max_size=40), st.integers(1, 90))
def test_a_list_is_never_half_a_track_too_long_and_repeats_nothing(minutes: list[int | None], wanted: int) -> None:
    made = Catalogue(*minutes)
    found = lasts(made, wanted)
    lengths = [minutes[number] or 0 for number in numbers(found)]
    assert len(set(numbers(found))) == len(lengths)
    assert sum(lengths) - wanted <= max(lengths, default=0) / 2
    near = abs(sum(lengths) - wanted) <= max(0.5, wanted / 20)
    assert near == (found.notes == ()) or not lengths


def sounding(number: int, tempo: float | None) -> Track:
    made = track(number, energy=0.5)
    assert made.features is not None
    return replace(made, features=None if tempo is None else msgspec.structs.replace(made.features, tempo=tempo))


def test_neighbours_are_close_and_what_has_no_sound_comes_last() -> None:
    tracks = [sounding(0, 100), sounding(1, None), sounding(2, 180), sounding(3, 110), sounding(4, 150), sounding(5, None)]
    found = smoothed(answer_of(tracks), lambda number: tracks[number])
    assert numbers(found) == [0, 3, 4, 2, 1, 5]
    assert [(note.code, note.fields) for note in found.notes] == [("unknown_sound", ("ordering",))]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_short_lists_stay_as_they_are(count: int) -> None:
    tracks = [sounding(number, 100.0 + number) for number in range(count)]
    assert smoothed(answer_of(tracks), lambda number: tracks[number]) == answer_of(tracks)
