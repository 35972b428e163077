"""What of a page is published, and what a processor would have refused."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from producers.ingestion.contract import Item, Page, Skipped
from producers.ingestion.pages import checked
from segue.events import CatalogueTrack, ListeningEvent, PlaylistRecord, UserRecord
from tests.unit.producers.ingestion.fakes import track

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def play(track_id: str = "t1", at: datetime = NOW) -> ListeningEvent:
    return ListeningEvent(event_id=uuid.UUID(int=1), type="play", user_id="alice", track_id=track_id, occurred_at=at)


def test_items_are_sorted_by_kind_in_their_order() -> None:
    items: list[Item] = [play(), track(2), UserRecord(user_id="alice"), track(1)]
    page = checked(Page(items, [], [Skipped("podcast"), Skipped("podcast")], {"row": 4}, 4), NOW)
    assert page.kinds == {"users": [items[2]], "tracks": [track(2), track(1)], "playlists": [], "listens": [play()]}
    assert (page.published, page.skipped) == ({"users": 1, "tracks": 2, "listens": 1}, {"podcast": 2})


@pytest.mark.parametrize(
    ("item", "code"),
    [
        (play(""), "invalid_id"),
        (play("a\nb"), "invalid_id"),
        (play(at=NOW + timedelta(days=1)), "invalid_time"),
        (play(at=datetime(1999, 1, 1, tzinfo=UTC)), "invalid_time"),
        (play(at=datetime(2020, 1, 1)), "invalid_time"),
        (CatalogueTrack(track_id="", name="Waltz", artists=("Otters",)), "invalid_id"),
        (CatalogueTrack(track_id="t1", name="", artists=("Otters",)), "invalid_field"),
        (CatalogueTrack(track_id="t1", name="W\x00", artists=("Otters",)), "invalid_text"),
        (CatalogueTrack(track_id="t1", name="Waltz", artists=("\ud800",)), "invalid_text"),
        (CatalogueTrack(track_id="t1", name="Waltz", artists=("Otters",) * 101), "too_many_entries"),
        (PlaylistRecord(playlist_id="p1", name="List", track_ids=("t",) * 10_001), "too_many_entries"),
        (PlaylistRecord(playlist_id="p" * 129, name="List", track_ids=()), "invalid_id"),
    ],
)
def test_what_a_processor_would_refuse_is_rejected_here(item: Item, code: str) -> None:
    page = checked(Page([track(1), item], [], [], {}, 2), NOW)
    assert [one.code for one in page.rejected] == [code]
    assert page.published == {"tracks": 1}
