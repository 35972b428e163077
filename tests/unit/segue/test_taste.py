"""What events say about taste."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from segue.events import ListeningEvent, ListeningType
from segue.taste import LANDMARK_S, as_of, confidence, forward_factor, preference, saves_of, stance_of, total_confidence

LANDMARK = datetime(2026, 1, 1, tzinfo=UTC)


def event(kind: ListeningType, ms_played: int | None = None, at: datetime = LANDMARK) -> ListeningEvent:
    return ListeningEvent(event_id=uuid.uuid4(), type=kind, user_id="ada", track_id="t1", occurred_at=at, ms_played=ms_played)


@pytest.mark.parametrize(
    ("kind", "ms_played", "expected"),
    [
        ("play", None, 1.0),
        ("play", 30_000, 1.0),
        ("play", 29_999, 0.25),
        ("skip", 5_000, -0.5),
        ("like", None, 0.0),
        ("impression", None, 0.0),
    ],
)
def test_confidence_of_one_event(kind: ListeningType, ms_played: int | None, expected: float) -> None:
    assert confidence(event(kind, ms_played)) == expected


def test_a_play_counts_half_after_one_half_life() -> None:
    stored = total_confidence([event("play")])
    later_s = LANDMARK_S + 60 * 86_400
    assert as_of(np.array([stored]), later_s)[0] == pytest.approx(0.5)


def test_the_order_of_events_does_not_matter() -> None:
    events = [event("play", at=LANDMARK + timedelta(days=day)) for day in (3, 1, 2)]
    assert total_confidence(events) == pytest.approx(total_confidence(sorted(events, key=lambda e: e.occurred_at)), rel=1e-12)


def test_a_history_of_twenty_years_stays_finite() -> None:
    long_ago, far_ahead = forward_factor(LANDMARK_S - 20 * 365 * 86_400), forward_factor(LANDMARK_S + 50 * 365 * 86_400)
    assert long_ago > 0.0
    assert np.isfinite(far_ahead)


def test_a_dislike_outweighs_every_play() -> None:
    assert preference(np.array([1000.0]), np.array([-1], np.int8), np.array([3], np.int16))[0] < 0


def test_likes_and_playlists_add_to_plays() -> None:
    liked = preference(np.array([1.0]), np.array([1], np.int8), np.array([1], np.int16))
    assert liked[0] == pytest.approx(1.0 + 4.0 + 2.0)


@pytest.mark.parametrize(("kind", "stance"), [("like", 1), ("unlike", 0), ("dislike", -1), ("undislike", 0), ("play", None)])
def test_statements(kind: ListeningType, stance: int | None) -> None:
    assert stance_of(event(kind)) == stance


def test_playlist_memberships() -> None:
    assert [saves_of(event("playlist_add")), saves_of(event("playlist_remove")), saves_of(event("play"))] == [1, -1, 0]
