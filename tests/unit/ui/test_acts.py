"""What a click sends, and what the visitor reads of it."""

from __future__ import annotations

import uuid

import pytest

from segue.client.generated.shapes import EventsAnswer, FeedbackAnswer
from tests.unit.ui.conftest import FakeApi, item
from ui.views.acts import OFFERED, Act, Kind, Said

REC_ID = uuid.UUID("019aaf6a-5d1c-7b43-8f0e-2f4f2a1b9c77")
EVENT_ID = uuid.UUID("019aaf6a-0000-7000-8000-000000000001")
FEEDBACK = FeedbackAnswer(user_id="ann", event_id=str(EVENT_ID), action="like", until=None)


@pytest.mark.parametrize("kind", ["play", "skip"])
def test_plays_and_skips_are_events_of_the_answer(api: FakeApi, kind: Kind) -> None:
    api.answers["POST", "/events"] = EventsAnswer(accepted=1, rejected=0, events=())
    event_id = Act.on(kind, item("b", "Silent"), str(REC_ID), 3).send(api.client(), "ann")
    (event,) = api.bodies("/events")[0]["events"]
    assert event.pop("occurred_at")
    assert event == {
        "event_id": str(event_id), "type": kind, "user_id": "ann", "track_id": "b", "rec_id": str(REC_ID), "position": 2,
        "source": "listening-room",
    }  # fmt: skip


def test_an_opinion_is_feedback_of_the_answer(api: FakeApi) -> None:
    api.answers["POST", "/users/ann/feedback"] = FEEDBACK
    assert Act.on("not_now", item("b", "Silent"), str(REC_ID), 1).send(api.client(), "ann") == EVENT_ID
    sent = api.bodies("/users/ann/feedback")[0]
    assert uuid.UUID(sent.pop("event_id")).version == 7
    assert sent == {"action": "not_now", "track_id": "b", "rec_id": str(REC_ID), "position": 0}


@pytest.mark.parametrize(("kind", "back"), [("block_artist", "unblock_artist"), ("unblock_artist", None)])
def test_an_artist_is_named_by_name(api: FakeApi, kind: Kind, back: Kind | None) -> None:
    api.answers["POST", "/users/ann/feedback"] = FEEDBACK
    act = Act(kind, None, "The Placeholders")
    assert act.send(api.client(), "ann") == EVENT_ID
    sent = api.bodies("/users/ann/feedback")[0]
    assert (sent["action"], sent["artist"], "track_id" in sent) == (kind, "The Placeholders", False)
    assert act.back() == (back and Act(back, None, "The Placeholders"))


@pytest.mark.parametrize(
    ("kind", "back"),
    [("like", "unlike"), ("dislike", "undislike"), ("not_now", "unblock"), ("block", "unblock"), ("play", None), ("skip", None)],
)
def test_what_can_be_taken_back(kind: Kind, back: Kind | None) -> None:
    undone = Act(kind, "b", "Silent", REC_ID, 3).back()
    assert undone == (back and Act(back, "b", "Silent"))


def test_what_is_taken_back_stays_so() -> None:
    assert Act("unlike", "b", "Silent").back() is None


def test_every_offered_act_can_be_told() -> None:
    for kind in OFFERED:
        assert "Silent" in Said(Act(kind, "b", "Silent"), EVENT_ID, 0.0).words()


def test_the_time_to_the_answer_is_told() -> None:
    said = Said(Act("like", "b", "Silent"), EVENT_ID, 0.0, answered_ms=83.4, included=True)
    assert said.words() == "Liked: Silent. New answer, which knows it, 83 ms after the click."


def test_an_answer_that_is_behind_is_called_so() -> None:
    behind = Said(Act("like", "b", "Silent"), EVENT_ID, 0.0, answered_ms=1_000, included=False)
    assert "does not know it yet" in behind.words()
