"""Years, moods, and the key under which versions of a song meet."""

from __future__ import annotations

import pytest

from segue.catalogue import mood_of, release_year, song_key
from segue.events import AudioFeatures


@pytest.mark.parametrize(
    ("released", "year"),
    [
        ("2019", 2019),
        ("2019-06", 2019),
        ("2019-06-14", 2019),
        (None, None),
        ("", None),
        ("n/a", None),
        ("0000", None),
        ("9999", None),
    ],
)
def test_release_year(released: str | None, year: int | None) -> None:
    assert release_year(released) == year


@pytest.mark.parametrize(
    "name",
    [
        "Bohemian Rhapsody",
        "Bohemian Rhapsody - 2011 Mix",
        "Bohemian Rhapsody - Remastered 2011",
        "BOHEMIAN RHAPSODY (Live at Wembley)",
        "Bohemian Rhapsody [Radio Edit]",
        "Bohemian Rhapsody feat. Somebody",
    ],
)
def test_versions_of_a_song_share_a_key(name: str) -> None:
    assert song_key(name, ["Queen"]) == "queen|bohemian rhapsody"


def test_different_songs_keep_different_keys() -> None:
    assert song_key("Love - Part Two", ["Ada"]) != song_key("Love", ["Ada"])


def test_a_title_of_brackets_only_keeps_its_words() -> None:
    assert song_key("(Untitled)", ["Ada"]) == "ada|untitled"


def test_accents_and_other_scripts() -> None:
    assert song_key("Déjà Vu", ["Beyoncé"]) == "beyonce|deja vu"
    assert song_key("夜に駆ける", ["YOASOBI"]) == "yoasobi|夜に駆ける"


@pytest.mark.parametrize(
    ("valence", "energy", "mood"), [(0.9, 0.9, "happy"), (0.9, 0.1, "calm"), (0.1, 0.9, "energetic"), (0.1, 0.1, "sad")]
)
def test_mood_is_the_quadrant_of_valence_and_energy(valence: float, energy: float, mood: str) -> None:
    features = AudioFeatures(
        danceability=0.5, energy=energy, key=0, loudness=-5, mode=1, speechiness=0.1, acousticness=0.1, instrumentalness=0,
        liveness=0.1, valence=valence, tempo=120,
    )  # fmt: skip
    assert mood_of(features) == mood


def test_no_features_no_mood() -> None:
    assert mood_of(None) is None
