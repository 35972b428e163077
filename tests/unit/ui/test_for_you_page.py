"""The page "For you", against an API in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
from streamlit.testing.v1 import AppTest

from segue.client.generated.shapes import (
    BlockedArtist,
    BlockedTrack,
    BlocksAnswer,
    EventsAnswer,
    FeedbackAnswer,
    Item,
    ListenerAnswer,
    Shared,
    StateShown,
    TasteAnswer,
)
from tests.unit.ui.conftest import HOSTILE, FakeApi, item, labels, problem, taste, words

Opened = Callable[..., AppTest]
EVENT_ID = "019aaf6a-0000-7000-8000-000000000001"
REC_ID = "019aaf6a-5d1c-7b43-8f0e-2f4f2a1b9c77"
FEEDBACK = "/users/ann/feedback"


def for_you() -> None:
    from ui.pages.for_you import for_you_page

    for_you_page()


def state(included: bool | None = None) -> StateShown:
    return StateShown(events=3, last_event_at=None, age_ms=5, source="redis", includes_event=included)


def answer(*items: Item, included: bool | None = None) -> ListenerAnswer:
    return ListenerAnswer(rec_id=REC_ID, user_id="ann", model_version="v1", state=state(included), degraded=(), items=items)


def taste_answer(**changes: Any) -> TasteAnswer:
    return TasteAnswer(user_id="ann", state=state(), degraded=(), taste=taste(**changes))


def blocks(tracks: Sequence[BlockedTrack] = (), artists: Sequence[BlockedArtist] = ()) -> BlocksAnswer:
    return BlocksAnswer(user_id="ann", state=state(), degraded=(), tracks=tuple(tracks), artists=tuple(artists))


def by_event(request: httpx.Request) -> httpx.Response:
    """The list before an act, and the one that knows of it."""
    awaited = "min_event_id" in msgspec.json.decode(request.content)
    found = answer(item("c", "Golden"), included=True) if awaited else answer(item("b", "Silent"), item("c", "Golden"))
    return httpx.Response(200, content=msgspec.json.encode(found))


@pytest.fixture
def api(api: FakeApi) -> FakeApi:
    """A listener whose list changes with the first act."""
    api.answers |= {
        ("POST", "/recommend/user/"): by_event,
        ("GET", "/users/ann/taste"): taste_answer(),
        ("GET", "/users/ann/blocks"): blocks(),
        ("POST", FEEDBACK): FeedbackAnswer(user_id="ann", event_id=EVENT_ID, action="dislike", until=None),
        ("POST", "/events"): EventsAnswer(accepted=1, rejected=0, events=()),
    }
    return api


def test_nobody_is_asked_for_before_somebody_listens(opened: Opened, api: FakeApi) -> None:
    app = opened(for_you)
    assert not app.exception
    assert "Type the id of a listener" in words(app)
    assert api.asked == []


def test_whoever_is_typed_listens_and_stands_in_the_address(opened: Opened, api: FakeApi) -> None:
    app = opened(for_you)
    app.text_input(key="who").set_value(" ann ").run()
    assert app.query_params["listener"] == "ann"
    assert api.bodies("/recommend/user/")[-1]["user_id"] == "ann"


def test_one_changes_back_to_an_earlier_listener(opened: Opened, api: FakeApi) -> None:
    app = opened(for_you, listener="bob")
    app.text_input(key="who").set_value("ann").run()
    app.button(key="who-bob").click().run()
    assert api.bodies("/recommend/user/")[-1]["user_id"] == "bob"
    assert app.query_params["listener"] == "bob"


def test_the_list_gives_reasons(opened: Opened) -> None:
    app = opened(for_you, listener="ann")
    assert "1. Silent – The Placeholders" in labels(app)
    assert "Close in sound" in words(app)


def test_one_click_changes_the_list(opened: Opened, api: FakeApi) -> None:
    app = opened(for_you, listener="ann")
    app.button(key="you-b-dislike").click().run()
    assert [body["action"] for body in api.bodies(FEEDBACK)] == ["dislike"]
    assert api.bodies("/recommend/user/")[-1]["min_event_id"] == EVENT_ID
    assert "1. Golden – The Placeholders" in labels(app)
    assert "Disliked: Silent. New answer, which knows it," in words(app)


def test_taste_moves_with_the_click(opened: Opened, api: FakeApi) -> None:
    app = opened(for_you, listener="ann")
    api.answers["GET", "/users/ann/taste"] = taste_answer(genres=(Shared(name="rock", share=0.4), Shared(name="jazz", share=0.6)))
    app.button(key="you-b-play").click().run()
    assert "▲ 60.0" in words(app)
    assert "▼ 60.0" in words(app)


def test_an_act_is_taken_back(opened: Opened, api: FakeApi) -> None:
    app = opened(for_you, listener="ann")
    app.button(key="you-b-block").click().run()
    app.button(key="back").click().run()
    assert [body["action"] for body in api.bodies(FEEDBACK)] == ["block", "unblock"]


def test_an_act_that_fails_is_told_and_the_list_stays(opened: Opened, api: FakeApi) -> None:
    api.answers["POST", FEEDBACK] = problem(503, "kafka_unavailable", "Kafka is away")
    app = opened(for_you, listener="ann")
    app.button(key="you-b-like").click().run()
    assert not app.exception
    assert [error.value for error in app.error] == ["Kafka is away"]
    assert "1. Silent – The Placeholders" in labels(app)


def test_processors_that_are_behind_are_told_of(opened: Opened, api: FakeApi) -> None:
    app = opened(for_you, listener="ann")
    api.answers["POST", "/recommend/user/"] = answer(item("b", "Silent"), included=False)
    app.button(key="you-b-skip").click().run()
    assert "does not know it yet" in words(app)
    api.answers["POST", "/recommend/user/"] = answer(item("c", "Golden"), included=True)
    app.button(key="look").click().run()
    assert "New answer, which knows it" in words(app)


def test_a_newcomer_s_choice_leads(opened: Opened, api: FakeApi) -> None:
    app = opened(for_you, listener="ann")
    app.multiselect(key="g-ann").set_value(["jazz"]).run()
    assert api.bodies("/recommend/user/")[-1]["genres"] == ["jazz"]


def test_the_station_goes_on_and_repeats_nothing(opened: Opened, api: FakeApi) -> None:
    app = opened(for_you, listener="ann")
    app.segmented_control(key="view").set_value("Station").run()
    assert api.bodies("/recommend/user/")[-1]["n"] == 1
    app.button(key="station-play").click().run()
    asked = api.bodies("/recommend/user/")[-1]
    assert asked["exclude"] == ["b"]
    assert asked["min_event_id"] == api.bodies("/events")[0]["events"][0]["event_id"]
    assert "2. Golden – The Placeholders" in labels(app)


def test_an_artist_is_shut_out_behind_the_reason(opened: Opened, api: FakeApi) -> None:
    app = opened(for_you, listener="ann")
    app.button(key="you-b-artist-0").click().run()
    (sent,) = api.bodies(FEEDBACK)
    assert (sent["action"], sent["artist"]) == ("block_artist", "The Placeholders")


def test_what_is_shut_out_is_let_in_again(opened: Opened, api: FakeApi) -> None:
    until = datetime(2026, 12, 24, tzinfo=UTC)
    track = BlockedTrack(track_id="b", name="Silent", artists=("The Placeholders",), until=until)
    api.answers["GET", "/users/ann/blocks"] = blocks([track], [BlockedArtist(artist=HOSTILE, until=None)])
    app = opened(for_you, listener="ann")
    assert "until 2026-12-24" in words(app)
    assert "<script" not in words(app)
    app.button(key="in-track-0").click().run()
    app.button(key="in-artist-0").click().run()
    sent = [(body["action"], body.get("track_id"), body.get("artist")) for body in api.bodies(FEEDBACK)]
    assert sent == [("unblock", "b", None), ("unblock_artist", None, HOSTILE)]


def test_nothing_known_of_a_taste_is_said(opened: Opened, api: FakeApi) -> None:
    api.answers["GET", "/users/ann/taste"] = TasteAnswer(user_id="ann", state=state(), degraded=(), taste=None)
    assert "Nothing is known of it yet" in words(opened(for_you, listener="ann"))


@pytest.mark.parametrize("listener", ["..", "x\u0000y", "x" * 3_000])
def test_an_address_that_names_no_listener_is_answered(opened: Opened, api: FakeApi, listener: str) -> None:
    app = opened(for_you, listener=listener)
    assert not app.exception
    assert api.asked == []


def test_an_id_with_a_slash_keeps_to_its_place(opened: Opened, api: FakeApi) -> None:
    opened(for_you, listener="../admin")
    assert {request.url.raw_path.split(b"?")[0] for request in api.asked if b"users" in request.url.raw_path} == {
        b"/users/..%2Fadmin/taste",
        b"/users/..%2Fadmin/blocks",
    }


def test_failures_are_told(opened: Opened, api: FakeApi) -> None:
    api.answers = dict.fromkeys(api.answers, httpx.ConnectError("refused"))
    app = opened(for_you, listener="ann")
    assert not app.exception
    assert {error.value for error in app.error} == {"The API does not answer"}
    assert [request.url.path for request in api.asked].count("/users/ann/taste") == 0


def test_hostile_names_are_text(opened: Opened, api: FakeApi) -> None:
    api.answers["POST", "/recommend/user/"] = answer(item("b", HOSTILE, HOSTILE), included=True)
    api.answers["GET", "/users/ann/taste"] = taste_answer(artists=(Shared(name=HOSTILE, share=1.0),))
    app = opened(for_you, listener="ann")
    app.button(key="you-b-like").click().run()
    assert not app.exception
    assert "<script" not in words(app)
    assert f"1. {HOSTILE} – The Placeholders" in labels(app)
