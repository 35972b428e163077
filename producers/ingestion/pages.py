"""What of a page is published: everything that a processor would take; the rest joins what the source rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from producers.ingestion.contract import Item, Page, Rejected
from segue.errors import InvalidEvent
from segue.events import CatalogueTrack, ListeningEvent, PlaylistRecord, UserRecord, check_id, check_listening_event
from segue.record_checks import check_record

KINDS: dict[type[Item], str] = {
    UserRecord: "users", CatalogueTrack: "tracks", PlaylistRecord: "playlists", ListeningEvent: "listens",
}  # fmt: skip
"""In the order of publishing: a listen whose track has no name yet would show none."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A page whose items will all be taken. `kinds` has each kind of item, also those of which there is none."""

    kinds: dict[str, list[Any]]
    rejected: list[Rejected]
    skipped: dict[str, int]
    position: dict[str, Any]
    read: int

    @property
    def published(self) -> dict[str, int]:
        """How many items of each kind there are."""
        return {kind: len(items) for kind, items in self.kinds.items() if items}


def checked(page: Page, now: datetime) -> Checked:
    """Sort a page's items by kind and set aside what a processor would refuse. `now`: with a time zone."""
    kinds: dict[str, list[Any]] = {kind: [] for kind in KINDS.values()}
    rejected = list(page.rejected)
    for item in page.items:
        try:
            _check(item, now)
        except InvalidEvent as error:
            rejected.append(Rejected(error.code, _name(item), str(error)))
        else:
            kinds[KINDS[type(item)]].append(item)
    return Checked(kinds, rejected, dict(Counter(one.code for one in page.skipped)), page.position, page.read)


def key_of(item: CatalogueTrack | PlaylistRecord | UserRecord) -> str:
    """The key of its record in its topic."""
    if isinstance(item, CatalogueTrack):
        return item.track_id
    return item.playlist_id if isinstance(item, PlaylistRecord) else item.user_id


def by_code(rejected: Iterable[Rejected]) -> Mapping[str, int]:
    """How many there are of each code."""
    return Counter(one.code for one in rejected)


def _check(item: Item, now: datetime) -> None:
    if isinstance(item, ListeningEvent):
        check_listening_event(item, now)
        return
    check_id("id", key_of(item))
    check_record(item)


def _name(item: Item) -> str:
    if isinstance(item, ListeningEvent):
        return f"{item.type} of {item.track_id[:80]!r} at {item.occurred_at.isoformat()}"
    return f"{type(item).__name__} {key_of(item)[:80]!r}"
