"""What all of Spotify's sources have in common: one request is one page, so that nothing that was answered is asked again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from producers.ingestion.contract import Item, Page, Rejected, Skipped
from producers.spotify.answers import CLOSED
from producers.spotify.records import Read, features_of, items_of, object_of
from producers.spotify.session import SpotifySession
from segue.errors import NotAllowed
from segue.events import CatalogueTrack

Place = TypeVar("Place", bound=msgspec.Struct)
"""Where a source stands; kept as JSON."""

KnownElsewhere = Callable[[Collection[str]], Collection[str]]
"""Which of these tracks are described by a source that is not Spotify's API."""

PLACE, FEATURELESS = "place", "featureless"
FEATURES_AT_ONCE = 100
"""Tracks whose audio features Spotify gives at once."""


@dataclass
class Found:
    """What one request brought."""

    items: list[Item]
    rejected: list[Rejected]
    skipped: list[Skipped]
    read: int = 0

    @classmethod
    def nothing(cls) -> Found:
        """Of a request that brings only a list of further ones."""
        return cls([], [], [])

    def take(self, read: Read) -> CatalogueTrack | None:
        """Sort a track in; returns it if it is one."""
        self.read += 1
        self.add(read)
        return read if isinstance(read, CatalogueTrack) else None

    def add(self, found: Item | Rejected | Skipped) -> None:
        """Sort anything in."""
        if isinstance(found, Rejected):
            self.rejected.append(found)
        elif isinstance(found, Skipped):
            self.skipped.append(found)
        else:
            self.items.append(found)


def fingerprint_of(session: SpotifySession, asked: str) -> str:
    """Identifies what of an account is asked for."""
    return f"{session.login.account}/{asked}"


class SpotifySource(ABC, Generic[Place]):
    """A source of the ingestor's. `name`, `label` and `fingerprint`: see `producers.ingestion.contract`."""

    name: str
    place_type: type[Place]

    def __init__(self, session: SpotifySession, label: str, asked: str, known: KnownElsewhere) -> None:
        """`asked` says what of the account is asked for."""
        self.session, self.label, self._known = session, label, known
        self.fingerprint = fingerprint_of(session, asked)

    def total(self) -> int | None:
        """Known by a request only, and they are few."""
        return None

    def pages(self, position: dict[str, Any] | None) -> Iterator[Page]:
        """One page for each request. Raises Postponed and what else `SpotifySession.ask` raises."""
        position = position or {PLACE: msgspec.to_builtins(self.start())}
        while True:
            place = msgspec.convert(position[PLACE], self.place_type)
            featureless: list[Any] = position.get(FEATURELESS, [])
            if len(featureless) >= FEATURES_AT_ONCE or (featureless and self.done(place)):
                page = self._features(position[PLACE], featureless)
            elif self.done(place):
                return
            else:
                page = self._stepped(place, featureless)
            yield page
            position = page.position

    @abstractmethod
    def start(self) -> Place:
        """Where to begin."""

    @abstractmethod
    def done(self, place: Place) -> bool:
        """Whether all is read."""

    @abstractmethod
    def step(self, place: Place) -> tuple[Found, Place]:
        """Make one request that is answered; returns what it brought and where to go on."""

    def _stepped(self, place: Place, featureless: Sequence[Any]) -> Page:
        found, further = self.step(place)
        items, known = self._unknown(found.items)
        position: dict[str, Any] = {PLACE: msgspec.to_builtins(further)}
        if self.session.may.now.features is not False:
            tracks = [msgspec.to_builtins(item) for item in items if isinstance(item, CatalogueTrack)]
            position[FEATURELESS] = [*featureless, *tracks]
        return Page(items, found.rejected, found.skipped + [Skipped("known")] * known, position, found.read)

    def _unknown(self, items: Sequence[Item]) -> tuple[list[Item], int]:
        """Without tracks that somebody else described: those of Spotify's terms must not take their place."""
        known = self._known({item.track_id for item in items if isinstance(item, CatalogueTrack)})
        left = [item for item in items if not (isinstance(item, CatalogueTrack) and item.track_id in known)]
        return left, len(items) - len(left)

    def _features(self, place: Any, featureless: Sequence[Any]) -> Page:
        """Tracks of the pages before again, with their audio features."""
        tracks = msgspec.convert(featureless[:FEATURES_AT_ONCE], list[CatalogueTrack])
        ids = ",".join(dict.fromkeys(track.track_id for track in tracks))
        further = {PLACE: place, FEATURELESS: featureless[FEATURES_AT_ONCE:]}
        try:
            body = self.session.ask(lambda client: client._get("audio-features", ids=ids), "audio features")
        except NotAllowed as error:
            if error.code != CLOSED:
                raise
            self.session.refused(error, features=False)
            return Page([], [], [], {PLACE: place}, 0)
        self.session.may.learn(features=True)
        found = {object_of(one).get("id"): features_of(one) for one in items_of(body, "audio_features")}
        items: list[Item] = [
            msgspec.structs.replace(track, features=features) for track in tracks if (features := found.get(track.track_id))
        ]
        return Page(items, [], [], further, 0)
