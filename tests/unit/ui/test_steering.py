"""What the controls ask the API for."""

from __future__ import annotations

from segue.client.generated.shapes import Bounds, WantedTracks
from tests.unit.ui.conftest import FakeApi
from ui.views.steering import Span, Steer

STEER = Steer(
    genres=["rock"], exclude_genres=["jazz"], moods=["calm"], years=Span(1990, 1999), explicit=False, energy=Span(0.2, None),
    tempo=Span(90, 120), adventurousness=0.8, diversity=0.4,
)  # fmt: skip


def test_a_song_is_asked_with_every_control(api: FakeApi) -> None:
    STEER.similar(api.client(), "a", 5)
    assert dict(api.queries("/recommend/song/a")[0]) == {
        "n": "5", "genre": "rock", "exclude_genre": "jazz", "mood": "calm", "year_min": "1990", "year_max": "1999",
        "explicit": "false", "energy_min": "0.2", "tempo_min": "90", "tempo_max": "120", "adventurousness": "0.8",
        "diversity": "0.4",
    }  # fmt: skip


def test_untouched_controls_ask_for_nothing(api: FakeApi) -> None:
    Steer().similar(api.client(), "a", 5)
    assert dict(api.queries("/recommend/song/a")[0]) == {"n": "5"}
    assert Steer().filters() == WantedTracks()


def test_a_listener_is_asked_with_the_same_filters() -> None:
    assert STEER.filters() == WantedTracks(
        genres=["rock"], exclude_genres=["jazz"], moods=["calm"], year_min=1990, year_max=1999, explicit=False,
        features={"energy": Bounds(min=0.2), "tempo": Bounds(min=90, max=120)},
    )  # fmt: skip


def test_a_slider_at_its_ends_bounds_nothing() -> None:
    assert Span(0.0, 1.0).within(0.0, 1.0).is_open
    assert Span(0.0, 0.5).within(0.0, 1.0) == Span(None, 0.5)
