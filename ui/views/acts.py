"""What a listener does with a track, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from segue.client import Segue, sent_event
from segue.client.generated.shapes import Item

SOURCE = "listening-room"
Kind = Literal[
    "play", "skip", "like", "dislike", "not_now", "block", "block_artist", "unlike", "undislike", "unblock", "unblock_artist"
]  # fmt: skip
OFFERED: dict[Kind, str] = {
    "play": "Play", "skip": "Skip", "like": "Like", "dislike": "Dislike", "not_now": "Not now", "block": "Block"
}  # fmt: skip
ICONS: dict[Kind, str] = {
    "play": "play_arrow", "skip": "skip_next", "like": "thumb_up", "dislike": "thumb_down", "not_now": "snooze", "block": "block",
    "block_artist": "person_off",
}  # fmt: skip
DONE: dict[Kind, str] = {
    "play": "Played", "skip": "Skipped", "like": "Liked", "dislike": "Disliked", "not_now": "Not now", "block": "Blocked",
    "block_artist": "Blocked", "unblock_artist": "No longer blocked", "unlike": "No longer liked",
    "undislike": "No longer disliked", "unblock": "No longer blocked",
}  # fmt: skip
BACK: dict[Kind, Kind] = {
    "like": "unlike",
    "dislike": "undislike",
    "not_now": "unblock",
    "block": "unblock",
    "block_artist": "unblock_artist",
}
"""What takes an act back; plays and skips have happened."""


@dataclass(frozen=True)
class Act:
    """A click: what is done, with which track, at which place (from 1) of which answer. Acts on an artist have no track."""

    kind: Kind
    track_id: str | None
    name: str
    rec_id: UUID | None = None
    place: int | None = None

    @classmethod
    def on(cls, kind: Kind, item: Item, rec_id: str, place: int) -> Act:
        """An act on a recommended track."""
        return cls(kind, item.track_id, item.name, UUID(rec_id), place)

    def back(self) -> Act | None:
        """The act that takes it back; None where nothing does."""
        kind = BACK.get(self.kind)
        return Act(kind, self.track_id, self.name) if kind else None

    def send(self, client: Segue, user_id: str) -> UUID:
        """Tell the API; the id of the event that answers can wait for. Raises SegueError."""
        position = None if self.place is None else self.place - 1
        if self.track_id is None:
            return self._about_artist(client, user_id)
        if self.kind == "play" or self.kind == "skip":
            event = sent_event(self.kind, user_id, self.track_id, rec_id=self.rec_id, position=position, source=SOURCE)
            client.post_events([event])
            return event.event_id
        told = client.give_feedback(user_id, self.kind, track_id=self.track_id, rec_id=self.rec_id, position=position)
        return UUID(told.event_id)

    def _about_artist(self, client: Segue, user_id: str) -> UUID:
        kind: Literal["block_artist", "unblock_artist"] = "block_artist" if self.kind == "block_artist" else "unblock_artist"
        return UUID(client.give_feedback(user_id, kind, artist=self.name).event_id)


@dataclass(frozen=True)
class Said:
    """An act that Kafka has. `clicked_s`: when it was clicked, on a clock that never goes back; `answered_ms`: from there to the
    first answer after it, and whether that answer includes it; None before.
    """

    act: Act
    event_id: UUID
    clicked_s: float
    answered_ms: float | None = None
    included: bool | None = None

    def words(self) -> str:
        """What the visitor reads."""
        done = f"{DONE[self.act.kind]}: {self.act.name}."
        if self.answered_ms is None:
            return done
        if self.included:
            return f"{done} New answer, which knows it, {self.answered_ms:.0f} ms after the click."
        return f"{done} It is kept, but the processors are behind: this answer does not know it yet."
