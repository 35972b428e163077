"""The page "Playlists", against an API in memory."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from streamlit.testing.v1 import AppTest

from segue.client.generated.shapes import NextAnswer, PlaylistBrief, PlaylistsAnswer
from tests.unit.ui.conftest import HOSTILE, FakeApi, in_playlist, item, labels, playlist, problem, words

Opened = Callable[..., AppTest]
TRACKS = "/playlists/p1/tracks"


def playlists() -> None:
    from ui.pages.playlists import playlists_page

    playlists_page()


@pytest.fixture
def api(api: FakeApi) -> FakeApi:
    """One playlist with one track."""
    listed = PlaylistBrief(playlist_id="p1", name="Evening", tracks=1, source=None, changed_at=datetime(2026, 1, 1, tzinfo=UTC))
    shown = playlist(tracks=(in_playlist("a", 60_000, name="Silver"),))
    api.answers |= {
        ("GET", "/users/ann/playlists"): PlaylistsAnswer(user_id="ann", items=(listed,), next_cursor=None),
        ("GET", "/playlists/p1"): shown,
        ("POST", "/playlists"): shown,
        ("PATCH", "/playlists/p1"): shown,
        ("DELETE", "/playlists/p1"): httpx.Response(204),
        ("POST", TRACKS): shown,
        ("DELETE", TRACKS): shown,
        ("POST", "/recommend/playlist"): NextAnswer(rec_id="r", model_version="v1", degraded=(), items=(item("b", "Silent"),)),
        ("GET", "/playlists/p1/export"): httpx.Response(200, text="spotify:track:a\n"),
    }
    return api


def methods(api: FakeApi, path: str) -> list[str]:
    return [request.method for request in api.asked if request.url.path == path]


def test_a_listener_s_playlists_are_listed_and_opened(opened: Opened) -> None:
    app = opened(playlists, listener="ann")
    app.button(key="open-p1").click().run()
    assert app.query_params["playlist"] == "p1"
    assert "1 track, 1:00; private" in words(app)
    assert "1. Silver – The Placeholders" in labels(app)


def test_a_new_one_is_the_listener_s_and_open(opened: Opened, api: FakeApi) -> None:
    app = opened(playlists, listener="ann")
    app.text_input(key="new-name").set_value(" Evening ")
    next(button for button in app.button if button.label == "Make it").click().run()
    (made,) = api.bodies("/playlists")
    assert (made["name"], made["owner_id"]) == ("Evening", "ann")
    assert app.query_params["playlist"] == made["playlist_id"]
    assert uuid.UUID(made["playlist_id"]).version == 7


def test_a_failed_making_that_is_tried_again_keeps_its_id(opened: Opened, api: FakeApi) -> None:
    api.answers["POST", "/playlists"] = problem(503, "kafka_unavailable", "away")
    app = opened(playlists, listener="ann")
    for _ in range(2):
        app.text_input(key="new-name").set_value("Evening")
        next(button for button in app.button if button.label == "Make it").click().run()
    assert [error.value for error in app.error] == ["Kafka is away"]
    assert len({body["playlist_id"] for body in api.bodies("/playlists")}) == 1


def test_a_suggestion_is_added(opened: Opened, api: FakeApi) -> None:
    app = opened(playlists, listener="ann", playlist="p1")
    assert api.bodies("/recommend/playlist")[-1] == {"n": 8, "tracks": ["a"], "title": "Evening"}
    app.button(key="on-b-add").click().run()
    assert api.bodies(TRACKS) == [{"track_ids": ["b"]}]
    assert "Added “Silent”." in words(app)


def test_a_song_is_searched_and_added(opened: Opened, api: FakeApi) -> None:
    app = opened(playlists, listener="ann", playlist="p1")
    app.text_input(key="add-typed").set_value("sil").run()
    app.button(key="add-b").click().run()
    assert api.bodies(TRACKS) == [{"track_ids": ["b"]}]


def test_a_track_is_removed(opened: Opened, api: FakeApi) -> None:
    app = opened(playlists, listener="ann", playlist="p1")
    app.button(key="out-1").click().run()
    assert [dict(query) for query in api.queries(TRACKS)] == [{"track_id": "a"}]


def test_a_playlist_is_renamed_and_deleted(opened: Opened, api: FakeApi) -> None:
    app = opened(playlists, listener="ann", playlist="p1")
    app.text_input(key="name-p1").set_value("Night")
    app.button(key="rename").click().run()
    assert b'{"name":"Night"}' in [request.content for request in api.asked]
    app.button(key="delete").click().run()
    assert "DELETE" in methods(api, "/playlists/p1")
    assert "playlist" not in app.query_params
    assert "Deleted “Evening”." in words(app)


def test_a_refused_change_is_told(opened: Opened, api: FakeApi) -> None:
    api.answers["DELETE", TRACKS] = problem(409, "playlist_changed", "somebody changed it")
    app = opened(playlists, listener="ann", playlist="p1")
    app.button(key="out-1").click().run()
    assert not app.exception
    assert "somebody changed it" in words(app)


def test_an_export_is_asked_for_in_its_format(opened: Opened, api: FakeApi) -> None:
    app = opened(playlists, listener="ann", playlist="p1")
    app.segmented_control(key="format-p1").set_value("spotify").run()
    assert [dict(query) for query in api.queries("/playlists/p1/export")] == [{"format": "spotify"}]
    assert app.download_button(key="download").label == "Download"


def test_no_playlists_are_said_to_be_none(opened: Opened, api: FakeApi) -> None:
    api.answers["GET", "/users/ann/playlists"] = PlaylistsAnswer(user_id="ann", items=(), next_cursor=None)
    assert "No playlists yet." in words(opened(playlists, listener="ann"))


def test_an_unknown_playlist_is_told(opened: Opened) -> None:
    app = opened(playlists, listener="ann", playlist="nowhere")
    assert [error.value for error in app.error] == ["Not known"]
    assert "names no playlist" in words(opened(playlists, listener="ann", playlist=".."))


def test_hostile_names_are_text(opened: Opened, api: FakeApi) -> None:
    api.answers["GET", "/playlists/p1"] = playlist(name=HOSTILE, tracks=(in_playlist("a", None, name=HOSTILE),))
    app = opened(playlists, listener="ann", playlist="p1")
    assert not app.exception
    assert f"1. {HOSTILE} – The Placeholders" in labels(app)
    assert "[x](javascript" not in app.header[0].value
