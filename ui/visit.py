"""What a visit remembers of a listener between two clicks; it is gone when the browser's tab is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import streamlit as st

from segue.client.generated.shapes import ListenerAnswer, TasteShown
from segue.errors import SegueError
from ui.asking import segue
from ui.views.acts import Act, Said
from ui.views.failures import Failure, failure_of
from ui.views.steering import Steer

LISTENER = "listener"
"""The parameter of a page's address that names the listener."""
_KNOWN = "listeners"
REMEMBERED = 20
"""Listeners of a visit; one more, and the first is forgotten."""
LAST = "last-listener"
"""Where a visit keeps who listened last, for the way back from other pages."""


@dataclass
class Listening:
    """`genres`, `artists`: what a newcomer chose. `said`: the last act. `before`: the taste ahead of it. `station`: track ids of
    the station, oldest first.
    """

    user_id: str
    genres: list[str] = field(default_factory=list)
    artists: list[str] = field(default_factory=list)
    said: Said | None = None
    failure: Failure | None = None
    taste: TasteShown | None = None
    before: TasteShown | None = None
    station: list[str] = field(default_factory=list)

    @property
    def last_event_id(self) -> UUID | None:
        """The event that an answer is to include."""
        return self.said.event_id if self.said else None

    def do(self, act: Act) -> None:
        """Send an act, and remember it for the answer that follows; a failure is remembered too, and shown with that answer."""
        clicked_s = time.perf_counter()
        try:
            event_id = act.send(segue(), self.user_id)
        except SegueError as error:
            self.failure = failure_of(error)
            return
        self.said, self.failure, self.before = Said(act, event_id, clicked_s), None, self.taste

    def ask(self, steer: Steer, n: int, exclude: Sequence[str] = ()) -> ListenerAnswer:
        """Recommendations that include what was done last. Raises SegueError."""
        answer = segue().recommend_user(
            self.user_id,
            n=n,
            exclude=exclude or None,
            filters=steer.filters(),
            adventurousness=steer.adventurousness,
            diversity=steer.variety(),
            min_event_id=self.last_event_id,
            genres=self.genres or None,
            artists=self.artists or None,
        )
        self._answered(answer.state.includes_event)
        return answer

    def _answered(self, included: bool | None) -> None:
        # Only the first answer that knows of the act says how long that took.
        if self.said and not self.said.included:
            ms = 1000 * (time.perf_counter() - self.said.clicked_s)
            self.said = replace(self.said, answered_ms=ms, included=bool(included))


def known_listeners() -> dict[str, Listening]:
    """The listeners of this visit by their id, the one that was opened first first."""
    known: dict[str, Listening] = st.session_state.setdefault(_KNOWN, {})
    return known


def listening(user_id: str) -> Listening:
    """What the visit remembers of a listener."""
    known = known_listeners()
    if user_id not in known and len(known) >= REMEMBERED:
        known.pop(next(iter(known)))
    return known.setdefault(user_id, Listening(user_id))
