"""What a dry run knows of what would be published."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from producers.ingestion.contract import Item, Page
from producers.ingestion.pages import checked
from producers.ingestion.sinks.dry_run import DryRunSink
from segue.events import ListeningEvent
from tests.unit.producers.ingestion.fakes import track

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def play(track_id: str) -> ListeningEvent:
    return ListeningEvent(event_id=uuid.uuid4(), type="play", user_id="alice", track_id=track_id, occurred_at=NOW)


def looked_at(*pages: list[Item]) -> DryRunSink:
    sink = DryRunSink()
    for items in pages:
        sink.write(checked(Page(items, [], [], {}, len(items)), NOW))
    return sink


def test_listens_of_tracks_that_would_be_made_are_unmatched() -> None:
    assert looked_at([track(1), play("t1"), play("there")], [play("t1"), play("lb:there")]).unmatched == 2


def test_the_first_three_of_a_kind_are_kept() -> None:
    sink = looked_at([track(1), track(2)], [track(3), track(4)])
    assert sink.examples == {"users": [], "tracks": [track(1), track(2), track(3)], "playlists": [], "listens": []}
