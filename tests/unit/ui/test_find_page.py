"""The page "Find", against an API in memory."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from streamlit.testing.v1 import AppTest

from segue.client.generated.shapes import NoteShown, TracksFound
from tests.unit.ui.conftest import HOSTILE, FakeApi, audio, item, labels, problem, similar, track, words

Opened = Callable[..., AppTest]


def find() -> None:
    from ui.pages.find import find_page

    find_page()


def test_nothing_is_asked_before_something_is_typed(opened: Opened, api: FakeApi) -> None:
    app = opened(find)
    assert not app.exception
    assert "Choose a song" in words(app)
    assert api.asked == []


def test_what_is_typed_is_searched(opened: Opened, api: FakeApi) -> None:
    app = opened(find).text_input(key="typed").set_value(" sil ").run()
    assert labels(app) == ["Silver – The Placeholders", "Silent – The Placeholders"]
    assert dict(api.queries("/tracks/search")[-1]) == {"q": "sil", "limit": "8"}


def test_a_result_opens_its_song(opened: Opened) -> None:
    app = opened(find).text_input(key="typed").set_value("sil").run()
    app.button(key="found-a").click().run()
    assert app.query_params["song"] == "a"
    assert "Firsts" in words(app)
    assert "1. Silent – The Placeholders" in labels(app)


def test_each_similar_song_says_why(opened: Opened) -> None:
    shown = words(opened(find, song="a"))
    assert "Close to Silver in sound" in shown
    assert "listeners with the same taste, how it sounds and what it is" in shown


def test_nothing_found_and_forgiven_errors_are_said(opened: Opened, api: FakeApi) -> None:
    app = opened(find)
    api.answers["GET", "/tracks/search"] = TracksFound(query="x", items=(), forgiven=True, next_cursor=None)
    assert "Nothing in the catalogue matches" in words(app.text_input(key="typed").set_value("x").run())
    api.answers["GET", "/tracks/search"] = TracksFound(query="x", items=(track("a", "S"),), forgiven=True, next_cursor=None)
    assert "With typing errors forgiven" in words(app.text_input(key="typed").set_value("silevr").run())


def test_more_results_are_shown_when_asked_for(opened: Opened, api: FakeApi) -> None:
    api.answers["GET", "/tracks/search"] = TracksFound(query="s", items=(track("a", "S"),), forgiven=False, next_cursor="c")
    app = opened(find).text_input(key="typed").set_value("s").run()
    app.button(key="more").click().run()
    assert [query["limit"] for query in api.queries("/tracks/search")][-1] == "50"


def test_controls_steer_what_is_similar(opened: Opened, api: FakeApi) -> None:
    app = opened(find, song="a")
    app.multiselect(key="song-genres").set_value(["jazz"])
    app.slider(key="song-energy").set_value((0.0, 0.5))
    app.number_input(key="song-from").set_value(1990)
    app.run()
    asked = dict(api.queries("/recommend/song/a")[-1])
    assert (asked["genre"], asked["energy_max"], asked["year_min"]) == ("jazz", "0.5", "1990")
    assert "energy_min" not in asked


def test_controls_offer_what_the_api_knows(opened: Opened) -> None:
    app = opened(find, song="a")
    assert app.multiselect(key="song-genres").options == ["rock", "jazz"]


def test_an_empty_answer_says_why(opened: Opened, api: FakeApi) -> None:
    note = NoteShown(code="filters_match_nothing", text="No track has genre jazz and mood sad", fields=("genre", "mood"))
    api.answers["GET", "/recommend/song/a"] = similar(notes=(note,), degraded=("model",))
    shown = words(opened(find, song="a"))
    assert "No track has genre jazz and mood sad." in shown
    assert "Answered without the model" in shown


def test_a_song_whose_sound_is_unknown_still_has_its_page(opened: Opened, api: FakeApi) -> None:
    api.answers["GET", "/tracks/a/audio"] = audio(features=None, key=None, ranks={})
    app = opened(find, song="a")
    assert "How it sounds is not known" in words(app)
    assert "1. Silent – The Placeholders" in labels(app)


@pytest.mark.parametrize("song", ["", "..", ".", "x\u0000y", "x" * 3_000])
def test_an_address_that_names_no_song_is_answered(opened: Opened, api: FakeApi, song: str) -> None:
    app = opened(find, song=song)
    assert not app.exception
    assert "This address names no song" in words(app)
    assert api.asked == []


@pytest.mark.parametrize(
    ("failure", "title", "advice"),
    [
        (httpx.ConnectError("refused"), "The API does not answer", "segue up"),
        (problem(401, "no_credentials", "send a key"), "The API asks who you are", "under “Key”"),
        (problem(429, "rate_limited", "slow down", retry_after="9"), "Too many questions", "Wait 9 s"),
        (problem(503, "empty_catalogue", "nothing there"), "The catalogue is empty", "segue ingest catalogue"),
        (httpx.Response(502, text="<h1>Bad gateway</h1>"), "Not available now", "Try again soon"),
    ],
)
def test_failures_are_told_and_raise_nothing(opened: Opened, api: FakeApi, failure: object, title: str, advice: str) -> None:
    api.answers = dict.fromkeys(api.answers, failure)
    app = opened(find, song="a").text_input(key="typed").set_value("sil").run()
    assert not app.exception
    assert {error.value for error in app.error} == {title}
    assert advice in words(app)


def test_trying_again_asks_again(opened: Opened, api: FakeApi) -> None:
    song = api.answers["GET", "/tracks/a"]
    api.answers["GET", "/tracks/a"] = problem(503, "empty_catalogue", "nothing there")
    app = opened(find, song="a")
    api.answers["GET", "/tracks/a"] = song
    next(button for button in app.button if button.label == "Try again").click().run()
    assert not app.error
    assert "Firsts" in words(app)


def test_hostile_names_are_text(opened: Opened, api: FakeApi) -> None:
    api.answers["GET", "/tracks/a"] = track("a", HOSTILE, artists=(HOSTILE,), album=HOSTILE, genres=(HOSTILE,))
    api.answers["GET", "/recommend/song/a"] = similar(item("b", HOSTILE, HOSTILE))
    app = opened(find, song="a")
    assert not app.exception
    assert "<script" not in words(app)
    assert f"1. {HOSTILE} – The Placeholders" in labels(app)
