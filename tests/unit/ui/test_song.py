"""A song's facts and sound as they are shown."""

from __future__ import annotations

from tests.unit.ui.conftest import audio, track
from ui.views.song import radar, radar_words, song_facts, sound_rows


def test_facts_of_a_known_song() -> None:
    assert dict(song_facts(track("a", "Silver"), "F major")) == {
        "Album": "Firsts", "Year": "1999", "Length": "3:05", "Genres": "rock", "Mood": "energetic", "Key": "F major",
        "Popularity": "64 of 100", "Explicit": "no",
    }  # fmt: skip


def test_what_is_not_known_is_called_so() -> None:
    bare = track("a", "Silver", album=None, year=None, duration_ms=None, genres=(), mood=None, popularity=None, explicit=None)
    assert set(dict(song_facts(bare, None)).values()) == {"unknown"}


def test_an_unpopular_song_is_not_an_unknown_one() -> None:
    assert dict(song_facts(track("a", "Silver", popularity=0), None))["Popularity"] == "0 of 100"


def test_the_radar_shows_ranks_beside_the_middle() -> None:
    option = radar({"energy": 0.954, "danceability": 0.4, "unheard_of": 0.1}, {})
    assert [axis["name"] for axis in option["radar"]["indicator"]] == ["Danceable", "Energetic"]
    assert [shown["value"] for shown in option["series"][0]["data"]] == [[40, 95], [50, 50]]


def test_the_radar_shows_the_middle_of_the_genre_where_there_is_one() -> None:
    beside = radar({"energy": 0.9, "tempo": 0.4}, {"energy": 0.7})["series"][0]["data"][1]
    assert (beside["name"], beside["value"]) == ("Middle of its genre", [70, 50])


def test_the_radar_in_words() -> None:
    assert radar_words({"tempo": 0.6}, {"tempo": 0.55}).endswith("fast 60% (its genre 55%)")
    assert radar_words({"tempo": 0.6, "energy": 0.95}, {}) == (
        "Share of the catalogue with less of each: energetic 95%, fast 60%"
    )


def test_the_sound_in_numbers() -> None:
    rows = {row["Sound"]: (row["Value"], row["In the catalogue"]) for row in sound_rows(audio())}
    assert rows["Fast"] == ("128 BPM", "more than 60%")
    assert rows["Loud"] == ("-6 dB", "–")


def test_an_unknown_sound_has_no_numbers() -> None:
    assert sound_rows(audio(features=None, ranks={})) == []
